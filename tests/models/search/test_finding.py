"""Finding posts: by any form of their words, in a good order, by who may find them, however they are spelled."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from models import (
    account_domains,
    actors,
    arriving,
    blocks,
    communities,
    composing,
    moderation,
    reactions,
    tag_synonyms,
    threads,
)
from models.arriving import RemotePost
from models.base import now
from models.database import Database
from models.domains import DomainAction
from models.posts import Draft, Kind, Post, Visibility
from models.search import finding, people, similar
from models.search.asked import Asked, read
from models.search.excerpts import cut
from models.search.finding import Filters
from tests.federation.elsewhere import remote
from tests.models.search.looking import found, person, titles
from tests.world import days_ago


def ask(db: Session, title: str, text: str = "Sig frem.", *, by: str = "eva", **more: object) -> Post:
    return threads.ask(db, person(db, by), person(db, "udfordrere"), Draft(text=text, title=title, **more))  # type: ignore[arg-type]


def says(db: Session, text: str, *, by: str = "eva", **more: object) -> Post:
    return composing.note(db, person(db, by), Draft(text=text, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Hvad gør vores kommune?", "kommunernes"),
        ("Hvad gør kommunernes jurister?", "kommune"),
        ("Who has questions about budgets?", "question budget"),
        ("Turen gik til Åbenrå", "Aabenraa"),
        ("Turen gik til Aabenraa", "åbenrå"),
        ("En god idé til mødet", "IDE"),
        ("Ströget i Malmö", "strøget malmø"),
        ("Bekendtgørelse 42a", "42A"),
        ("Мэрия города", "мэрия"),
    ],
)
def test_words_are_found_in_any_form_and_spelling(lived_in: Database, written: str, typed: str) -> None:
    post = lived_in.write(lambda db: says(db, written).id)
    with lived_in.reading() as db:
        assert post in [one.id for one in found(db, typed)]


def test_all_words_have_to_be_there_but_for_those_that_say_nothing(lived_in: Database) -> None:
    with lived_in.reading() as db:
        both = titles(db, "hvordan er det med brandhaner og privat grund")
        assert [title for title in both if title.startswith("Må vi lægge")]
        assert finding.best(db, None, read("brandhaner ensomme")).how == finding.HOLDS_SOME


def test_a_phrase_is_found_as_it_stands(lived_in: Database) -> None:
    with lived_in.reading() as db:
        assert titles(db, '"privat   GRUND"')
        assert titles(db, '"privat grund" brandhaner')
        assert finding.best(db, None, read('"grund privat"')).how != finding.HOLDS_ALL


def test_a_word_in_the_title_counts_more_and_votes_and_acceptance_help(lived_in: Database) -> None:
    def write(db: Session) -> tuple[int, ...]:
        with days_ago(3):
            body = ask(db, "Noget helt andet her", "Vi har en xylofon.")
            plain = ask(db, "Har nogen en xylofon?")
            liked = ask(db, "Hvem har en xylofon?")
        for voter in ("anna", "birk", "camilla"):
            reactions.vote(db, person(db, voter), liked)
        return liked.id, plain.id, body.id

    wanted = lived_in.write(write)
    with lived_in.reading() as db:
        assert tuple(post.id for post in found(db, "xylofon")) == wanted


def test_age_matters_mildly(lived_in: Database) -> None:
    def write(db: Session) -> tuple[int, int]:
        with days_ago(900):
            old = ask(db, "Hvem har en xylofon?")
        return ask(db, "Hvem har en xylofon?").id, old.id

    new, old = lived_in.write(write)
    with lived_in.reading() as db:
        assert [post.id for post in found(db, "xylofon")] == [new, old]


def test_common_words_rank_the_newest_and_those_that_have_them_in_the_title(
    lived_in: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "CANDIDATES", 5)

    def write(db: Session) -> int:
        with days_ago(20):
            titled = ask(db, "Hvem har en xylofon?").id
        for _ in range(7):
            says(db, "Jeg har en xylofon")
        return titled

    titled = lived_in.write(write)
    with lived_in.reading() as db:
        result = finding.best(db, None, read("xylofon"))
        assert result.ids[0] == titled
        assert len(result.ids) == 6
        assert not result.all


def test_filters_narrow_and_stand_alone(lived_in: Database) -> None:
    def write(db: Session) -> dict[str, int]:
        with days_ago(40):
            old = ask(db, "Xylofoner i gamle dage", barriers=("regler",), municipality="0101")
        bare = ask(db, "Xylofoner i dag", "Om #musik")
        answered = ask(db, "Xylofoner med svar", by="birk")
        answer = threads.answer(db, person(db, "camilla"), answered, Draft(text="En xylofon mere"))
        threads.accept(db, person(db, "birk"), answered, answer)
        reply = threads.answer(db, person(db, "farid"), old, Draft(text="Kun xylofonen i §3"))
        return {"old": old.id, "bare": bare.id, "answered": answered.id, "answer": answer.id, "reply": reply.id}

    ids = lived_in.write(write)
    names = {value: key for key, value in ids.items()}
    with lived_in.reading() as db:
        group = person(db, "udfordrere").id

        def got(**filters: object) -> set[str]:
            result = finding.best(db, None, read("xylofoner"), Filters(**filters))  # type: ignore[arg-type]
            return {names[id] for id in result.ids}

        assert got() == set(ids)
        assert got(kinds=(Kind.QUESTION,)) == {"old", "bare", "answered"}
        assert got(unanswered=True) == {"bare"}
        assert got(accepted=True) == {"answered", "answer"}
        assert got(barrier="regler") == {"old", "reply"}
        assert got(municipality="0101") == {"old", "reply"}
        assert got(since=now() - timedelta(days=30)) == {"bare", "answered", "answer", "reply"}
        assert got(tags=("musik",)) == {"bare"}
        assert got(author_id=person(db, "birk").id) == {"answered"}
        assert got(community_id=group) == set(ids)
        assert got(community_id=person(db, "aabne_data").id) == set()
        alone = finding.best(db, None, Asked(), Filters(kinds=(Kind.QUESTION,), unanswered=True))
        assert ids["bare"] in alone.ids
        assert alone.ids == sorted(alone.ids, reverse=True)


def test_a_hashtag_is_found_under_all_names_that_mean_it(lived_in: Database) -> None:
    def write(db: Session) -> None:
        says(db, "Ét #paragrafrytteri")
        says(db, "To #paragraf")
        says(db, "Ordet paragraf alene")
        tag_synonyms.add(db, "paragraf", "paragrafrytteri", by=person(db, "anna"))

    lived_in.write(write)
    with lived_in.reading() as db:
        assert sorted(titles(db, "#paragraf")) == ["To #paragraf", "Ét #paragrafrytteri"]
        assert sorted(titles(db, "#PARAGRAFRYTTERI")) == ["To #paragraf", "Ét #paragrafrytteri"]


def test_only_what_one_may_see_is_found(lived_in: Database) -> None:
    """F52"""

    def write(db: Session) -> None:
        for visibility in ("public", "unlisted", "followers", "node"):
            says(db, f"{visibility} xylofon", visibility=visibility)
        says(db, "direct xylofon @birk", visibility="direct")
        home = person(db, "udfordrere")
        for number, (name, willing) in enumerate([("villig", True), ("uvillig", False)]):
            author = remote(db, "by.example", name, indexable=willing)
            for place in (None, home):
                there = RemotePost(
                    f"https://by.example/{number}/{place is home}",
                    author,
                    Visibility.PUBLIC,
                    now(),
                    content=f"<p>{name} {'hos os' if place else 'ude'} xylofon</p>",
                    community=place,
                )
                arriving.record_remote(db, there)

    lived_in.write(write)
    with lived_in.reading() as db:
        willing = {"villig hos os xylofon", "villig ude xylofon"}
        assert set(_sources(db, "xylofon")) == {"public xylofon", *willing}
        assert set(_sources(db, "xylofon", by="birk")) == {"public xylofon", "node xylofon", *willing}
        own = {f"{visibility} xylofon" for visibility in ("public", "unlisted", "followers", "node")}
        assert set(_sources(db, "xylofon", by="eva")) == {*own, "direct xylofon @birk", *willing}
        within = Filters(community_id=person(db, "udfordrere").id)
        shown_there = {"villig hos os xylofon", "uvillig hos os xylofon"}
        assert set(_sources(db, "xylofon", within)) == shown_there


def _sources(db: Session, words: str, filters: Filters = finding.ANYTHING, *, by: str = "") -> list[str]:
    posts = found(db, words, filters, by=by)
    return [post.source or " ".join(post.content.removeprefix("<p>").removesuffix("</p>").split()) for post in posts]


def test_who_is_kept_away_is_not_found(lived_in: Database) -> None:
    def write(db: Session) -> None:
        for name in ("blokeret", "dæmpet", "spærret"):
            author = remote(db, f"{name[0]}.example", "nogen", indexable=True)
            there = RemotePost(
                f"https://{name[0]}.example/1", author, Visibility.PUBLIC, now(), content=f"<p>{name} xylofon</p>"
            )
            arriving.record_remote(db, there)
        says(db, "suspenderet xylofon", by="david")

    lived_in.write(write)
    with lived_in.reading() as db:
        assert len(found(db, "xylofon", by="eva")) == 4

    def part(db: Session) -> None:
        eva = person(db, "eva")
        blocks.block(db, eva, person(db, "nogen@b.example"))
        blocks.mute(db, eva, person(db, "nogen@d.example"))
        account_domains.block(db, eva, "s.example")
        moderation.suspend(db, person(db, "david"), by=None)

    lived_in.write(part)
    with lived_in.reading() as db:
        assert found(db, "xylofon", by="eva") == []
        assert len(found(db, "xylofon")) == 3
    lived_in.write(lambda db: moderation.set_rule(db, "b.example", DomainAction.BLOCK))
    lived_in.write(lambda db: moderation.set_rule(db, "d.example", DomainAction.LIMIT))
    with lived_in.reading() as db:
        assert len(found(db, "xylofon")) == 1


def test_an_answer_that_is_held_back_is_found_by_its_author_only(lived_in: Database) -> None:
    def write(db: Session) -> None:
        home = person(db, "udfordrere")
        communities.settings(db, home).holds_outside = True
        asked = ask(db, "Hvem har en xylofon?")
        outside = remote(db, "by.example", indexable=True)
        there = RemotePost(
            "https://by.example/1",
            outside,
            Visibility.PUBLIC,
            now(),
            content="<p>Xylofon her</p>",
            in_reply_to_uri=asked.uri,
        )
        arriving.record_remote(db, there)

    lived_in.write(write)
    with lived_in.reading() as db:
        assert titles(db, "xylofon", by="eva") == ["Hvem har en xylofon?"]


def test_a_word_nobody_wrote_is_taken_for_the_one_that_is_meant(lived_in: Database) -> None:
    with lived_in.reading() as db:
        result = finding.best(db, None, read("brnadhaner privat"))
        assert result.how == finding.SPELLED
        assert str(result.asked) == "brandhaner privat"
        assert len(result.ids) == 1
        nothing = finding.best(db, None, read("qqqqqqqqqq"))
        assert (nothing.ids, nothing.meant) == ([], None)


def test_a_rare_spelling_offers_the_common_one(lived_in: Database) -> None:
    def write(db: Session) -> None:
        says(db, "Vores bureaukrtai er stort")
        for _ in range(4):
            says(db, "Vores bureaukrati er stort")

    lived_in.write(write)
    with lived_in.reading() as db:
        result = finding.best(db, None, read("bureaukrtai"))
        assert (result.how, len(result.ids)) == (finding.HOLDS_ALL, 1)
        assert str(result.meant) == "bureaukrati"


def test_no_spelling_tells_of_words_one_may_not_find(lived_in: Database) -> None:
    lived_in.write(lambda db: says(db, "Fyringsrunden begynder", visibility="followers"))
    public = lived_in.write(lambda db: says(db, "Ansættelsesrunden begynder").id)
    with lived_in.reading() as db:
        assert finding.best(db, None, read("fyringsrudnen")).ids == []
    lived_in.write(lambda db: actors.update_profile(db, person(db, "eva"), indexable=False))
    with lived_in.reading() as db:
        assert public not in finding.best(db, None, read("ansættelsesrudnen")).ids


def test_words_that_begin_so_will_do_where_nothing_else_is_found(lived_in: Database) -> None:
    lived_in.write(lambda db: says(db, "Om xylofonkoncerten"))
    with lived_in.reading() as db:
        result = finding.best(db, None, read("xylofon"))
        assert (result.how, len(result.ids)) == (finding.BEGINS, 1)


def test_the_next_page_goes_on_where_the_first_ended_whatever_came_meanwhile(lived_in: Database) -> None:
    ids = lived_in.write(lambda db: [says(db, f"Xylofon nummer {n}").id for n in range(5)])
    with lived_in.reading() as db:
        first = finding.best(db, None, read("xylofon")).ids
    lived_in.write(lambda db: says(db, "En xylofon xylofon xylofon"))
    with lived_in.reading() as db:
        assert finding.best(db, None, read("xylofon"), upto=max(ids)).ids == first


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60) | st.text(alphabet="\"'*:()^-+~<>{}[]\\/&|!@#$%_;,. \x00aåANDORNT", max_size=40))
def test_whatever_is_typed_is_safe(lived_in: Database, typed: str) -> None:
    with lived_in.reading() as db:
        asked = read(typed)
        result = finding.best(db, None, asked)
        assert set(result.ids) == {post.id for post in finding.fetch(db, result.ids)}
        finding.newest(db, None, asked, Filters(tags=(typed,), municipality=typed, author_id=1))
        people.find(db, None, typed, communities=False)
        similar.questions(db, None, typed)


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=30))
def test_an_excerpt_is_the_text_itself_in_pieces(text: str, typed: str) -> None:
    wanted = frozenset(stem for clause in read(typed).clauses() for stem in clause.any)
    pieces = [piece for piece, _ in cut(text, wanted)]
    assert "".join(pieces) == " ".join(text.split())


def test_an_excerpt_shows_the_part_with_the_words_and_marks_them() -> None:
    text = "Først en masse andet. " * 40 + "Her er kommunernes brandhaner. " + "Og så videre. " * 40
    pieces = cut(text, frozenset({"kommun", "brandhan"}))
    assert [piece for piece, hit in pieces if hit] == ["kommunernes", "brandhaner"]
    assert pieces[0][0].startswith("…") and pieces[-1][0].endswith("…")
    assert len("".join(piece for piece, _ in pieces)) < 300


def test_people_and_communities_are_found_by_name_first_then_by_what_they_say(lived_in: Database) -> None:
    def change(db: Session) -> None:
        actors.update_profile(db, person(db, "birk"), summary_source="Kender Eva og spiller xylofon")
        actors.update_profile(db, person(db, "farid"), summary_source="Spiller xylofon", discoverable=False)

    lived_in.write(change)
    with lived_in.reading() as db:

        def names(typed: str, *, communities: bool = False) -> list[str]:
            return [actor.username for actor in people.find(db, None, typed, communities=communities)]

        assert names("eva") == ["eva", "birk"]
        assert names("xylofoner") == ["birk"]
        assert names("ensomhed") == ["camilla"]
        assert names("udfordrer") == []
        assert names("udfordrer", communities=True) == ["udfordrere"]
        assert names("lægge data frem", communities=True) == ["aabne_data"]


def test_questions_like_the_one_typed_are_found_while_its_last_word_is_unfinished(lived_in: Database) -> None:
    def titled(typed: str) -> list[str]:
        with lived_in.reading() as db:
            return [post.title[:11] for post in similar.questions(db, None, typed)]

    assert titled("Må man offentliggøre kommunens brandha") == ["Må vi lægge"]
    assert titled("Kan løberne besøge de ensomme ældre?")[0] == "Hvordan fik"
    assert titled("") == []
    assert titled("hvordan får man det") == []
    assert titled("xylofonkoncert") == []
    lived_in.write(lambda db: ask(db, "Internt om brandhaner", visibility="node"))
    assert titled("brandhaner") == ["Må vi lægge"]


def test_common_words_together_find_like_questions(lived_in: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similar, "COMMON", 1)
    with lived_in.reading() as db:
        assert [post.title[:11] for post in similar.questions(db, None, "brandhaner privat grund")] == ["Må vi lægge"]


def test_an_old_question_with_two_rare_words_is_like_another_however_many_newer_ones_have_one(
    lived_in: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar, "OF_EACH", 2)

    def write(db: Session) -> None:
        with days_ago(300):
            ask(db, "Hvem stemmer xylofoner til vibrafon?")
        for number in range(4):
            ask(db, f"Hvem spiller xylofon {number}?")
            ask(db, f"Hvem spiller vibrafon {number}?")

    lived_in.write(write)
    with lived_in.reading() as db:
        like = [post.title for post in similar.questions(db, None, "Findes der xylofon og vibrafon?")]
    assert like[0] == "Hvem stemmer xylofoner til vibrafon?"


def test_of_a_word_in_many_questions_only_the_newest_are_ranked(
    lived_in: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar, "OF_EACH", 2)
    lived_in.write(lambda db: [ask(db, f"Hvem spiller xylofon {number}?") for number in range(5)])
    with lived_in.reading() as db:
        like = {post.title for post in similar.questions(db, None, "xylofon")}
    assert like == {"Hvem spiller xylofon 3?", "Hvem spiller xylofon 4?"}
