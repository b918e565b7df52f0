"""Following, blocking, muting and the rest by app: what each does, and that nobody sees another's."""

from typing import Any

import msgspec
import pytest
from sqlalchemy.orm import Session

from federation.writing import activities
from models import access, account_domains, arriving, follows, notifications, outbox
from models.arriving import RemotePost
from models.base import clock, now
from models.database import Database
from models.moderation import Report as ReportRow
from models.posts import Post, Visibility
from server.api.entities.accounts import Account, MutedAccount
from server.api.entities.relations import FamiliarFollowers, Relationship, Report, Suggestion
from server.api.show_relations import relationships
from tests.federation.elsewhere import newest, remote, waiting
from tests.server.api.counting import counted
from tests.server.apps import Api, ApiWorld
from tests.server.visiting import person

pytestmark = pytest.mark.anyio

RELATIONSHIP = {
    *("id", "following", "showing_reblogs", "notifying", "languages", "followed_by", "blocking", "blocked_by"),
    *("muting", "muting_notifications", "muting_expires_at", "requested", "requested_by", "domain_blocking"),
    *("endorsed", "note"),
}


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


async def _id(api: Api, name: str) -> str:
    found: str = (await api.get("/api/v1/accounts/lookup", acct=name))["id"]
    return found


async def _to(api: Api, *ids: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await api.get("/api/v1/accounts/relationships", **{"id[]": list(ids)})
    return found


async def test_a_relationship_has_every_documented_field(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        farid, birk = await _id(api, "farid"), await _id(api, "birk")
        there = await _to(api, farid, birk, "17", farid)
        assert [one["id"] for one in there] == [farid, birk]
        for one in there:
            assert set(one) == RELATIONSHIP
            msgspec.convert(one, Relationship)
        assert (there[0]["following"], there[0]["followed_by"]) == (False, True)
        assert (there[1]["following"], there[1]["followed_by"], there[1]["showing_reblogs"]) == (True, False, True)
        assert await _to(api) == []


async def test_relationships_to_many_cost_as_much_as_to_one(lived_in: Database) -> None:
    with lived_in.reading() as db:
        anna = person(db, "anna")
        ids = [person(db, name).id for name in ("birk", "camilla", "david", "eva", "farid", "udfordrere")]
        with counted(db) as few:
            relationships(db, anna, ids[:1])
        with counted(db) as many:
            relationships(db, anna, ids)
    assert len(many) == len(few) <= 8


async def test_following_is_asked_for_changed_and_ended(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        david = await _id(api, "david")
        followed = await api.post(
            f"/api/v1/accounts/{david}/follow", reblogs="false", notify="true", **{"languages[]": "da"}
        )
        assert (followed["following"], followed["showing_reblogs"], followed["notifying"]) == (True, False, True)
        assert followed["languages"] == ["da"]
        again = await api.post(f"/api/v1/accounts/{david}/follow")
        assert again == followed
        changed = await api.post_json(f"/api/v1/accounts/{david}/follow", {"reblogs": True, "languages": []})
        assert (changed["showing_reblogs"], changed["notifying"], changed["languages"]) == (True, True, None)
        ended = await api.post(f"/api/v1/accounts/{david}/unfollow")
        assert not (ended["following"] or ended["requested"] or ended["notifying"])
        assert await api.post(f"/api/v1/accounts/{david}/unfollow") == ended
        await api.refused(422, "POST", f"/api/v1/accounts/{await _id(api, 'anna')}/follow")
        await api.refused(404, "POST", "/api/v1/accounts/17/follow")


async def test_a_locked_account_is_asked_and_answers(world: ApiWorld) -> None:
    async with world.client("birk") as birk, world.client("eva") as eva, world.client("david") as david:
        await birk.patch("/api/v1/accounts/update_credentials", locked="true")
        mine = await _id(birk, "birk")
        asked = await eva.post(f"/api/v1/accounts/{mine}/follow")
        assert (asked["following"], asked["requested"]) == (False, True)
        await eva.post(f"/api/v1/accounts/{mine}/unfollow")
        for other in (eva, david):
            await other.post(f"/api/v1/accounts/{mine}/follow")
        waiting_here = await birk.get("/api/v1/follow_requests")
        assert [one["username"] for one in waiting_here] == ["david", "eva"]
        own = await birk.get("/api/v1/accounts/verify_credentials")
        assert own["source"]["follow_requests_count"] == 2
        theirs, others = await _id(birk, "eva"), await _id(birk, "david")
        assert (await _to(birk, theirs))[0]["requested_by"]
        assert (await birk.post(f"/api/v1/follow_requests/{theirs}/authorize"))["followed_by"]
        assert not (await birk.post(f"/api/v1/follow_requests/{others}/reject"))["followed_by"]
        assert (await _to(eva, mine))[0]["following"]
        assert await birk.get("/api/v1/follow_requests") == []
        await birk.refused(404, "POST", f"/api/v1/follow_requests/{theirs}/authorize")
        await birk.refused(404, "POST", f"/api/v1/follow_requests/{others}/reject")
        removed = await birk.post(f"/api/v1/accounts/{theirs}/remove_from_followers")
        assert not removed["followed_by"]
        assert not (await _to(eva, mine))[0]["following"]


async def test_somebody_elsewhere_is_followed_through_his_server(world: ApiWorld) -> None:
    jonas = str(world.database.write(lambda db: remote(db, "by.example").id))
    async with world.client("anna") as api:
        assert (await api.post(f"/api/v1/accounts/{jonas}/follow"))["requested"]
    with world.database.reading() as db:
        assert newest(db, "Follow").to == ["https://by.example/users/jonas"]


async def test_a_block_ends_all_following_and_is_known_to_both_sides_only_as_mastodon_says(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("birk") as birk:
        mine, theirs = await _id(anna, "anna"), await _id(anna, "birk")
        blocked = await anna.post(f"/api/v1/accounts/{theirs}/block")
        assert (blocked["blocking"], blocked["following"]) == (True, False)
        assert (await _to(birk, mine))[0]["blocked_by"]
        await birk.refused(403, "POST", f"/api/v1/accounts/{mine}/follow")
        assert [one["username"] for one in await anna.get("/api/v1/blocks")] == ["birk"]
        assert await birk.get("/api/v1/blocks") == []
        msgspec.convert(await anna.get("/api/v1/blocks"), list[Account])
        assert not (await anna.post(f"/api/v1/accounts/{theirs}/unblock"))["blocking"]
        assert await anna.get("/api/v1/blocks") == []
        await anna.refused(422, "POST", f"/api/v1/accounts/{mine}/block")


async def test_a_mute_may_leave_notices_alone_and_ends_by_itself(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        birk, eva = await _id(api, "birk"), await _id(api, "eva")
        muted = await api.post(f"/api/v1/accounts/{birk}/mute", notifications="false", duration="3600")
        assert (muted["muting"], muted["muting_notifications"]) == (True, False)
        assert muted["muting_expires_at"]
        whole = await api.post(f"/api/v1/accounts/{eva}/mute")
        assert (whole["muting_notifications"], whole["muting_expires_at"]) == (True, None)
        listed = await api.get("/api/v1/mutes")
        assert set(msgspec.convert(listed, list[MutedAccount])[0].__struct_fields__) == set(listed[0])
        assert [(one["username"], bool(one["mute_expires_at"])) for one in listed] == [("eva", False), ("birk", True)]

        def told(db: Session) -> tuple[bool, bool]:
            anna = person(db, "anna")
            return tuple(notifications.notify(db, anna.id, "follow", person(db, name)) for name in ("birk", "eva"))  # type: ignore[return-value]

        assert world.database.write(told) == (True, False)
        clock.offset = 3601
        assert not (await _to(api, birk))[0]["muting"]
        assert [one["username"] for one in await api.get("/api/v1/mutes")] == ["eva"]
        assert not (await api.post(f"/api/v1/accounts/{eva}/unmute"))["muting"]
        await api.refused(422, "POST", f"/api/v1/accounts/{birk}/mute", data={"duration": "-1"})


async def test_mutes_and_blocks_come_in_pages(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        for name in ("birk", "camilla", "david"):
            await api.post(f"/api/v1/accounts/{await _id(api, name)}/mute")
            await api.post(f"/api/v1/accounts/{await _id(api, name)}/block")
        for path in ("/api/v1/mutes", "/api/v1/blocks"):
            first = await api.call("GET", path, params={"limit": 2})
            rest = await api.call("GET", first.links["next"]["url"])
            seen = [one["username"] for one in [*first.json(), *rest.json()]]
            assert seen == ["david", "camilla", "birk"]


async def test_a_note_is_for_its_writer_alone(world: ApiWorld) -> None:
    async with world.client("anna") as anna, world.client("eva") as eva:
        birk = await _id(anna, "birk")
        assert (await anna.post(f"/api/v1/accounts/{birk}/note", comment="Løber hurtigt"))["note"] == "Løber hurtigt"
        assert (await _to(anna, birk))[0]["note"] == "Løber hurtigt"
        assert (await _to(eva, birk))[0]["note"] == ""
        assert (await anna.post(f"/api/v1/accounts/{birk}/note"))["note"] == ""
        await anna.refused(422, "POST", f"/api/v1/accounts/{birk}/note", data={"comment": "x" * 2001})


async def test_who_is_shown_on_a_profile_is_followed(world: ApiWorld) -> None:
    async with world.client("anna") as api, world.client() as nobody:
        birk, farid, mine = await _id(api, "birk"), await _id(api, "farid"), await _id(api, "anna")
        assert (await api.post(f"/api/v1/accounts/{birk}/pin"))["endorsed"]
        await api.refused(422, "POST", f"/api/v1/accounts/{farid}/endorse")
        assert [one["username"] for one in await api.get("/api/v1/endorsements")] == ["birk"]
        assert [one["username"] for one in await nobody.get(f"/api/v1/accounts/{mine}/endorsements")] == ["birk"]
        await api.post(f"/api/v1/accounts/{birk}/unfollow")
        assert await api.get("/api/v1/endorsements") == []
        await api.post(f"/api/v1/accounts/{birk}/follow")
        await api.post(f"/api/v1/accounts/{birk}/endorse")
        assert not (await api.post(f"/api/v1/accounts/{birk}/unpin"))["endorsed"]


async def test_familiar_followers_are_followed_by_both(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        david = await _id(api, "david")
        found = await api.get("/api/v1/accounts/familiar_followers", **{"id[]": [david, "17"]})
        msgspec.convert(found, list[FamiliarFollowers])
        assert [one["id"] for one in found] == [david]
        assert {one["username"] for one in found[0]["accounts"]} == {"birk", "camilla"}
        as_mastodon_py = await api.call("GET", "/api/v1/accounts/familiar_followers", json={"id": [david, "17"]})
        assert as_mastodon_py.json() == found


def _arrive(db: Session, host: str = "by.example") -> tuple[int, int]:
    there = remote(db, host, "jonas")
    post = RemotePost(
        uri=f"https://{host}/p/1", author=there, visibility=Visibility.PUBLIC, published=now(), content="<p>Hej</p>"
    )
    return there.id, arriving.record_remote(db, post)[0].id


async def test_a_blocked_domain_is_out_of_lists_notices_and_followers(world: ApiWorld) -> None:
    def befriend(db: Session) -> str:
        _, post = _arrive(db)
        follows.request(db, remote(db, "by.example"), person(db, "anna"), uri="https://by.example/f/1")
        return str(post)

    post = world.database.write(befriend)
    async with world.client("anna") as anna, world.client("eva") as eva:

        async def sees(api: Api) -> bool:
            return post in {one["id"] for one in await api.get("/api/v1/timelines/public", limit=40)}

        assert await sees(anna)
        assert await anna.post("/api/v1/domain_blocks", domain="BY.example.") == {}
        assert await anna.get("/api/v1/domain_blocks") == ["by.example"]
        assert await eva.get("/api/v1/domain_blocks") == []
        assert not await sees(anna)
        assert await sees(eva)
        jonas = await _id(anna, "jonas@by.example")
        there = (await _to(anna, jonas))[0]
        assert (there["domain_blocking"], there["followed_by"]) == (True, False)
        await anna.refused(403, "POST", f"/api/v1/accounts/{jonas}/follow")

        def told(db: Session) -> bool:
            return notifications.notify(db, person(db, "anna").id, "follow", remote(db, "by.example"))

        assert not world.database.write(told)
        assert await anna.delete("/api/v1/domain_blocks", domain="by.example") == {}
        assert await sees(anna)
        for wrong in ("", "a.example", "[::1]", "-x", "x" * 300):
            await anna.refused(422, "POST", "/api/v1/domain_blocks", data={"domain": wrong})
        await anna.refused(422, "POST", "/api/v1/domain_blocks")


async def test_who_is_followed_is_seen_although_his_domain_is_blocked(world: ApiWorld) -> None:
    def befriend(db: Session) -> int:
        _, post = _arrive(db)
        anna = person(db, "anna")
        follows.accept(db, follows.request(db, anna, remote(db, "by.example")))
        account_domains.block(db, anna, "by.example")
        return post

    post = world.database.write(befriend)
    async with world.client("anna") as api:
        assert str(post) in {one["id"] for one in await api.get("/api/v1/timelines/public", limit=40)}


async def test_a_server_reads_nothing_of_those_who_block_it(world: ApiWorld) -> None:
    def look(db: Session) -> tuple[bool, bool]:
        reader, anna = remote(db, "by.example"), person(db, "camilla")
        post = next(one for one in db.query(Post).filter_by(author_id=anna.id, visibility="public"))
        before = access.may_see(db, reader, post)
        account_domains.block(db, anna, "by.example")
        return before, access.may_see(db, reader, post)

    assert world.database.write(look) == (True, False)


async def test_suggestions_are_people_one_does_not_follow_and_can_be_dismissed(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        found = await api.get("/api/v2/suggestions")
        msgspec.convert(found, list[Suggestion])
        names = [one["account"]["username"] for one in found]
        assert set(names) == {"david", "eva", "farid"}
        assert found[0]["account"]["username"] == "david"
        assert found[0]["sources"][0] == "friends_of_friends"
        assert [one["username"] for one in await api.get("/api/v1/suggestions")] == names
        assert await api.delete(f"/api/v1/suggestions/{found[0]['account']['id']}") == {}
        assert "david" not in {one["username"] for one in await api.get("/api/v1/suggestions")}
        await api.refused(404, "DELETE", "/api/v1/suggestions/17")


async def test_a_community_not_joined_yet_is_suggested_first(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        group = await _id(api, "udfordrere")
        await api.post(f"/api/v1/accounts/{group}/unfollow")
        first = (await api.get("/api/v2/suggestions"))[0]
        assert (first["account"]["id"], first["source"], first["sources"][0]) == (group, "staff", "featured")


async def test_the_directory_shows_those_who_want_to_be_found(world: ApiWorld) -> None:
    async with world.client("birk") as birk, world.client() as nobody:
        everybody = await nobody.get("/api/v1/directory", limit=80)
        assert {"anna", "birk", "udfordrere"} <= {one["username"] for one in everybody}
        dates = [one["last_status_at"] or "" for one in everybody]
        assert dates == sorted(dates, reverse=True)
        assert dates[-1] == ""  # who has not written yet can be found as well
        pages = [await nobody.get("/api/v1/directory", limit=2, offset=at) for at in range(0, len(everybody) + 2, 2)]
        assert [one for page in pages for one in page] == everybody
        await birk.patch("/api/v1/accounts/update_credentials", discoverable="false")
        assert "birk" not in {one["username"] for one in await nobody.get("/api/v1/directory", limit=80)}
        assert len(await nobody.get("/api/v1/directory", limit=2, offset=1, order="new", local="true")) == 2
        await nobody.refused(422, "GET", "/api/v1/directory", params={"order": "best"})


async def test_a_report_reaches_the_moderators_and_the_other_server_if_asked(world: ApiWorld) -> None:
    jonas, post = world.database.write(_arrive)
    async with world.client("anna") as api:
        kept = await api.post("/api/v1/reports", account_id=str(jonas), comment="Spam", category="spam")
        msgspec.convert(kept, Report)
        assert set(kept) == set(Report.__struct_fields__)
        assert (kept["forwarded"], kept["category"], kept["target_account"]["acct"]) == (
            False,
            "spam",
            "jonas@by.example",
        )
        with world.database.reading() as db:
            assert "https://by.example/users/jonas/inbox" not in waiting(db)
        sent = await api.post_json(
            "/api/v1/reports",
            {"account_id": jonas, "status_ids": [str(post)], "comment": "Igen", "forward": True, "rule_ids": ["1"]},
        )
        assert (sent["forwarded"], sent["category"], sent["status_ids"], sent["rule_ids"]) == (
            True,
            "violation",
            [str(post)],
            ["1"],
        )
    with world.database.reading() as db:
        flag = newest(db, "Flag")
        assert flag.to == ["https://by.example/users/jonas"]
        assert not flag.public
        assert flag.data["embed"] == ["https://by.example/users/jonas", "https://by.example/p/1"]
        assert db.get(ReportRow, int(sent["id"])) is not None
        body = activities.activity(db, flag)
    assert body is not None
    assert body["actor"] == "https://a.example/actor"
    assert body["object"] == ["https://by.example/users/jonas", "https://by.example/p/1"]
    assert body["content"] == "Igen"
    assert "anna" not in str(body)


async def test_a_report_of_what_is_not_theirs_is_refused(world: ApiWorld) -> None:
    jonas, post = world.database.write(_arrive)
    async with world.client("anna") as api:
        birk = await _id(api, "birk")
        for wrong in (
            {"account_id": birk, "status_ids[]": str(post)},
            {"account_id": str(jonas), "status_ids[]": "17"},
        ):
            await api.refused(422, "POST", "/api/v1/reports", data=wrong)
        await api.refused(422, "POST", "/api/v1/reports")
        await api.refused(404, "POST", "/api/v1/reports", data={"account_id": "17"})


async def test_a_report_of_somebody_here_is_told_to_nobody_else(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        kept = await api.post("/api/v1/reports", account_id=await _id(api, "birk"), forward="true")
    assert kept["forwarded"] is False
    with world.database.reading() as db:
        assert db.query(outbox.Activity).filter_by(type="Flag").first() is None
