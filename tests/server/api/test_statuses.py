"""Statuses through an app: writing, reading, changing, deleting, and what one does to them."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import actors, base, communities, composing, follows, notifications, posts, quotes, reactions
from models.actors import RemoteActor
from models.arriving import RemotePost, record_remote
from models.database import Database
from models.listings import Listing
from models.outbox import Activity
from models.posts import Draft, Kind, Post, Visibility
from server.api.entities.statuses import Status
from tests.federation.elsewhere import remote
from tests.server.apps import Api, ApiWorld
from tests.server.visiting import person, question

pytestmark = pytest.mark.anyio

STATUS = {
    *("id", "uri", "created_at", "account", "content", "visibility", "sensitive", "spoiler_text", "media_attachments"),
    *(
        "application",
        "mentions",
        "tags",
        "emojis",
        "reblogs_count",
        "favourites_count",
        "replies_count",
        "quotes_count",
    ),
    *("url", "in_reply_to_id", "in_reply_to_account_id", "reblog", "poll", "card", "language", "edited_at", "quote"),
    *("quote_approval", "favourited", "reblogged", "muted", "bookmarked", "pinned", "filtered"),
}
"""Every key that Mastodon 4.5 documents for a status, but `text`, which only a deletion answers."""


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


def row(world: ApiWorld, status: dict[str, Any]) -> Post:
    """The post behind a status."""
    with world.database.reading() as db:
        return posts.get(db, int(status["id"]))


async def write(api: Api, text: str = "Hej alle sammen.\nNy linje.", **more: Any) -> dict[str, Any]:
    """A status of whoever calls."""
    made: dict[str, Any] = await api.post("/api/v1/statuses", status=text, **more)
    return made


# What a status looks like


async def test_a_status_has_every_documented_key_with_the_right_type(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk, world.client() as stranger:
        plain = await write(anna, "Hej @birk #vinter", spoiler_text="Kulde", language="da")
        poll = await anna.post_json(
            "/api/v1/statuses", {"status": "Hvad?", "poll": {"options": ["Ja", "Nej"], "expires_in": 3600}}
        )
        boost = await birk.post(f"/api/v1/statuses/{plain['id']}/reblog")
        asked = await birk.get("/api/v1/timelines/public")
        for status in (plain, poll, boost, *asked, *(await stranger.get("/api/v1/timelines/public"))):
            assert set(status) == STATUS
            msgspec.convert(status, Status)
        assert poll["poll"]["options"] == [{"title": "Ja", "votes_count": 0}, {"title": "Nej", "votes_count": 0}]


async def test_what_is_written_is_what_is_shown(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await write(anna, "Hej @birk #Vinter", spoiler_text="Kulde", visibility="unlisted", language="da")
    assert made["content"].startswith("<p>Hej <span")
    assert [one["acct"] for one in made["mentions"]] == ["birk"]
    assert made["tags"] == [{"name": "Vinter", "url": "https://a.example/t/vinter"}]
    assert (made["spoiler_text"], made["sensitive"], made["visibility"]) == ("Kulde", True, "unlisted")
    assert made["application"] == {"name": "tests", "website": None}
    assert made["uri"] == made["url"] == f"https://a.example/p/{made['id']}"
    assert made["language"] == "da"
    assert made["account"]["acct"] == "anna"


async def test_scripts_may_write_letters_as_they_are(world: ApiWorld) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    async with world.client("anna") as api:
        answer = await api.call("POST", "/api/v1/statuses", content="status=Rødgrød & fløde".encode(), headers=form)
        assert answer.json()["content"] == "<p>Rødgrød </p>"
        before = world.database.write(lambda db: db.scalar(select(func.count(Post.id))))
        await api.refused(422, "POST", "/api/v1/statuses", content=b"status=R\xf8dgr\xf8d", headers=form)
        assert world.database.write(lambda db: db.scalar(select(func.count(Post.id)))) == before


async def test_a_question_begins_with_its_title_and_ends_with_its_accepted_answer(world: ApiWorld) -> None:
    with world.database.reading() as db:
        asked = question(db, "Hvordan fik I løbere")
        community, answer = (
            db.get_one(type(person(db, "birk")), asked.community_id),
            posts.get(db, asked.accepted_id or 0),
        )
    async with world.client() as api:
        shown = await api.get(f"/api/v1/statuses/{asked.id}")
    assert shown["content"].startswith(f"<p><strong>{asked.title}</strong></p>")
    assert f'<a href="{answer.uri}">camilla@a.example</a></p>' in shown["content"]
    assert [one["acct"] for one in shown["mentions"]] == [community.username]
    assert {"regler", "bureaukrati"} <= {one["name"] for one in shown["tags"]}


async def test_a_boost_wraps_the_post_and_is_not_it(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        made = await write(anna)
        boost = await birk.post(f"/api/v1/statuses/{made['id']}/reblog", visibility="unlisted")
        assert boost["id"] != made["id"]
        assert boost["reblog"]["id"] == made["id"]
        assert boost["reblog"]["reblogs_count"] == 1
        assert boost["reblogged"]
        assert boost["account"]["acct"] == "birk"
        assert boost["visibility"] == "unlisted"
        assert boost["uri"].startswith("https://a.example/activities/")
        assert (await anna.get(f"/api/v1/statuses/{boost['id']}"))["reblog"]["id"] == made["id"]
        undone = await birk.post(f"/api/v1/statuses/{made['id']}/unreblog")
        assert (undone["id"], undone["reblogged"], undone["reblogs_count"]) == (made["id"], False, 0)
        await anna.refused(404, "GET", f"/api/v1/statuses/{boost['id']}")


async def test_a_boost_for_followers_shows_to_followers(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk, world.client() as stranger:
        made = await write(anna)
        boost = await birk.post(f"/api/v1/statuses/{made['id']}/reblog", visibility="private")
        await stranger.refused(404, "GET", f"/api/v1/statuses/{boost['id']}")
        assert (await birk.get(f"/api/v1/statuses/{boost['id']}"))["visibility"] == "private"


async def test_ones_own_post_for_followers_goes_to_them_again_and_to_nobody_else(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client() as stranger:
        made = await write(anna, visibility="private")
        boost = await anna.post(f"/api/v1/statuses/{made['id']}/reblog", visibility="public")
        assert (boost["visibility"], boost["reblog"]["id"]) == ("private", made["id"])
        await stranger.refused(404, "GET", f"/api/v1/statuses/{boost['id']}")
    with world.database.reading() as db:
        announce = db.query(Activity).filter(Activity.type == "Announce").order_by(Activity.id.desc()).first()
        assert announce is not None
        assert not announce.public
        assert "https://www.w3.org/ns/activitystreams#Public" not in [*announce.to, *announce.cc]


# Plain text


async def test_apps_send_plain_text_in_which_stars_mean_stars(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await write(anna, "# Ikke en overskrift\n*stjerner* og snake_case_navn\n\n1. ikke en liste <b>")
        assert made["content"] == (
            "<p># Ikke en overskrift<br>*stjerner* og snake_case_navn</p><p>1. ikke en liste &lt;b&gt;</p>"
        )
        source = await anna.get(f"/api/v1/statuses/{made['id']}/source")
        assert source["text"] == "# Ikke en overskrift\n*stjerner* og snake_case_navn\n\n1. ikke en liste <b>"
        assert source["content_type"] == "text/plain"


async def test_markdown_is_there_for_those_who_ask_for_it_and_stays_in_an_edit(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await write(anna, "Det er **fedt**.", content_type="text/markdown")
        assert made["content"] == "<p>Det er <strong>fedt</strong>.</p>"
        edited = await anna.put(f"/api/v1/statuses/{made['id']}", status="Det er *skævt*.")
        assert edited["content"] == "<p>Det er <em>skævt</em>.</p>"
        await anna.refused(422, "POST", "/api/v1/statuses", data={"status": "x", "content_type": "text/html"})


# Asking and answering


async def test_a_status_that_mentions_a_community_and_has_a_title_asks_there(world: ApiWorld) -> None:
    async with world.client("birk") as birk:
        made = await write(birk, "@udfordrere Hvem har prøvet fleksible åbningstider?\n\nVi overvejer det. @eva")
        assert made["content"].startswith("<p><strong>Hvem har prøvet fleksible åbningstider?</strong></p><p>Vi over")
        assert {one["acct"] for one in made["mentions"]} == {"udfordrere", "eva"}
    with world.database.reading() as db:
        asked = posts.get(db, int(made["id"]))
        assert (asked.kind, asked.community_id) == (Kind.QUESTION, person(db, "udfordrere").id)
        assert db.scalar(select(func.count()).where(Listing.post_id == asked.id)) == 1


async def test_those_named_in_the_title_are_told_all_the_same(world: ApiWorld) -> None:
    async with world.client("birk") as birk:
        made = await write(birk, "@udfordrere @eva Hvordan gør I?")
    assert made["content"].startswith("<p><strong>Hvordan gør I?</strong></p><p><span")
    with world.database.reading() as db:
        told = notifications.of(db, person(db, "eva").id)[0]
        assert told[2] is not None
        assert told[2].id == int(made["id"])


async def test_without_a_title_it_is_a_note_that_the_community_lists(world: ApiWorld) -> None:
    async with world.client("birk") as birk:
        made = await write(birk, "@udfordrere tak for i går\nDet var hyggeligt")
    note = row(world, made)
    assert (note.kind, note.title) == (Kind.NOTE, "")
    with world.database.reading() as db:
        assert note.community_id == person(db, "udfordrere").id
        assert db.scalar(select(func.count()).where(Listing.post_id == note.id)) == 1


@pytest.mark.parametrize("visibility", ["unlisted", "private", "direct"])
async def test_only_public_posts_ask(world: ApiWorld, visibility: str) -> None:
    async with world.client("birk") as birk:
        made = await write(birk, "@udfordrere Hvem har prøvet det?", visibility=visibility)
    assert row(world, made).kind == Kind.NOTE
    assert made["visibility"] == visibility


async def test_a_poll_in_a_community_is_a_note(world: ApiWorld) -> None:
    async with world.client("birk") as birk:
        value = {"status": "@udfordrere Hvad synes I?", "poll": {"options": ["Ja", "Nej"], "expires_in": 600}}
        made = await birk.post_json("/api/v1/statuses", value)
    assert row(world, made).kind == Kind.NOTE
    assert made["poll"]["options"][0]["title"] == "Ja"


async def test_replying_to_a_question_answers_it(world: ApiWorld) -> None:
    with world.database.reading() as db:
        asked = question(db, "Hvordan fik I løbere")
    async with world.client("eva") as eva:
        answer = await write(eva, "@birk Sådan gjorde vi.", in_reply_to_id=str(asked.id))
        assert row(world, answer).kind == Kind.ANSWER
        assert (answer["in_reply_to_id"], answer["in_reply_to_account_id"]) == (str(asked.id), str(asked.author_id))
        comment = await write(eva, "Og en ting mere.", in_reply_to_id=answer["id"])
        assert row(world, comment).kind == Kind.COMMENT


async def test_a_reply_to_a_boost_answers_what_was_boosted(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        made = await write(anna)
        boost = await birk.post(f"/api/v1/statuses/{made['id']}/reblog")
        reply = await write(anna, "Tak!", in_reply_to_id=boost["id"])
    assert reply["in_reply_to_id"] == made["id"]


async def test_one_cannot_answer_what_one_may_not_see(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("farid") as farid:
        private = await write(anna, "Kun til @birk", visibility="direct")
        await farid.refused(404, "POST", "/api/v1/statuses", data={"status": "x", "in_reply_to_id": private["id"]})


async def test_a_reply_is_never_more_open_than_what_it_answers(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        private = await write(anna, "@birk mellem os", visibility="direct")
        reply = await write(birk, "Det bliver det.", in_reply_to_id=private["id"], visibility="public")
    assert reply["visibility"] == "direct"
    assert [one["acct"] for one in reply["mentions"]] == ["anna"]


async def test_what_is_for_this_node_is_private_to_clients(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("farid") as farid, world.client() as stranger:
        made = await write(anna, "Kun her", local_only="true")
        assert made["visibility"] == "private"
        assert row(world, made).visibility == Visibility.NODE
        assert (await farid.get(f"/api/v1/statuses/{made['id']}"))["id"] == made["id"]
        await stranger.refused(404, "GET", f"/api/v1/statuses/{made['id']}")


@pytest.mark.parametrize(
    "form",
    [
        {"status": ""},
        {"status": "   \n"},
        {"status": "x" * (composing.MAX_TEXT + 1)},
        {"status": "x", "visibility": "secret"},
        {"status": "x", "in_reply_to_id": "abc"},
        {"status": "x", "quoted_status_id": "1"},
        {"status": "nul \x00"},
    ],
)
async def test_what_cannot_be_a_status_is_refused_with_a_reason(world: ApiWorld, form: dict[str, str]) -> None:
    async with world.client("anna") as anna:
        await anna.refused(422, "POST", "/api/v1/statuses", data=form)


# Changing and deleting


async def test_an_edit_keeps_the_history(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client() as stranger:
        made = await write(anna, "Første", spoiler_text="Pas på")
        edited = await anna.put(f"/api/v1/statuses/{made['id']}", status="Anden", spoiler_text="")
        assert edited["edited_at"] is not None
        assert (edited["content"], edited["spoiler_text"], edited["sensitive"]) == ("<p>Anden</p>", "", False)
        history = await stranger.get(f"/api/v1/statuses/{made['id']}/history")
    assert [one["content"] for one in history] == ["<p>Første</p>", "<p>Anden</p>"]
    assert [one["spoiler_text"] for one in history] == ["Pas på", ""]
    assert set(history[0]) == {
        *("content", "spoiler_text", "sensitive", "created_at", "account", "poll", "media_attachments", "emojis"),
        "quote",
    }


async def test_what_an_edit_does_not_name_stays(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await write(anna, "Teksten", spoiler_text="Pas på", language="da")
        edited = await anna.put(f"/api/v1/statuses/{made['id']}", language="en")
    assert (edited["content"], edited["spoiler_text"], edited["language"]) == ("<p>Teksten</p>", "Pas på", "en")


async def test_a_question_is_edited_with_its_title_as_the_first_line(world: ApiWorld) -> None:
    async with world.client("birk") as birk:
        made = await write(birk, "@udfordrere Hvem har prøvet det?\n\nTeksten.")
        source = await birk.get(f"/api/v1/statuses/{made['id']}/source")
        assert source["text"] == "Hvem har prøvet det?\n\nTeksten."
        await birk.put(f"/api/v1/statuses/{made['id']}", status="Hvem har prøvet det før?\n\nNy tekst.")
    assert (row(world, made).title, row(world, made).source) == ("Hvem har prøvet det før?", "Ny tekst.")
    assert row(world, made).kind == Kind.QUESTION


async def test_nobody_edits_or_deletes_others_posts(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        made = await write(anna)
        await birk.refused(404, "PUT", f"/api/v1/statuses/{made['id']}", data={"status": "x"})
        await birk.refused(404, "DELETE", f"/api/v1/statuses/{made['id']}")
        assert await anna.get(f"/api/v1/statuses/{made['id']}") == made


async def test_who_sees_a_post_reads_its_source(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        made = await write(anna, "Linje 1\n*Linje 2*")
        assert (await birk.get(f"/api/v1/statuses/{made['id']}/source"))["text"] == "Linje 1\n*Linje 2*"
        private = await write(anna, "Kun for mig", visibility="direct")
        await birk.refused(404, "GET", f"/api/v1/statuses/{private['id']}/source")
        await birk.refused(404, "GET", "/api/v1/statuses/1/source")


async def test_the_source_of_a_post_that_came_without_one_is_what_it_says(world: ApiWorld) -> None:
    def arrive(db: Session) -> int:
        there = remote(db, "by.example", "jonas")
        post = RemotePost(
            uri="https://by.example/p/1",
            author=there,
            visibility=Visibility.PUBLIC,
            published=base.now(),
            content="<p>Hej <b>alle</b></p>",
        )
        return record_remote(db, post)[0].id

    post = world.database.write(arrive)
    async with world.client("birk") as birk:
        assert (await birk.get(f"/api/v1/statuses/{post}/source"))["text"] == "Hej alle"


async def test_deleting_gives_the_text_back_as_it_was_written(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await write(anna, "Linje 1\n*Linje 2*")
        gone = await anna.delete(f"/api/v1/statuses/{made['id']}")
        assert gone["text"] == "Linje 1\n*Linje 2*"
        await anna.refused(404, "GET", f"/api/v1/statuses/{made['id']}")


async def test_deleting_a_boost_takes_it_back(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        made = await write(anna)
        boost = await birk.post(f"/api/v1/statuses/{made['id']}/reblog")
        await anna.refused(404, "DELETE", f"/api/v1/statuses/{boost['id']}")
        await birk.delete(f"/api/v1/statuses/{boost['id']}")
        assert (await anna.get(f"/api/v1/statuses/{made['id']}"))["reblogs_count"] == 0


# Deeds


async def test_a_favourite_is_a_vote(world: ApiWorld) -> None:
    with world.database.reading() as db:
        asked = question(db, "Hvordan fik I løbere")
    async with world.client("farid") as farid:
        voted = await farid.post(f"/api/v1/statuses/{asked.id}/favourite")
        assert (voted["favourited"], voted["favourites_count"]) == (True, asked.up + 1)
        people = await farid.get(f"/api/v1/statuses/{asked.id}/favourited_by")
        assert people[0]["acct"] == "farid"
        back = await farid.post(f"/api/v1/statuses/{asked.id}/unfavourite")
        assert (back["favourited"], back["favourites_count"]) == (False, asked.up)


async def test_nobody_votes_for_his_own_question_but_anybody_likes_his_own_note(world: ApiWorld) -> None:
    with world.database.reading() as db:
        asked = question(db, "Hvordan fik I løbere")
    async with world.client("birk") as birk:
        refused = await birk.refused(422, "POST", f"/api/v1/statuses/{asked.id}/favourite")
        assert "own" in refused["error"]
        note = await write(birk)
        assert (await birk.post(f"/api/v1/statuses/{note['id']}/favourite"))["favourited"]


async def test_unfavourite_leaves_a_vote_against(world: ApiWorld) -> None:
    async with world.client("birk") as birk, world.client("eva") as eva:
        made = await write(birk, "@udfordrere Hvem har prøvet det?")

        def down(db: Session) -> None:
            community = person(db, "udfordrere")
            communities.settings(db, community).allows_down = True
            reactions.vote(db, person(db, "eva"), posts.get(db, int(made["id"])), -1)

        world.database.write(down)
        assert (await eva.get(f"/api/v1/statuses/{made['id']}"))["favourited"] is False
        await eva.post(f"/api/v1/statuses/{made['id']}/unfavourite")
    assert row(world, made).down == 1


async def test_private_posts_are_not_boosted_by_others(world: ApiWorld) -> None:
    world.database.write(lambda db: follows.request(db, person(db, "birk"), person(db, "anna")))
    async with world.client("anna") as anna, world.client("birk") as birk:
        made = await write(anna, "Kun for dem, der følger", visibility="private")
        await birk.refused(403, "POST", f"/api/v1/statuses/{made['id']}/reblog")
        await anna.refused(422, "POST", f"/api/v1/statuses/{made['id']}/reblog", data={"visibility": "direct"})


async def test_who_boosted_is_told_page_by_page(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await write(anna)
        for name in ("birk", "eva", "farid"):
            async with world.client(name) as api:
                await api.post(f"/api/v1/statuses/{made['id']}/reblog")
        first = await anna.call("GET", f"/api/v1/statuses/{made['id']}/reblogged_by", params={"limit": 2})
        assert [one["acct"] for one in first.json()] == ["farid", "eva"]
        following = first.headers["link"].split(">")[0].removeprefix("<https://a.example")
        assert [one["acct"] for one in (await anna.call("GET", following)).json()] == ["birk"]


async def test_who_boosted_for_his_followers_is_not_told(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        mine, open_to_all = await write(anna, "Kun for dem, der følger", visibility="private"), await write(anna)
        await anna.post(f"/api/v1/statuses/{mine['id']}/reblog")
        await birk.post(f"/api/v1/statuses/{open_to_all['id']}/reblog", visibility="private")
        for api in (anna, birk):
            assert await api.get(f"/api/v1/statuses/{open_to_all['id']}/reblogged_by") == []
        assert await anna.get(f"/api/v1/statuses/{mine['id']}/reblogged_by") == []


async def test_own_public_posts_are_pinned_and_unpinned(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        made = await write(anna)
        assert (await anna.post(f"/api/v1/statuses/{made['id']}/pin"))["pinned"]
        await birk.refused(422, "POST", f"/api/v1/statuses/{made['id']}/pin")
        assert not (await anna.post(f"/api/v1/statuses/{made['id']}/unpin"))["pinned"]
        private = await write(anna, "Hemmeligt", visibility="direct")
        await anna.refused(422, "POST", f"/api/v1/statuses/{private['id']}/pin")


async def test_a_muted_conversation_makes_no_notices(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        made = await write(anna)
        assert (await anna.post(f"/api/v1/statuses/{made['id']}/mute"))["muted"]

        def notices() -> int:
            with world.database.reading() as db:
                return len(notifications.of(db, person(db, "anna").id, limit=100))

        before = notices()
        reply = await write(birk, "@anna hør her", in_reply_to_id=made["id"])
        await birk.post(f"/api/v1/statuses/{made['id']}/favourite")
        assert notices() == before
        assert (await anna.get(f"/api/v1/statuses/{reply['id']}"))["muted"]
        assert not (await anna.post(f"/api/v1/statuses/{made['id']}/unmute"))["muted"]
        await write(birk, "@anna og her", in_reply_to_id=made["id"])
        assert notices() == before + 1


async def test_there_is_no_translator_and_apps_do_not_quote(world: ApiWorld) -> None:
    async with world.client("anna") as anna:
        made = await write(anna)
        await anna.refused(404, "POST", f"/api/v1/statuses/{made['id']}/translate")
        assert await anna.get(f"/api/v1/statuses/{made['id']}/quotes") == []
        assert made["quote_approval"] == {"automatic": ["public"], "manual": [], "current_user": "denied"}


async def test_who_may_quote_is_what_the_status_says_else_the_profile_and_can_be_changed(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        await anna.patch("/api/v1/accounts/update_credentials", **{"source[quote_policy]": "nobody"})
        usual = await write(anna)
        said = await write(anna, quote_approval_policy="followers")
        private = await write(anna, visibility="private", quote_approval_policy="public")
        assert [one["quote_approval"]["automatic"] for one in (usual, said, private)] == [[], ["followers"], []]

        path = f"/api/v1/statuses/{usual['id']}/interaction_policy"
        changed = await anna.put(path, quote_approval_policy="public")
        assert changed["quote_approval"]["automatic"] == ["public"]
        edited = await anna.put(f"/api/v1/statuses/{said['id']}", status="Nyt")
        assert edited["quote_approval"]["automatic"] == ["followers"]

        await anna.refused(422, "PUT", path)
        await anna.refused(422, "PUT", path, json={"quote_approval_policy": "friends"})
        await birk.refused(404, "PUT", path, json={"quote_approval_policy": "nobody"})
        assert (await anna.get(f"/api/v1/statuses/{usual['id']}"))["quote_approval"]["automatic"] == ["public"]


async def test_a_quote_from_elsewhere_shows_what_it_quotes_until_its_author_takes_that_back(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        made = await write(anna, "Citér mig")

        def quote(db: Session) -> list[str]:
            vera = actors.record_remote(
                db,
                RemoteActor(
                    "https://b.example/u/vera", "Person", "vera", "b.example", "https://b.example/u/vera/inbox"
                ),
            )
            found = []
            for number in range(2):
                uri = f"https://b.example/p/{number}"
                remote = RemotePost(uri=uri, author=vera, visibility=Visibility.PUBLIC, published=base.now())
                found.append(str(record_remote(db, remote)[0].id))
            asked = {"id": "https://b.example/r/1", "type": "QuoteRequest"}
            quotes.answer(db, posts.get(db, int(made["id"])), vera, "https://b.example/p/0", asked)
            return found

        quoting, other = world.database.write(quote)
        shown = await birk.get(f"/api/v1/statuses/{quoting}")
        assert (shown["quote"]["state"], shown["quote"]["quoted_status"]["id"]) == ("accepted", made["id"])
        assert (await birk.get(f"/api/v1/statuses/{other}"))["quote"] is None
        assert (await birk.get(f"/api/v1/statuses/{made['id']}"))["quotes_count"] == 1
        assert [one["id"] for one in await birk.get(f"/api/v1/statuses/{made['id']}/quotes")] == [quoting]

        await birk.refused(404, "POST", f"/api/v1/statuses/{made['id']}/quotes/{quoting}/revoke")
        await anna.refused(404, "POST", f"/api/v1/statuses/{made['id']}/quotes/{other}/revoke")
        revoked = await anna.post(f"/api/v1/statuses/{made['id']}/quotes/{quoting}/revoke")
        assert (revoked["id"], revoked["quote"]) == (quoting, None)
        assert (await birk.get(f"/api/v1/statuses/{made['id']}"))["quotes_count"] == 0


async def test_several_statuses_come_in_the_order_asked_without_those_hidden(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client() as stranger:
        first, secret = await write(anna, "1"), await write(anna, "2", visibility="direct")
        boost = await anna.post(f"/api/v1/statuses/{first['id']}/reblog")
        found = await stranger.get(
            "/api/v1/statuses", **{"id[]": [boost["id"], secret["id"], "12", first["id"], boost["id"]]}
        )
    assert [one["id"] for one in found] == [boost["id"], first["id"]]


@pytest.mark.parametrize("wanted", ["0", "9223372036854775807", "9223372036854775808", "-1", "abc", "1e3", "%00"])
async def test_ids_that_are_none_are_not_found(world: ApiWorld, wanted: str) -> None:
    async with world.client("anna") as anna:
        for method, end in (("GET", ""), ("GET", "/context"), ("POST", "/favourite"), ("PUT", ""), ("DELETE", "")):
            await anna.refused(404, method, f"/api/v1/statuses/{wanted}{end}")


async def test_what_a_suspended_person_wrote_is_gone(world: ApiWorld) -> None:
    async with world.client("eva") as eva, world.client("anna") as anna:
        made = await write(eva)

        def suspend(db: Session) -> None:
            actors.suspend(db, person(db, "eva"))

        world.database.write(suspend)
        await anna.refused(404, "GET", f"/api/v1/statuses/{made['id']}")


async def test_a_remote_posts_tags_are_not_written_twice(world: ApiWorld) -> None:
    def arrive(db: Session) -> int:
        note = composing.note(db, person(db, "eva"), Draft("Hej #vinter"))
        note.local = False
        note.content = (
            '<p>Hej <a href="https://other.example/tags/vinter" class="mention hashtag" rel="tag">#vinter</a></p>'
        )
        return note.id

    made = world.database.write(arrive)
    async with world.client() as api:
        shown = await api.get(f"/api/v1/statuses/{made}")
    assert shown["content"].count("vinter") == 2
