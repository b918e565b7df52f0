"""Who has done this: people by what they answered on a topic."""

from sqlalchemy.orm import Session

from models import actors, blocks, moderation, reactions, threads
from models.arriving import RemotePost, record_remote
from models.base import now
from models.database import Database
from models.posts import Draft, Visibility
from models.search import experts
from models.search.asked import Asked, read
from models.search.finding import Filters
from tests.federation.elsewhere import remote
from tests.models.search.looking import person


def _music(db: Session) -> None:
    asked = threads.ask(
        db, person(db, "eva"), person(db, "udfordrere"),
        Draft(text="Om #musik", title="Hvem har en xylofon?", barriers=("kultur",)),
    )  # fmt: skip
    said = {
        name: threads.answer(db, person(db, name), asked, Draft(text="Mig"))
        for name in ("birk", "david", "farid", "anna")
    }
    threads.accept(db, person(db, "eva"), asked, said["farid"])
    for voter in ("anna", "camilla"):
        reactions.vote(db, person(db, voter), said["david"])
    reactions.vote(db, person(db, "camilla"), said["birk"])
    there = remote(db, "by.example", discoverable=False, indexable=True)
    answer = RemotePost(
        "https://by.example/1", there, Visibility.PUBLIC, now(), content="<p>Her</p>", in_reply_to_uri=asked.uri
    )
    reactions.vote(db, person(db, "camilla"), record_remote(db, answer)[0])


def names(db: Session, asked: Asked, filters: Filters | None = None, *, by: str = "") -> list[str]:
    viewer = person(db, by) if by else None
    return [one.actor.username for one in experts.on(db, viewer, asked, filters or Filters())]


def test_people_are_ranked_by_accepted_and_voted_answers_on_the_topic(lived_in: Database) -> None:
    lived_in.write(_music)
    with lived_in.reading() as db:
        for asked in (read("xylofoner"), read("#musik"), Asked()):
            filters = Filters(tags=("musik",)) if not asked else Filters()
            assert names(db, asked, filters)[:3] == ["farid", "david", "birk"]
        assert "anna" not in names(db, read("xylofon"))
        assert {"farid", "david", "birk"} < set(names(db, Asked(), Filters(barrier="kultur")))
        first = experts.on(db, None, read("xylofon"), Filters())[0]
        assert (first.answers, first.accepted, first.votes) == (1, 1, 0)
        assert names(db, read("trombone")) == []


def test_who_does_not_want_to_be_found_or_is_kept_away_is_not_named(lived_in: Database) -> None:
    lived_in.write(_music)

    def part(db: Session) -> None:
        actors.update_profile(db, person(db, "farid"), discoverable=False)
        blocks.block(db, person(db, "david"), person(db, "eva"))
        moderation.suspend(db, person(db, "birk"), by=None)

    lived_in.write(part)
    with lived_in.reading() as db:
        assert names(db, read("xylofon"), by="eva") == []
        assert names(db, read("xylofon")) == ["david"]
