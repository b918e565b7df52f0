"""Streams: what happens reaches at once those who may see it, whichever process they are connected to, and no other."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

import pytest
import websockets
from sqlalchemy.orm import Session

from models import (
    accounts,
    announcements,
    blocks,
    communities,
    composing,
    filters,
    follows,
    lists,
    oauth,
    reactions,
    removing,
    threads,
)
from models.database import TOPICS, Database
from models.posts import Draft, Post
from server.streaming import fanout, sending
from server.streaming import hub as hubs
from server.streaming.channels import Channel
from server.streaming.connections import Message
from server.streaming.hub import Hub
from tests.conftest import ON_POSTGRES
from tests.server.asking import local
from tests.server.streams import QUIET, Serving, serving

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class Town:
    """The node with its world, answering on a port, and ways to act on it."""

    def __init__(self, database: Database, node: Serving) -> None:
        self.database, self.node = database, node

    async def do(self, work: Callable[[Session], T]) -> T:
        return await asyncio.to_thread(self.database.write, work)

    async def token(self, username: str, scopes: str = "read") -> str:
        return await self.do(
            lambda db: oauth.issue_for(db, accounts.by_username(db, username), scopes, app_name="tests")
        )

    async def post(self, author: str, text: str = "Suppe.", **more: Any) -> int:
        return await self.do(lambda db: composing.note(db, local(db, author), Draft(text=text, **more)).id)

    async def ask(self, author: str, title: str = "Hvem har prøvet det?") -> int:
        def work(db: Session) -> int:
            group = next(group for group in communities.all_local(db) if group.username == "udfordrere")
            return threads.ask(db, local(db, author), group, Draft(text="Nogen?", title=title)).id

        return await self.do(work)


@pytest.fixture
async def town(lived_in: Database) -> AsyncIterator[Town]:
    async with serving(lived_in) as node:
        yield Town(lived_in, node)


@pytest.fixture
def second(lived_in: Database) -> Iterator[Database]:
    """Another process on the same database."""
    made = Database(lived_in.url.render_as_string(hide_password=False), lived_in.node)
    yield made
    made.close()


async def test_the_health_of_streams_can_be_asked(town: Town) -> None:
    answer = await town.node.get("health")
    assert (answer.status_code, answer.text) == (200, "OK")


async def test_a_post_comes_to_its_author_and_his_followers_and_to_nobody_else(town: Town) -> None:
    # anna follows birk, eva does not
    async with (
        town.node.socket(await town.token("birk"), "stream=user") as birk,
        town.node.socket(await town.token("anna"), "stream=user") as anna,
        town.node.socket(await town.token("eva"), "stream=user") as eva,
    ):
        id = await town.post("birk")
        for reader in (birk, anna):
            message = await reader.next()
            assert message["stream"] == ["user"]
            assert message["event"] == "update"
            assert message["payload"]["id"] == str(id)
        assert await eva.silence()


async def test_two_processes_tell_of_what_the_other_wrote_within_two_seconds(town: Town, second: Database) -> None:
    async with serving(second) as other, other.socket(await town.token("anna"), "stream=user") as far:
        id = await town.post("birk")
        message = await far.next(seconds=2.0)
        assert message["payload"]["id"] == str(id)
        await asyncio.to_thread(second.write, lambda db: composing.note(db, local(db, "birk"), Draft(text="Og igen")))
        assert (await far.next(seconds=1.0))["payload"]["content"] == "<p>Og igen</p>"
        assert await far.silence()


@ON_POSTGRES
async def test_another_process_tells_at_once_without_looking(
    town: Town, second: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "POLL", 60.0)
    monkeypatch.setattr(hubs, "CHECK", 60.0)
    heard: list[set[str]] = []
    second.listen(heard.append)
    async with serving(second) as other, other.socket(await town.token("anna"), "stream=user") as far:
        await _until(lambda: set(TOPICS) in heard)
        await asyncio.sleep(QUIET)  # what begins by looking has looked
        id = await town.post("birk")
        assert (await far.next())["payload"]["id"] == str(id)
        await town.do(
            lambda db: accounts.set_password(db, accounts.by_username(db, "anna"), "en helt anden hemmelighed")
        )
        assert await far.closed(5) == 1008


@pytest.mark.parametrize(
    ("visibility", "readers"),
    [
        ("public", {"birk", "anna", "farid"}),
        ("unlisted", {"birk", "anna", "farid"}),
        ("followers", {"birk", "anna", "farid"}),
        ("node", {"birk", "anna", "farid"}),
        ("direct", set()),
    ],
)
async def test_whatever_its_visibility_a_post_comes_to_those_in_whose_home_it_is(
    town: Town, visibility: str, readers: set[str]
) -> None:
    names = ["birk", "anna", "farid", "eva", "david"]
    sockets = {name: town.node.socket(await town.token(name), "stream=user") for name in names}
    opened = {name: await one.__aenter__() for name, one in sockets.items()}
    await town.post("birk", "Hej @eva" if visibility == "direct" else "Hej", visibility=visibility)
    for name, client in opened.items():
        if name in readers:
            assert (await client.next())["event"] == "update", name
        elif name == "eva" and visibility == "direct":
            assert (await client.next())["event"] == "notification"
        else:
            assert await client.silence(), name
    for one in sockets.values():
        await one.__aexit__(None, None, None)


async def test_a_direct_post_comes_to_those_it_names_as_a_conversation(town: Town) -> None:
    async with (
        town.node.socket(await town.token("eva"), "stream=direct") as eva,
        town.node.socket(await town.token("anna"), "stream=direct") as anna,
    ):
        await town.post("birk", "Hej @eva", visibility="direct")
        message = await eva.next()
        assert (message["stream"], message["event"]) == (["direct"], "conversation")
        assert message["payload"]["unread"] is True
        assert "Hej" in message["payload"]["last_status"]["content"]
        assert await anna.silence()


async def test_who_is_blocked_or_has_muted_the_author_hears_nothing(town: Town) -> None:
    await town.do(lambda db: blocks.block(db, local(db, "birk"), local(db, "eva")))
    await town.do(lambda db: blocks.mute(db, local(db, "anna"), local(db, "birk")))
    async with (
        town.node.socket(await town.token("anna"), "stream=user") as anna,
        town.node.socket(await town.token("eva"), "stream=public") as eva,
        town.node.socket(await town.token("david"), "stream=public") as david,
    ):
        await town.post("birk")
        assert (await david.next())["event"] == "update"
        assert await anna.silence()
        assert await eva.silence()


async def test_a_question_comes_once_to_who_follows_its_author_and_its_community(town: Town) -> None:
    await town.do(lambda db: follows.undo(db, local(db, "eva"), local(db, "farid")))
    async with (
        town.node.socket(await town.token("anna"), "stream=user") as anna,
        town.node.socket(await town.token("eva"), "stream=user") as eva,
    ):
        id = await town.ask("birk")
        message = await anna.next()
        assert message["payload"]["id"] == str(id)
        assert message["payload"]["content"].startswith("<p><strong>Hvem har prøvet det?</strong></p>")
        assert await anna.silence()
        announced = (await eva.next())["payload"]
        assert announced["account"]["group"] is True
        assert announced["reblog"]["id"] == str(id)
        assert await eva.silence()


async def test_a_boost_its_end_an_edit_and_a_deletion_are_told(town: Town) -> None:
    id = await town.post("farid")
    async with town.node.socket(await town.token("eva"), "stream=user") as eva:  # follows farid
        await town.do(lambda db: composing.edit(db, local(db, "farid"), db.get_one(Post, id), Draft(text="Kage.")))
        changed = await eva.next()
        assert (changed["event"], changed["payload"]["id"]) == ("status.update", str(id))
        assert changed["payload"]["content"] == "<p>Kage.</p>"
        old = await town.do(lambda db: next(p for p in db.query(Post) if p.kind == "note" and p.local and p.id != id))
        author = await town.do(lambda db: db.get_one(Post, old.id).author_id)
        boost = await town.do(lambda db: reactions.boost(db, local(db, "farid"), db.get_one(Post, old.id)).id)
        if author != (await town.do(lambda db: local(db, "eva").id)):
            shown = await eva.next()
            assert shown["payload"]["id"] == str(boost)
            assert shown["payload"]["reblog"]["id"] == str(old.id)
        await town.do(lambda db: reactions.unboost(db, local(db, "farid"), db.get_one(Post, old.id)))
        assert (await eva.next()) == {"stream": ["user"], "event": "delete", "payload": str(boost)}
        await town.do(lambda db: removing.delete_post(db, local(db, "farid"), db.get_one(Post, id)))
        assert (await eva.next()) == {"stream": ["user"], "event": "delete", "payload": str(id)}


async def test_a_notice_comes_to_whom_it_concerns(town: Town) -> None:
    id = await town.post("anna")
    async with (
        town.node.socket(await town.token("anna"), "stream=user:notification") as anna,
        town.node.socket(await town.token("birk"), "stream=user:notification") as birk,
    ):
        await town.do(lambda db: reactions.vote(db, local(db, "birk"), db.get_one(Post, id)))
        message = await anna.next()
        assert (message["stream"], message["event"]) == (["user:notification"], "notification")
        assert message["payload"]["type"] == "favourite"
        assert message["payload"]["status"]["id"] == str(id)
        assert await birk.silence()


async def test_filters_that_change_and_announcements_are_told(town: Town) -> None:
    async with (
        town.node.socket(await town.token("anna"), "stream=user") as anna,
        town.node.socket(await town.token("birk"), "stream=user") as birk,
    ):
        await town.do(lambda db: filters.changed(db, local(db, "anna").id))
        assert await anna.next() == {"stream": ["user"], "event": "filters_changed"}
        row = await town.do(lambda db: announcements.announce(db, "Vi lukker kl. 12."))
        for reader in (anna, birk):
            message = await reader.next()
            assert message["event"] == "announcement"
            assert "Vi lukker" in message["payload"]["content"]
        await town.do(lambda db: announcements.react(db, local(db, "birk").id, announcements.get(db, row.id), "🎉"))
        reaction = {"name": "🎉", "count": 1, "announcement_id": str(row.id)}
        assert (await anna.next())["payload"] == reaction
        await town.do(lambda db: announcements.withdraw(db, announcements.get(db, row.id)))
        assert (await anna.next()) == {"stream": ["user"], "event": "announcement.delete", "payload": str(row.id)}


async def test_public_posts_come_to_the_channels_they_fit(town: Town) -> None:
    token = await town.token("eva")
    async with town.node.socket(token) as eva:
        for name in ("public", "public:local", "public:remote", "public:media"):
            await eva.say(type="subscribe", stream=name)
        await eva.say(type="subscribe", stream="hashtag", tag="Suppe")
        await eva.say(type="subscribe", stream="hashtag:local", tag="kage")
        await asyncio.sleep(0.2)
        await town.post("birk", "Torsdag #suppe")
        streams = [(await eva.next())["stream"] for _ in range(3)]
        assert sorted(streams) == [["hashtag", "Suppe"], ["public"], ["public:local"]]
        await town.post("birk", "Fredag #kage", visibility="unlisted")
        assert await eva.silence()
        await eva.say(type="unsubscribe", stream="public")
        await eva.say(type="unsubscribe", stream="public:local")
        await asyncio.sleep(0.2)
        await town.post("birk", "Lørdag #kage")
        assert (await eva.next())["stream"] == ["hashtag:local", "kage"]
        assert await eva.silence()


async def test_a_list_is_its_owners_alone(town: Town) -> None:
    def make(db: Session) -> int:
        anna = local(db, "anna")
        row = lists.create(db, anna.id, "Havby")
        lists.add(db, row, [local(db, "birk").id])
        return row.id

    list_id = await town.do(make)
    async with town.node.socket(await town.token("anna"), f"stream=list&list={list_id}") as anna:
        await town.post("camilla")
        assert await anna.silence()
        await town.post("birk")
        message = await anna.next()
        assert (message["stream"], message["event"]) == (["list", str(list_id)], "update")
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with town.node.socket(await town.token("birk"), f"stream=list&list={list_id}"):
            pass
    assert refused.value.response.status_code == 404


async def test_server_sent_events_say_the_same(town: Town) -> None:
    async with town.node.events(await town.token("anna"), "user") as anna:
        assert anna.answer.headers["content-type"].startswith("text/event-stream")
        id = await town.post("birk")
        event, data = await anna.next()
        assert event == "update"
        assert f'"id":"{id}"' in data
        await town.do(lambda db: removing.delete_post(db, local(db, "birk"), db.get_one(Post, id)))
        assert await anna.next() == ("delete", str(id))


@pytest.mark.parametrize(
    "path",
    [
        "user/notification", "public", "public?only_media=true", "public/local", "public/remote", "direct",
        "hashtag?tag=suppe", "hashtag/local?tag=suppe",
    ],
)  # fmt: skip
async def test_every_channel_has_an_address(town: Town, path: str) -> None:
    async with town.node.events(await town.token("anna"), path) as anna:
        assert anna.answer.status_code == 200


async def test_a_quiet_stream_is_kept_alive(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "HEARTBEAT", 0.1)
    async with town.node.events(await town.token("anna"), "user") as anna:
        assert await anna.line() == ":thump"
        assert await anna.line() == ":thump"


@pytest.mark.parametrize("path", ["hashtag", "list", "list?list=x", "nothing", "user/nothing"])
async def test_an_address_that_names_no_channel_is_refused(town: Town, path: str) -> None:
    answer = await town.node.get(path, await town.token("anna"))
    assert answer.status_code in {400, 404}
    assert isinstance(answer.json()["error"], str)


@pytest.mark.parametrize("by", ["query", "header", "protocol"])
async def test_the_token_may_come_in_three_ways(town: Town, by: str) -> None:
    token = await town.token("anna")
    async with town.node.socket(token, "stream=user", by=by) as anna:
        assert anna.connection.subprotocol == (token if by == "protocol" else None)
        await town.post("birk")
        assert (await anna.next())["event"] == "update"


@pytest.mark.parametrize("token", ["", "made-up"])
async def test_without_a_good_token_nobody_listens(town: Town, token: str) -> None:
    """T102: no token, no stream; not even of what anybody can read."""
    for query in ("stream=public", "stream=user", ""):
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with town.node.socket(token, query):
                pass
        assert refused.value.response.status_code == 401
    assert (await town.node.get("public", token)).status_code == 401


@pytest.mark.parametrize(
    ("scopes", "stream", "status"),
    [
        ("write follow push profile", "user", 403),
        ("write follow push profile", "public", 403),
        ("read:accounts", "", 403),
        ("read:notifications", "user", 403),
        ("read:statuses", "user:notification", 403),
        ("read:statuses", "user", 101),
        ("read:notifications", "user:notification", 101),
    ],
)
async def test_a_token_listens_to_what_its_scopes_cover(town: Town, scopes: str, stream: str, status: int) -> None:
    """T102: streams need the scopes of what they show."""
    token = await town.token("anna", scopes)
    query = f"stream={stream}" if stream else ""
    if status == 101:
        async with town.node.socket(token, query):
            return
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with town.node.socket(token, query):
            pass
    assert refused.value.response.status_code == status
    if stream:
        assert (await town.node.get(stream.replace(":", "/"), token)).status_code == status


async def test_home_without_the_right_to_read_notices_shows_none(town: Town) -> None:
    id = await town.post("anna")
    async with town.node.socket(await town.token("anna", "read:statuses"), "stream=user") as anna:
        await town.do(lambda db: reactions.vote(db, local(db, "birk"), db.get_one(Post, id)))
        assert await anna.silence()
        await anna.say(type="subscribe", stream="user:notification")
        assert (await anna.next())["status"] == 403


async def test_messages_that_make_no_sense_are_answered(town: Town) -> None:
    async with town.node.socket(await town.token("anna"), "stream=user") as anna:
        await anna.connection.send("{")
        assert (await anna.next())["status"] == 400
        await anna.connection.send("[]")
        assert (await anna.next())["status"] == 400
        await anna.say(type="subscribe", stream="everything")
        assert (await anna.next())["status"] == 400
        await anna.say(type="subscribe", stream="hashtag")
        assert (await anna.next())["status"] == 400
        await anna.say(type="subscribe", stream=["list"], list={"a": 1})
        assert (await anna.next())["status"] == 400
        await anna.say(type="subscribe", stream="list", list="1")
        assert (await anna.next())["status"] == 404
        await anna.say(type="dance")
        await town.post("birk")
        assert (await anna.next())["event"] == "update"
        await anna.connection.send("x" * 5000)
        assert await anna.closed(2) == 1009


def _revoke(db: Session) -> None:
    account = accounts.by_username(db, "david")
    for app, _ in oauth.apps_of(db, account):
        oauth.revoke_app(db, account, app.id)


@pytest.mark.parametrize("end", ["revoked", "suspended", "password"])
async def test_streams_end_within_five_seconds_when_the_token_does(town: Town, second: Database, end: str) -> None:
    """T101, also where another process took the right away."""

    def work(db: Session) -> None:
        account = accounts.by_username(db, "david")
        match end:
            case "revoked":
                _revoke(db)
            case "suspended":
                accounts.suspend(db, account)
            case _:
                accounts.set_password(db, account, "en helt anden hemmelighed")

    token = await town.token("david")
    async with (
        serving(second) as other,
        town.node.socket(token, "stream=user") as here,
        other.socket(token, "stream=user") as there,
        town.node.events(token, "user") as events,
        town.node.socket(await town.token("birk"), "stream=user") as somebody_else,
    ):
        await town.do(work)
        assert await here.closed(5) == 1008
        assert await there.closed(5) == 1008
        await events.end(5)
        assert await somebody_else.silence()
        assert somebody_else.connection.close_code is None


async def test_who_does_not_take_his_messages_is_dropped_and_holds_up_nobody(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.streaming.connections.WAITING", 3)
    ends: list[str] = []
    async with (
        town.node.socket(await town.token("anna"), "stream=user") as anna,
        town.node.socket(await town.token("farid"), "stream=user") as farid,
    ):
        slow_id = await town.do(lambda db: local(db, "farid").id)
        slow = next(one for one in town.node.hub._connections if one.account_id == slow_id)
        monkeypatch.setattr(slow, "next", lambda seconds: asyncio.Event().wait())
        for number in range(5):
            await town.post("birk", f"Nr. {number}")
        for _ in range(5):
            assert (await anna.next())["event"] == "update"
        assert await farid.closed(3) == 1013
        ends.append(slow.reason)
    assert ends == ["slow"]


@pytest.mark.parametrize("way", ["socket", "events"])
async def test_a_client_that_reads_nothing_is_let_go(town: Town, way: str) -> None:
    """What it does not take stands in the way of nobody, and of no memory."""
    token = await town.token("anna")
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    path, more = ("?stream=user", f"{upgrade}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n")
    if way == "events":
        path, more = ("/user", "")
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(("127.0.0.1", town.node.port))
        request = (
            f"GET /api/v1/streaming{path} HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {token}\r\n{more}\r\n"
        )
        lazy.send(request.encode())
        await _until(lambda: len(town.node.hub) == 1)
        (connection,) = town.node.hub._connections
        for _ in range(400):
            connection.offer(Message(Channel("user"), "update", "x" * 50_000))
            await asyncio.sleep(0)
        assert connection.reason == "slow"
        await _until(lambda: len(town.node.hub) == 0)


async def _until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.02)


async def test_nobody_opens_more_streams_than_there_is_room_for(lived_in: Database) -> None:
    async with serving(lived_in, Hub(lived_in, per_account=2, in_total=3)) as node:
        town = Town(lived_in, node)
        anna, birk, eva = [await town.token(name) for name in ("anna", "birk", "eva")]
        async with node.socket(anna, "stream=user"), node.socket(anna, "stream=user"):
            assert (await node.get("user", anna)).status_code == 429
            async with node.socket(birk, "stream=user"):
                assert (await node.get("user", eva)).status_code == 429
        await _until(lambda: len(node.hub) == 0)
        async with node.events(eva, "user") as stream:
            assert stream.answer.status_code == 200


async def test_when_the_server_goes_down_it_does_not_wait_for_those_who_listen(lived_in: Database) -> None:
    async with serving(lived_in) as node:
        town = Town(lived_in, node)
        async with (
            node.socket(await town.token("anna"), "stream=user") as socket,
            node.events(await town.token("anna"), "user") as events,
        ):
            await node.hub.close()
            assert await socket.closed(2) == 1001
            await events.end(2)


@pytest.mark.parametrize("away", [0.0, 0.2, 1.2, 2.2])
async def test_who_reloads_his_page_hears_again(town: Town, away: float) -> None:
    """The tasks behind the streams end one after the other when nobody listens; whoever comes in between is heard."""
    token = await town.token("anna")
    for round in range(2):
        async with town.node.socket(token, "stream=user") as anna:
            post_id = await town.post("anna", f"Suppe nummer {round}.")
            heard = await anna.next()
            assert (heard["event"], heard["payload"]["id"]) == ("update", str(post_id))
        await asyncio.sleep(away)


async def test_another_name_than_the_nodes_is_refused(town: Town) -> None:
    with pytest.raises(websockets.InvalidStatus):
        async with town.node.socket(await town.token("anna"), "stream=user", host="evil.example"):
            pass


async def test_pages_of_other_sites_may_listen_with_a_token(town: Town) -> None:
    async with town.node.socket(await town.token("anna"), "stream=user", Origin="https://client.example") as anna:
        await town.post("birk")
        assert (await anna.next())["event"] == "update"


async def test_an_event_that_cannot_be_handed_out_holds_up_no_other(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fanout.tell
    failed: list[int] = []

    def fails_once(*args: Any) -> Any:
        if not failed:
            failed.append(1)
            raise RuntimeError("broken")
        return real(*args)

    monkeypatch.setattr(hubs, "tell", fails_once)
    async with town.node.socket(await town.token("anna"), "stream=user") as anna:
        await town.post("birk", "En")
        second = await town.post("birk", "To")
        assert (await anna.next())["payload"]["id"] == str(second)


async def test_tokens_never_come_into_the_log(town: Town, capfd: pytest.CaptureFixture[str]) -> None:
    """T112."""
    token = await town.token("anna")
    async with town.node.socket(token, "stream=user"), town.node.events(token, f"user?access_token={token}"):
        pass
    await town.node.get(f"hashtag?access_token={token}")
    told = capfd.readouterr()
    assert token not in told.out + told.err
