"""What a limit means, everywhere: what somebody limited writes is in no list but his followers' and his own, stands last
in threads, is announced by no community here, and tells of itself only those who follow him."""

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    actors,
    answers,
    collections,
    composing,
    directory,
    follows,
    hashtags,
    moderation,
    names,
    news,
    notifications,
    reactions,
    removing,
    sanctions,
    surroundings,
    syndication,
    threads,
    timelines,
    trends,
    watching,
)
from models.access import kept_apart
from models.actors import Actor
from models.arriving import RemotePost, record_remote
from models.base import now
from models.database import Database
from models.errors import Forbidden
from models.notifications import Notification
from models.outbox import Activity
from models.posts import Draft, Kind, Post, Visibility
from models.search import experts, people, similar
from models.search.asked import read
from models.search.finding import Filters
from models.windows import Window
from tests.federation.elsewhere import remote
from tests.models.search.looking import found, person

TITLE = "Hvem har prøvet en xylofon i receptionen?"


def story(db: Session) -> None:
    """Birk, whom Anna follows and Eva does not, is limited; then he asks, answers and comments as before, with votes."""
    sanctions.impose(db, person(db, "birk"), "limit", by=person(db, "camilla"), reason="Reklame")
    community = person(db, "udfordrere")
    draft = Draft(text="Med køller. #musik", title=TITLE)
    asked = threads.ask(db, person(db, "birk"), community, draft)
    other = threads.ask(db, person(db, "david"), community, Draft("Hvem?", "Hvem spiller trombone til morgenmøder?"))
    reply = threads.answer(db, person(db, "birk"), other, Draft("Mig, og en trombone."))
    threads.answer(db, person(db, "farid"), other, Draft("Også mig."))
    threads.comment(db, person(db, "birk"), other, Draft("Er det messing?"))
    threads.comment(db, person(db, "farid"), other, Draft("Ja."))
    composing.note(db, person(db, "birk"), Draft(text="Løb i morgen #musik"))
    for voter in ("camilla", "david"):
        for post in (asked, reply):
            if post.author_id != person(db, voter).id:
                reactions.vote(db, person(db, voter), post)


@pytest.fixture
def told(lived_in: Database) -> Database:
    lived_in.write(story)
    return lived_in


def _ids(posts: Collection[Post]) -> set[int]:
    return {post.id for post in posts}


def _home(db: Session, who: Actor | None) -> set[int]:
    return {item.post.id for item in timelines.home(db, who, Window(limit=200))} if who else set()


def _waiting(db: Session, who: Actor | None) -> set[int]:
    return _ids(timelines.waiting(db, who, limit=50)) if who else set()


def _unanswered(db: Session, who: Actor | None) -> set[int]:
    return _ids(news.unanswered(db, who, now() - timedelta(days=1), limit=50)) if who else set()


def _best(db: Session, who: Actor | None) -> set[int]:
    return _ids(news.best(db, who, now() - timedelta(days=1), limit=50)) if who else set()


def _streamed(db: Session, who: Actor | None) -> set[int]:
    posts = db.scalars(select(Post.id).where(Post.author_id == person(db, "birk").id)).all()
    return {one for one in posts if who is not None and who.id in watching.public_readers(db, one, {who.id})}


def _of_community(db: Session, who: Actor | None) -> set[int]:
    return {item.post.id for item in timelines.of_actor(db, who, person(db, "udfordrere"), Window(limit=200))}


def _around(db: Session, who: Actor | None) -> set[int]:
    return _ids(surroundings.of(db, who, _titled(db, "trombone")).below)


LISTS: dict[str, Callable[[Session, Actor | None], set[int]]] = {
    "public": lambda db, who: _ids(timelines.public(db, who, Window(limit=200))),
    "tag": lambda db, who: _ids(timelines.tag(db, who, "musik", Window(limit=200))),
    "community": lambda db, who: {p.id for _, p in timelines.community(db, who, person(db, "udfordrere"), Window(limit=99))},
    "community in apps": _of_community,
    "questions": lambda db, who: _ids(timelines.questions(db, who, Window(limit=200))),
    "top questions": lambda db, who: _ids(timelines.questions(db, who, Window(limit=200), order="top")),
    "home": _home,
    "waiting": _waiting,
    "letter, unanswered": _unanswered,
    "letter, best": _best,
    "stream": _streamed,
    "search": lambda db, who: _ids(found(db, "xylofon", by=who.username if who else "")),
    "similar": lambda db, who: _ids(similar.questions(db, who, TITLE)),
    "trends": lambda db, who: _ids(trends.statuses(db, who, trends.ranked(db), limit=100)),
    "thread in apps": _around,
}  # fmt: skip
FOR_EVERYBODY: dict[str, Callable[[Session], Collection[Post]]] = {
    "feed of questions": syndication.questions,
    "feed of the node": syndication.public,
    "feed of the community": lambda db: syndication.community(db, person(db, "udfordrere")),
    "feed of the tag": lambda db: syndication.tag(db, "musik"),
    "feed of the thread": lambda db: syndication.thread(db, _titled(db, "trombone")),
    "context": lambda db: [db.get_one(Post, id) for id, _ in collections.thread(db, _titled(db, "trombone"))],
    "replies": lambda db: [db.get_one(Post, id) for id, _ in collections.replies(db, _titled(db, "trombone"))],
}
SAME_FOR_ALL = {"trends"}
"""Ranked once for everybody; a follower sees what everybody sees."""


def _titled(db: Session, word: str) -> Post:
    post = db.scalar(select(Post).where(Post.title.contains(word)))
    assert post is not None
    return post


def _of_birk(db: Session, ids: Collection[int]) -> set[int]:
    """What of it Birk wrote after he was limited, or at any time: he is limited now."""
    query = select(Post.id).where(Post.id.in_(ids), Post.author_id == person(db, "birk").id)
    return set(db.scalars(query))


@pytest.mark.parametrize("name", LISTS)
def test_lists_have_it_for_followers_and_himself_only(told: Database, name: str) -> None:
    with told.reading() as db:
        assert _of_birk(db, LISTS[name](db, None)) == set()
        assert _of_birk(db, LISTS[name](db, person(db, "eva"))) == set()
        if name not in SAME_FOR_ALL:
            assert _of_birk(db, LISTS[name](db, person(db, "anna")))
        sees = _of_birk(db, LISTS[name](db, person(db, "birk")))
        assert sees or name in {*SAME_FOR_ALL, "waiting", "letter, unanswered", "letter, best"}  # not of one's own


@pytest.mark.parametrize("name", LISTS)
def test_lists_have_it_again_when_the_limit_ends(told: Database, name: str) -> None:
    told.write(lambda db: sanctions.lift(db, person(db, "birk"), sanctions.SanctionKind.LIMIT, by=person(db, "anna")))
    with told.reading() as db:
        assert _of_birk(db, LISTS[name](db, person(db, "eva")))


@pytest.mark.parametrize("name", FOR_EVERYBODY)
def test_what_is_for_everybody_does_not_have_it(told: Database, name: str) -> None:
    with told.reading() as db:
        assert _of_birk(db, _ids(FOR_EVERYBODY[name](db))) == set()


def test_a_request_to_follow_is_no_following(told: Database) -> None:
    def wait(db: Session) -> None:
        birk = person(db, "birk")
        birk.locked = True
        assert follows.request(db, person(db, "eva"), birk).state != follows.FollowState.ACCEPTED

    told.write(wait)
    with told.reading() as db:
        assert _of_birk(db, LISTS["public"](db, person(db, "eva"))) == set()


def test_people_find_him_by_his_exact_name_only_unless_they_follow(told: Database) -> None:
    with told.reading() as db:
        birk = person(db, "birk")

        def finds(words: str, by: str) -> bool:
            who = person(db, by) if by else None
            return birk in names.search(db, who, words) and birk in people.find(db, who, words)

        assert [finds("bir", by) for by in ("", "eva", "anna", "birk")] == [False, False, True, True]
        assert [finds("birk", by) for by in ("", "eva", "anna")] == [True, True, True]
        for who in (None, person(db, "eva"), person(db, "anna")):
            assert birk not in directory.listing(db, who)
            assert "birk" not in [one.actor.username for one in experts.on(db, who, read("trombone"), Filters())]
        assert birk not in [one.actor for one in directory.suggestions(db, person(db, "david"))]


def test_a_thread_has_him_last_unless_his_answer_is_accepted(told: Database) -> None:
    def order(db: Session, name: str) -> list[str]:
        who = person(db, name) if name else None
        page, whole = answers.page(db, who, root := _titled(db, "trombone")), threads.read(db, who, root)
        wrote = [actors.get(db, post.author_id).username for post in page.answers]
        assert wrote == [actors.get(db, post.author_id).username for post in whole.answers]
        said = [actors.get(db, post.author_id).username for post in page.comments[root.id]]
        assert said == [actors.get(db, post.author_id).username for post in whole.comments[root.id]]
        assert said == wrote
        return wrote

    with told.reading() as db:
        assert [order(db, name) for name in ("", "eva")] == [["farid", "birk"]] * 2  # Birk has the votes
        assert [order(db, name) for name in ("anna", "birk")] == [["birk", "farid"]] * 2
        limited = person(db, "birk")
        assert kept_apart(db, None, [limited, person(db, "eva")]) == {limited.id}
        assert kept_apart(db, person(db, "anna"), [limited]) == kept_apart(db, limited, [limited]) == set()

    def accept(db: Session) -> None:
        root = _titled(db, "trombone")
        his = db.scalars(select(Post).where(Post.kind == Kind.ANSWER, Post.author_id == person(db, "birk").id))
        threads.accept(db, person(db, "david"), root, next(p for p in his if p.thread_id == root.id))

    told.write(accept)
    with told.reading() as db:
        page = answers.page(db, None, _titled(db, "trombone"))
        assert [actors.get(db, post.author_id).username for post in page.answers] == ["birk", "farid"]


def test_pages_of_a_long_thread_have_everybody_once_and_the_limited_last(
    told: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PAGE", 2)

    def fill(db: Session) -> None:
        root = _titled(db, "trombone")
        for number in range(5):
            for name in ("birk", "farid"):
                threads.answer(db, person(db, name), root, Draft(f"Nr. {number} fra {name}."))

    told.write(fill)
    with told.reading() as db:
        root = _titled(db, "trombone")
        pages = [answers.page(db, None, root, number=number) for number in range(1, 7)]
        wrote = [actors.get(db, post.author_id).username for page in pages for post in page.answers]
        assert wrote == ["farid"] * 6 + ["birk"] * 6
        assert [page.follows for page in pages] == [True] * 5 + [False]
        assert len({post.id for page in pages for post in page.answers}) == 12
        for number, page in enumerate(pages, 1):
            for post in page.answers:
                assert answers.page_of(db, None, root, post) == number


def _announced(db: Session, post: Post) -> list[str]:
    query = select(Activity.type).where(Activity.post_id == post.id, Activity.actor_id == person(db, "udfordrere").id)
    return list(db.scalars(query))


def test_communities_announce_nothing_of_him(told: Database) -> None:
    def more(db: Session) -> None:
        mine = [db.get_one(Post, id) for id in _of_birk(db, db.scalars(select(Post.id)).all())]
        new = [
            post
            for post in mine
            if "xylofon" in post.title or post.source in {"Mig, og en trombone.", "Er det messing?"}
        ]
        assert len(new) == 3
        composing.edit(db, person(db, "birk"), new[0], Draft("Med køller af træ.", TITLE))
        assert [_announced(db, post) for post in new] == [[], [], []]

    told.write(more)


def test_what_was_announced_before_is_still_corrected_and_taken_back(told: Database) -> None:
    def after(db: Session) -> tuple[int, int]:
        early = next(p for p in db.scalars(select(Post).where(Post.title.contains("løbere"))))
        before = len(_announced(db, early))
        removing.delete_post(db, person(db, "birk"), early)
        return before, len(_announced(db, early))

    before, afterwards = told.write(after)
    assert before
    assert afterwards > before


def test_a_limited_server_counts_as_its_people(lived_in: Database) -> None:
    def arrive(db: Session) -> int:
        moderation.set_rule(db, "by.example", "limit")
        there, group = remote(db, "by.example"), person(db, "udfordrere")
        actors.weigh(db, there)
        post = RemotePost(
            "https://by.example/p/1", there, Visibility.PUBLIC, now(), title="Køb en xylofon her i dag",
            content="<p>Billigt</p>", community=group,
        )  # fmt: skip
        return record_remote(db, post)[0].id

    number = lived_in.write(arrive)
    with lived_in.reading() as db:
        post = db.get_one(Post, number)
        assert post.community_id is not None
        assert _announced(db, post) == []
        assert number not in LISTS["community"](db, person(db, "eva"))


def test_his_notices_are_kept_aside_but_not_from_who_follows_him(told: Database) -> None:
    def name(db: Session) -> dict[str, bool]:
        composing.note(db, person(db, "birk"), Draft(text="Hej @anna og @eva"))
        rows = db.scalars(select(Notification).where(Notification.from_id == person(db, "birk").id)).all()
        newest = {row.account_id: row.filtered for row in sorted(rows, key=lambda one: one.id)}
        return {who: newest[person(db, who).id] for who in ("anna", "eva")}

    assert told.write(name) == {"anna": False, "eva": True}


def test_what_moderators_have_to_hear_of_him_comes_in(told: Database) -> None:
    def report(db: Session) -> bool:
        moderation.report(db, person(db, "birk"), target=person(db, "eva"), post_uris=[], comment="Hun larmer")
        rows = notifications.of(db, person(db, "camilla").id)
        return any(row.kind == "report" and row.from_id == person(db, "birk").id for row, _, _ in rows)

    assert told.write(report)


def test_he_cannot_slip_under_the_limit_by_asking_anonymously(told: Database) -> None:
    def ask(db: Session) -> Any:
        draft = Draft("Køb nu", "Hvem sælger de bedste xylofoner?", anonymous=True)
        return threads.ask(db, person(db, "birk"), person(db, "udfordrere"), draft)

    with pytest.raises(Forbidden, match="not anonymously"):
        told.write(ask)


def test_tags_are_counted_without_him(told: Database) -> None:
    with told.reading() as db:
        assert hashtags.history(db, ["musik"])["musik"][0].uses == 0
