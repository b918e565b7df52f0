"""Notifications by the client API: what is ours in the words clients know, in a list and in groups."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from models import actors, blocks, communities, composing, follows, moderation, notifications, reactions, removing
from models.actors import Actor
from models.base import clock
from models.database import Database
from models.notifications import NotificationKind
from models.posts import Draft, Post
from server.api.entities import notifications as entities
from tests.federation.elsewhere import remote
from tests.server.api.counting import counted
from tests.server.apps import Api, ApiWorld
from tests.server.asking import local

pytestmark = pytest.mark.anyio

GOOD = "/api/v1/notifications"
GROUPS = "/api/v2/notifications"


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    made = ApiWorld(lived_in)
    lived_in.write(lambda db: notifications_of(db, "anna"))
    return made


def notifications_of(db: Session, username: str) -> None:
    """Start with an empty list."""
    from models import notices

    notices.clear(db, local(db, username).id)


def _note(db: Session, text: str = "Suppe på torsdag.", author: str = "anna") -> Post:
    return composing.note(db, local(db, author), Draft(text=text))


def _vote(post_id: int, *names: str) -> Callable[[Session], None]:
    def work(db: Session) -> None:
        for name in names:
            reactions.vote(db, local(db, name), db.get_one(Post, post_id))

    return work


def _fits(value: Any, kind: Any) -> None:
    """The JSON has exactly the fields of the documented entity, each of its type."""
    msgspec.convert(value, kind, strict=True)
    assert set(value) == {field.encode_name for field in msgspec.structs.fields(kind)}


async def test_what_happened_is_told_in_the_words_that_clients_know(world: ApiWorld) -> None:
    def happen(db: Session) -> None:
        post = _note(db)
        birk, eva = local(db, "birk"), local(db, "eva")
        composing.note(db, birk, Draft(text="Hej @anna"))
        composing.note(db, birk, Draft(text="Jeg kommer."), reply_to=post)
        reactions.vote(db, birk, post)
        reactions.boost(db, birk, post)
        follows.undo(db, eva, local(db, "anna"))
        follows.request(db, eva, local(db, "anna"))

    world.database.write(happen)
    async with world.client("anna") as api:
        found = await api.get(GOOD)
    assert [one["type"] for one in found] == ["follow", "reblog", "favourite", "mention", "mention"]
    for one in found:
        _fits(one, entities.Notification)
        assert (one["status"] is None) == (one["type"] == "follow")
        assert one["report"] is one["event"] is one["moderation_warning"] is None
    assert found[1]["account"]["acct"] == "birk"
    assert found[1]["status"]["reblog"] is None
    assert "Suppe" in found[1]["status"]["content"]


async def test_an_accepted_answer_is_an_update_of_the_question(world: ApiWorld) -> None:
    async with world.client("camilla") as api:
        found = await api.get(GOOD, **{"types[]": "update"})
    assert len(found) == 1
    assert found[0]["account"]["acct"] == "birk"
    assert found[0]["status"]["content"].startswith("<p><strong>Hvordan fik I løbere")
    assert "camilla" in found[0]["status"]["content"]


async def test_kinds_that_clients_do_not_know_are_left_out(world: ApiWorld) -> None:
    def happen(db: Session) -> None:
        anna, birk = local(db, "anna"), local(db, "birk")
        group = communities.all_local(db)[0]
        notifications.notify(db, anna.id, NotificationKind.FOLLOW_ACCEPTED, birk)
        notifications.notify(db, anna.id, NotificationKind.TWIN_REQUEST, birk, subject=str(group.id))
        notifications.notify(db, anna.id, NotificationKind.FOLLOW_REQUEST, birk, subject=str(group.id))
        notifications.notify(db, anna.id, "something_new", birk)

    world.database.write(happen)
    async with world.client("anna") as api:
        assert await api.get(GOOD) == []
        assert (await api.get(GROUPS))["notification_groups"] == []
        assert await api.get(f"{GOOD}/unread_count") == {"count": 0}


async def test_only_moderators_hear_of_reports(world: ApiWorld) -> None:
    def happen(db: Session) -> None:
        moderation.report(db, local(db, "birk"), target=local(db, "eva"), post_uris=[], comment="Reklame")
        notifications.notify(db, local(db, "david").id, "report", local(db, "birk"), subject="1")

    world.database.write(happen)
    async with world.client("camilla") as api:
        (found,) = await api.get(GOOD, **{"types[]": "admin.report"})
        _fits(found, entities.Notification)
        assert found["report"]["comment"] == "Reklame"
        assert found["report"]["target_account"]["acct"] == "eva"
    async with world.client("david") as api:
        assert await api.get(GOOD, **{"types[]": "admin.report"}) == []


async def test_a_list_can_be_asked_for_by_type_and_by_sender(world: ApiWorld) -> None:
    post = world.database.write(_note)
    world.database.write(_vote(post.id, "birk", "eva"))
    world.database.write(lambda db: reactions.boost(db, local(db, "birk"), db.get_one(Post, post.id)))
    birk = world.database.write(lambda db: local(db, "birk").id)
    async with world.client("anna") as api:

        async def types(**query: Any) -> list[str]:
            return [one["type"] for one in await api.get(GOOD, **query)]

        assert await types(**{"types[]": ["favourite"]}) == ["favourite", "favourite"]
        assert await types(**{"exclude_types[]": ["favourite"]}) == ["reblog"]
        assert await types(account_id=birk) == ["reblog", "favourite"]
        assert await types(**{"types[]": ["never_heard_of"]}) == []
        assert await types(**{"types[]": ["reblog", "never_heard_of"]}) == ["reblog"]
        assert await types(limit=1) == ["reblog"]


async def test_pages_follow_one_another_without_a_gap(world: ApiWorld) -> None:
    def happen(db: Session) -> None:
        for number in range(7):
            composing.note(db, local(db, "birk"), Draft(text=f"@anna {number}"))

    world.database.write(happen)
    async with world.client("anna") as api:
        answer = await api.call("GET", GOOD, params={"limit": 3})
        seen = [one["id"] for one in answer.json()]
        while answer.json():
            assert 'rel="next"' in answer.headers["link"]
            target = answer.headers["link"].split("<", 1)[1].split(">", 1)[0]
            answer = await api.call("GET", target)
            seen += [one["id"] for one in answer.json()]
        newest = await api.get(GOOD, min_id=seen[4], limit=2)
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 7
    assert [one["id"] for one in newest] == [seen[2], seen[3]]


async def test_one_can_be_read_and_thrown_away_but_not_that_of_another(world: ApiWorld) -> None:
    post = world.database.write(_note)
    world.database.write(_vote(post.id, "birk", "eva"))
    async with world.client("anna") as api, world.client("birk") as other:
        first, second = await api.get(GOOD)
        assert await api.get(f"{GOOD}/{first['id']}") == first
        await other.refused(404, "GET", f"{GOOD}/{first['id']}")
        await other.refused(404, "POST", f"{GOOD}/{first['id']}/dismiss")
        assert await api.post(f"{GOOD}/{first['id']}/dismiss") == {}
        await api.refused(404, "GET", f"{GOOD}/{first['id']}")
        assert await api.get(GOOD) == [second]
        assert await api.post(f"{GOOD}/clear") == {}
        assert await api.get(GOOD) == []


async def test_nobody_is_shown_what_he_may_not_read_any_more(world: ApiWorld) -> None:
    async with world.client("anna") as api:

        async def count() -> int:
            return len(await api.get(GOOD))

        post = world.database.write(lambda db: _note(db, "Hej @anna", "birk"))
        assert await count() == 1
        world.database.write(lambda db: removing.delete_post(db, local(db, "birk"), db.get_one(Post, post.id)))
        assert await count() == 0
        world.database.write(lambda db: _note(db, "Hej @anna", "eva"))
        assert await count() == 1
        world.database.write(lambda db: blocks.block(db, local(db, "anna"), local(db, "eva")))
        assert await count() == 0
        world.database.write(lambda db: _note(db, "Hej @anna", "farid"))
        world.database.write(lambda db: actors.suspend(db, local(db, "farid")))
        assert await count() == 0


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("path", [GOOD, GROUPS])
async def test_a_page_costs_as_many_queries_however_long_it_is(world: ApiWorld, path: str) -> None:
    def happen(db: Session) -> None:
        for _ in range(12):
            post = _note(db)
            for name in ("birk", "eva", "farid"):
                composing.note(db, local(db, name), Draft("@anna #regler"), reply_to=post)
                reactions.vote(db, local(db, name), post)
            reactions.boost(db, local(db, "david"), post)

    world.database.write(happen)
    costs = []
    async with world.client("anna") as api:
        await api.get(path)
        for limit in (8, 40):
            with world.database.reading() as db, counted(db) as asked:
                assert await api.get(path, limit=limit)
            costs.append(len(asked))
    assert costs[0] == costs[1] <= 32


async def test_unread_are_counted(world: ApiWorld) -> None:
    post = world.database.write(_note)
    world.database.write(_vote(post.id, "birk", "eva", "david"))
    async with world.client("anna") as api:
        assert await api.get(f"{GOOD}/unread_count") == {"count": 3}
        assert await api.get(f"{GOOD}/unread_count", limit=2) == {"count": 2}
        assert await api.get(f"{GOOD}/unread_count", **{"types[]": "follow"}) == {"count": 0}
        assert await api.get(f"{GROUPS}/unread_count") == {"count": 1}
        assert await api.get(f"{GROUPS}/unread_count", **{"grouped_types[]": "follow"}) == {"count": 3}
        world.database.write(lambda db: notifications.mark_read(db, local(db, "anna").id))
        assert await api.get(f"{GOOD}/unread_count") == {"count": 0} == await api.get(f"{GROUPS}/unread_count")


async def test_votes_for_one_post_are_one_group(world: ApiWorld) -> None:
    one, other = world.database.write(lambda db: (_note(db), _note(db, "Og kage.")))
    world.database.write(_vote(one.id, "birk", "eva", "david"))
    world.database.write(_vote(other.id, "farid"))
    world.database.write(lambda db: _note(db, "Hej @anna", "birk"))
    async with world.client("anna") as api:
        found = await api.get(GROUPS)
        mention, alone, three = found["notification_groups"]
        for group in (mention, alone, three):
            _fits(group, entities.NotificationGroup)
        assert [mention["type"], alone["type"], three["type"]] == ["mention", "favourite", "favourite"]
        assert mention["group_key"] == f"ungrouped-{mention['most_recent_notification_id']}"
        assert three["notifications_count"] == 3
        assert three["status_id"] == str(one.id)
        names = {account["id"]: account["acct"] for account in found["accounts"]}
        assert [names[id] for id in three["sample_account_ids"]] == ["david", "eva", "birk"]
        assert {status["id"] for status in found["statuses"]} == {mention["status_id"], str(one.id), str(other.id)}
        assert int(three["page_min_id"]) < int(three["page_max_id"]) == three["most_recent_notification_id"]
        assert "partial_accounts" not in found
        whole = await api.get(f"{GROUPS}/{three['group_key']}")
        assert whole["notification_groups"] == [three]
        assert [one["acct"] for one in await api.get(f"{GROUPS}/{three['group_key']}/accounts")] == [
            "david", "eva", "birk",
        ]  # fmt: skip
        ungrouped = await api.get(GROUPS, **{"grouped_types[]": ["reblog"]})
        assert len(ungrouped["notification_groups"]) == 5
        assert await api.post(f"{GROUPS}/{three['group_key']}/dismiss") == {}
        assert len((await api.get(GROUPS))["notification_groups"]) == 2
        assert await api.post(f"{GROUPS}/{mention['group_key']}/dismiss") == {}
        assert len((await api.get(GROUPS))["notification_groups"]) == 1
        await api.refused(404, "GET", f"{GROUPS}/{three['group_key']}")
        await api.refused(404, "GET", f"{GROUPS}/{three['group_key']}/accounts")


async def test_a_client_may_take_all_but_the_first_account_of_a_group_as_a_picture(world: ApiWorld) -> None:
    post = world.database.write(_note)
    world.database.write(_vote(post.id, "birk", "eva", "david"))
    async with world.client("anna") as api:
        found = await api.get(GROUPS, expand_accounts="partial_avatars")
        assert [account["acct"] for account in found["accounts"]] == ["david"]
        assert sorted(account["acct"] for account in found["partial_accounts"]) == ["birk", "eva"]
        for account in found["partial_accounts"]:
            _fits(account, entities.PartialAccountWithAvatar)
        await api.refused(422, "GET", GROUPS, params={"expand_accounts": "none"})


async def test_pages_of_groups_follow_one_another_without_a_gap(world: ApiWorld) -> None:
    def happen(db: Session) -> None:
        for number in range(6):
            post = _note(db, f"Nr. {number}")
            for name in ("birk", "eva"):
                reactions.vote(db, local(db, name), post)

    world.database.write(happen)
    async with world.client("anna") as api:
        answer = await api.call("GET", GROUPS, params={"limit": 2})
        keys: list[str] = []
        while groups := answer.json()["notification_groups"]:
            keys += [group["group_key"] for group in groups]
            assert all(group["notifications_count"] == 2 for group in groups)
            answer = await api.call("GET", answer.headers["link"].split("<", 1)[1].split(">", 1)[0])
        assert len(keys) == len(set(keys)) == 6
        all_at_once = await api.get(GROUPS)
        assert [group["group_key"] for group in all_at_once["notification_groups"]] == keys
        lowest = all_at_once["notification_groups"][-1]["page_max_id"]
        above = await api.get(GROUPS, min_id=lowest, limit=2)
        assert [group["group_key"] for group in above["notification_groups"]] == [keys[3], keys[4]]


async def test_what_comes_half_a_day_later_is_another_group(world: ApiWorld) -> None:
    post = world.database.write(_note)
    world.database.write(_vote(post.id, "birk"))
    clock.offset += 13 * 3600
    world.database.write(_vote(post.id, "eva"))
    async with world.client("anna") as api:
        groups = (await api.get(GROUPS))["notification_groups"]
    assert [group["notifications_count"] for group in groups] == [1, 1]
    assert groups[0]["group_key"] != groups[1]["group_key"]


@pytest.mark.usefixtures("nothing_kept")
async def test_a_list_costs_the_same_number_of_queries_whatever_its_length(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        await _fill(world, 2)
        await _queries(world.database, api, GOOD)  # who asks is known from here on, until something is changed
        few = await _queries(world.database, api, GOOD), await _queries(world.database, api, GROUPS)
        await _fill(world, 12)
        await _queries(world.database, api, GOOD)
        many = await _queries(world.database, api, GOOD), await _queries(world.database, api, GROUPS)
    assert many[0] <= few[0] <= 30
    assert many[1] <= few[1] <= 30


async def _fill(world: ApiWorld, number: int) -> None:
    def happen(db: Session) -> None:
        for _ in range(number):
            post = _note(db)
            for name in ("birk", "eva", "david"):
                reactions.vote(db, local(db, name), post)
                reactions.boost(db, local(db, name), post)
                composing.note(db, local(db, name), Draft(text="@anna @birk ja"), reply_to=post)

    world.database.write(happen)


async def _queries(database: Database, api: Api, path: str) -> int:
    said: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        said.append(statement)

    engine = database._reader
    event.listen(engine, "before_cursor_execute", note)
    try:
        await api.get(path)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(said)


async def test_somebody_chooses_from_whom_he_hears(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        policy = await api.get(f"{GROUPS}/policy")
        _fits(policy, entities.NotificationPolicy)
        assert {name: value for name, value in policy.items() if name.startswith("for_") and value != "accept"} == {
            "for_limited_accounts": "filter"
        }
        await api.patch(f"{GROUPS}/policy", for_not_following="filter")
        world.database.write(lambda db: _note(db, "Hej @anna", "eva"))  # anna does not follow eva
        world.database.write(lambda db: _note(db, "Hej @anna", "birk"))
        assert [one["account"]["acct"] for one in await api.get(GOOD)] == ["birk"]
        assert len(await api.get(GOOD, include_filtered="true")) == 2
        policy = await api.get(f"{GROUPS}/policy")
        assert policy["summary"] == {"pending_requests_count": 1, "pending_notifications_count": 1}
        first = await api.get(f"{GOOD}/policy")
        _fits(first, entities.NotificationPolicyV1)
        assert first["filter_not_following"] is True
        (waiting,) = await api.get(f"{GOOD}/requests")
        _fits(waiting, entities.NotificationRequest)
        assert waiting["account"]["acct"] == "eva"
        assert "Hej" in waiting["last_status"]["content"]
        assert await api.get(f"{GOOD}/requests/{waiting['id']}") == waiting
        assert await api.post(f"{GOOD}/requests/{waiting['id']}/accept") == {}
        assert len(await api.get(GOOD)) == 2
        assert await api.get(f"{GOOD}/requests") == []
        world.database.write(lambda db: _note(db, "Hej igen @anna", "eva"))
        assert len(await api.get(GOOD)) == 3
        await api.refused(422, "PATCH", f"{GROUPS}/policy", data={"for_not_following": "maybe"})


async def test_what_was_kept_aside_can_be_thrown_away_and_what_is_dropped_never_comes(world: ApiWorld) -> None:
    async with world.client("anna") as api, world.client("birk") as other:
        await api.put(f"{GOOD}/policy", filter_not_following="true")
        world.database.write(lambda db: _note(db, "Hej @anna", "eva"))
        (waiting,) = await api.get(f"{GOOD}/requests")
        await other.refused(404, "POST", f"{GOOD}/requests/{waiting['id']}/dismiss")
        assert await api.post(f"{GOOD}/requests/dismiss", **{"id[]": [waiting["id"]]}) == {}
        assert await api.get(GOOD, include_filtered="true") == []
        await api.put(f"{GROUPS}/policy", for_not_following="drop")
        world.database.write(lambda db: _note(db, "Hej @anna", "eva"))
        assert await api.get(GOOD, include_filtered="true") == []
        assert await api.get(f"{GOOD}/requests/merged") == {"merged": True}


async def test_each_sort_of_sender_is_judged_by_its_own_choice(world: ApiWorld) -> None:
    def verdict(choices: dict[str, str], who: Callable[[Session], Actor], *, direct: bool = False) -> bool:
        def work(db: Session) -> bool:
            from models import notification_policy

            anna, sender = local(db, "anna"), who(db)
            notification_policy.choose(db, anna.id, {**dict.fromkeys(notification_policy.SORTS, "accept"), **choices})
            post = None
            if direct:
                post = composing.note(db, sender, Draft(text="@anna psst", visibility="direct"))
            return notification_policy.judge(db, anna.id, "mention", sender, post) == "accept"

        return world.database.write(work)

    def far(standing: str = "") -> Callable[[Session], Actor]:
        def make(db: Session) -> Actor:
            actor = remote(db, "m.example", "jonas")
            actor.standing = standing
            return actor

        return make

    assert not verdict({"limited_accounts": "filter"}, far("limited"))
    assert verdict({"limited_accounts": "filter"}, far())
    assert not verdict({"new_accounts": "filter"}, far())
    assert not verdict({"not_followers": "filter"}, far())
    assert verdict({"not_followers": "filter"}, lambda db: local(db, "eva"))
    assert not verdict({"private_mentions": "filter"}, lambda db: local(db, "eva"), direct=True)
    assert verdict({"private_mentions": "filter"}, lambda db: local(db, "eva"))


def test_every_kind_either_has_a_type_of_the_clients_or_is_left_to_the_pages() -> None:
    ours = {NotificationKind.FOLLOW_ACCEPTED, NotificationKind.TWIN_REQUEST, NotificationKind.REMOVED}
    ours |= {NotificationKind.EXPORT, NotificationKind.IMPORT, NotificationKind.SIGN_UP}
    ours |= {NotificationKind.SANCTION, NotificationKind.APPEAL, NotificationKind.APPEAL_DECIDED}
    ours |= {NotificationKind.REPORT_CLOSED, NotificationKind.REPORT_GIVEN}
    ours |= {NotificationKind.REPORT_CLOSED, NotificationKind.CO_AUTHOR, NotificationKind.CO_AUTHOR_ACCEPTED}
    ours |= {NotificationKind.FOLLOW_UP_DUE, NotificationKind.EXAMPLE, NotificationKind.DOGMA_PROPOSED}
    ours |= {NotificationKind.ATTENDING, NotificationKind.ATTENDANCE_ASKED, NotificationKind.PLACE_ASKED}
    ours |= {kind for kind in NotificationKind if kind.startswith("affiliation_")}
    assert set(notifications.CLIENT_TYPES) == set(NotificationKind) - ours
