"""What was answered just now is answered at the doorstep, byte for byte, as long as it is right and only to whom it is
for; everything else goes to the application. Over real connections, as other servers and apps have them."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog
from sqlalchemy.orm import Session

from federation import signatures
from models import accounts, base, moderation, oauth, settings
from models.base import clock
from models.database import Database
from server import doorstep, logs
from server.api import calls
from server.doorstep import MOST, DoorstepProtocol
from server.settings import Settings
from tests.server.apps import ApiWorld
from tests.server.asking import ACTIVITY, ORIGIN, Asking, Stranger, local
from tests.server.house import House

pytestmark = [pytest.mark.anyio, pytest.mark.once]  # beside PostgreSQL there is no doorstep

ANNA = f"GET /u/anna HTTP/1.1\r\nHost: a.example\r\nAccept: {ACTIVITY}\r\n"
FINGER = "GET /.well-known/webfinger?resource=acct:anna@a.example HTTP/1.1\r\nHost: a.example\r\n"
END = "\r\n"
LONG = 60.0
"""Seconds for which an answer is given again here: this machine may be slow."""


@pytest.fixture
def house(lived_in: Database, monkeypatch: pytest.MonkeyPatch) -> House:
    if not lived_in.stamps.quick:
        pytest.skip("the doorstep waits for nobody, so it has nothing where a stamp is asked of another machine")
    monkeypatch.setattr(doorstep, "WHOLE_SECONDS", LONG)
    return House(lived_in)


def change(db: Session) -> None:
    settings.put(db, "test", str(settings.get(db, "test", "")) + "x")


async def test_what_was_answered_is_answered_again_without_the_application(house: House) -> None:
    async with house.line() as line:
        first = await line.ask(ANNA + END)
        again = [await line.ask(ANNA + END) for _ in range(3)]
    assert first.status == 200
    assert [one.lasting for one in again] == [first.lasting] * 3
    assert house.asked == 1
    assert len({one.headers["x-request-id"] for one in (first, *again)}) == 4


@pytest.mark.parametrize("question", [ANNA, FINGER], ids=["actor", "webfinger"])
async def test_the_next_commit_of_another_process_ends_it(house: House, question: str) -> None:
    other = Database(house.database.url.render_as_string(hide_password=False), house.database.node)
    async with house.line() as line:
        for _ in "ab":
            assert (await line.ask(question + END)).status == 200
        other.write(lambda db: setattr(local(db, "anna"), "suspended_at", local(db, "anna").changed_at))
        assert (await line.ask(question + END)).status == 404
    other.close()


async def test_an_answer_that_something_was_committed_during_is_not_given_again(house: House) -> None:
    stamp = house.doorstep.stamp()
    assert stamp is not None
    async with house.line() as line:
        await line.ask(ANNA + END)
        before, house.asked = house.asked, 0
        house.database.write(change)
        scope = {"raw_path": b"/x", "query_string": b"", "headers": [], "state": {}}
        house.doorstep.keep(scope, 200, [], b"old", stamp)
        await line.ask(ANNA + END)
    assert (before, house.asked) == (1, 1)


async def test_it_ends_by_itself_after_a_moment(house: House) -> None:
    async with house.line() as line:
        await line.ask(ANNA + END)
        clock.offset += LONG + 1
        await line.ask(ANNA + END)
    assert house.asked == 2


@pytest.mark.parametrize(
    "more",
    [
        "Accept-Language: da\r\n",
        "Cookie: a=b\r\n",
        "Authorization: Bearer x\r\n",
        "X-Never-Heard-Of: it\r\n",
        "Content-Type: application/json\r\n",
        'If-None-Match: W/"x"\r\n',
    ],
)
async def test_a_field_that_may_matter_makes_it_another_question(house: House, more: str) -> None:
    async with house.line() as line:
        await line.ask(ANNA + END)
        assert (await line.ask(ANNA + more + END)).status == 200
    assert house.asked == 2


async def test_fields_that_nobody_reads_make_no_other_question(house: House) -> None:
    async with house.line() as line:
        await line.ask(ANNA + END)
        more = "User-Agent: x\r\nDate: y\r\nAccept-Encoding: gzip\r\nX-Forwarded-For: 203.0.113.9\r\nX-Request-Id: "
        again = await line.ask(ANNA + more + "0123456789\r\n" + END)
    assert again.headers["x-request-id"] == "0123456789"
    assert house.asked == 1


async def test_people_and_servers_get_each_their_own(house: House) -> None:
    page = "GET /u/anna HTTP/1.1\r\nHost: a.example\r\nAccept: text/html\r\n"
    async with house.line() as line:
        for _ in "ab":
            assert (await line.ask(ANNA + END)).headers["content-type"] == ACTIVITY
            assert (await line.ask(page + END)).headers["content-type"].startswith("text/html")
    assert house.asked == 3  # a page is never given again


async def test_a_host_that_is_not_ours_is_refused_beside_one_that_is(house: House) -> None:
    async with house.line() as line:
        assert (await line.ask(ANNA + END)).status == 200
        assert (await line.ask(ANNA.replace("a.example", "b.example") + END)).status == 421
        assert (await line.ask(ANNA.replace("\r\nAccept", "\r\nHost: b.example\r\nAccept") + END)).status == 421


async def test_whoever_has_it_already_hears_so_again(house: House) -> None:
    async with house.line() as line:
        tag = (await line.ask(ANNA + END)).headers["etag"]
        had = [await line.ask(f"{ANNA}If-None-Match: {tag}\r\n\r\n") for _ in "ab"]
    assert [(one.status, one.body) for one in had] == [(304, b"")] * 2
    assert house.asked == 2


# Signatures


def signed(stranger: Stranger, path: str = "/u/anna") -> str:
    key = signatures.private_key(stranger.private_pem)
    fields = signatures.sign_cavage(key, f"{stranger.actor.uri}#main-key", "GET", ORIGIN + path, b"", base.now())
    lines = "".join(f"{name}: {value}\r\n" for name, value in ({"Host": "a.example"} | fields).items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n"


async def test_each_server_gets_it_by_its_own_name_however_it_signs(house: House) -> None:
    known, other = (Asking(house.database).stranger(host) for host in ("m.example", "n.example"))
    async with house.line() as line:
        for clock.offset in (0, 0.3, 0.6):
            assert (await line.ask(signed(known))).status == 200
        assert house.asked == 1
        assert (await line.ask(signed(other))).status == 200
        assert house.asked == 2


async def test_signatures_with_times_of_their_own_are_known_too(house: House) -> None:
    stranger = Asking(house.database).stranger()
    key = signatures.private_key(stranger.private_pem)
    async with house.line() as line:
        for clock.offset in (0, 2, 4):
            fields = signatures.sign_rfc9421(
                key, f"{stranger.actor.uri}#main-key", "GET", f"{ORIGIN}/u/anna", b"", base.now()
            )
            lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if name != "Host")
            assert (await line.ask(ANNA + lines.replace("Accept: ", "X-A: ") + END)).status == 200
    assert house.asked == 1


FORMS = [
    'keyId="{key}",algorithm="rsa-sha256",headers="(request-target) host date",signature="{mark}"',
    'signature="{mark}",headers="(request-target) host date",keyId="{key}"',
    'keyId="{key}",created=1,expires=9,headers="(created) host",signature="{mark}"',
    'keyId="{key}",headers="host signature=",signature="{mark}"',
]


@pytest.mark.parametrize("form", FORMS)
async def test_no_form_of_a_signature_passes_one_server_off_as_another(house: House, form: str) -> None:
    house.database.write(lambda db: moderation.set_rule(db, "n.example", "block"))
    async with house.line() as line:
        for mark in ("AAAA", "BBBB", "broken!", ""):
            for key, status in (("https://m.example/u/a#k", 200), ("https://n.example/u/a#k", 403)):
                field = form.format(key=key, mark=mark)
                readable = mark in {"AAAA", "BBBB"} and " signature=" not in form
                expected = {status} if readable else {200, 400, 401, 403}
                assert (await line.ask(f"{ANNA}Signature: {field}\r\n\r\n")).status in expected


async def test_a_blocked_server_is_refused_after_one_that_posed_as_it_and_failed(house: House) -> None:
    house.database.write(lambda db: moderation.set_rule(db, "n.example", "block"))
    field = 'Signature: keyId="https://n.example/u/a#k",headers="host date",signature="{}"\r\n\r\n'
    async with house.line() as line:
        assert (await line.ask(ANNA + field.format("broken!"))).status == 200
        assert (await line.ask(ANNA + field.format("AAAA"))).status == 403


async def test_a_blocked_server_is_refused_what_others_just_got(house: House) -> None:
    welcome, blocked = (Asking(house.database).stranger(host) for host in ("m.example", "n.example"))
    house.database.write(lambda db: moderation.set_rule(db, "n.example", "block"))
    async with house.line() as line:
        for _ in "ab":
            assert (await line.ask(signed(welcome))).status == 200
            assert (await line.ask(signed(blocked))).status == 403
            assert (await line.ask(ANNA + END)).status == 200


async def test_where_everybody_has_to_prove_who_he_is_nothing_is_given_again(lived_in: Database) -> None:
    house = House(lived_in, authorized_fetch=True)
    stranger = Asking(lived_in).stranger()
    async with house.line() as line:
        assert [(await line.ask(signed(stranger))).status for _ in "ab"] == [200, 200]
        forged = signed(stranger).replace('signature="', 'signature="AAAA')
        assert (await line.ask(forged)).status == 401
    assert house.asked == 3


# Apps


def home(token: str, path: str = "/api/v1/timelines/home") -> str:
    return f"GET {path} HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {token}\r\n\r\n"


async def test_a_timeline_is_given_again_to_its_reader_alone_and_counted(house: House) -> None:
    apps = ApiWorld(house.database)
    tokens = [apps.token("birk"), apps.token("camilla")]
    async with house.line() as line:
        birk = [await line.ask(home(tokens[0])) for _ in range(4)]
        camilla = await line.ask(home(tokens[1]))
    assert house.asked == 2
    assert [one.lasting for one in birk] == [birk[0].lasting] * 4
    assert camilla.body != birk[0].body
    assert [int(one.headers["x-ratelimit-remaining"]) for one in birk] == [299, 298, 297, 296]
    assert birk[3].headers["cache-control"] == "private, no-store"


async def test_who_has_called_too_often_is_refused_at_the_doorstep_too(lived_in: Database, house: House) -> None:
    house, token = House(lived_in, api_calls=3), ApiWorld(lived_in).token("birk")
    async with house.line() as line:
        statuses = [(await line.ask(home(token))).status for _ in range(5)]
        refused = await line.ask(home(token))
    assert statuses == [200, 200, 200, 429, 429]
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["x-ratelimit-remaining"]


async def test_a_revoked_token_is_refused_the_next_time(house: House) -> None:
    token = ApiWorld(house.database).token("birk")
    async with house.line() as line:
        for _ in "abc":
            assert (await line.ask(home(token))).status == 200
        account = house.database.write(lambda db: accounts.by_username(db, "birk").id)
        house.database.write(lambda db: oauth.revoke_all(db, account))
        assert (await line.ask(home(token))).status == 401


async def test_a_token_that_is_about_to_end_gets_nothing_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "WHOLE_SECONDS", LONG)
    token = ApiWorld(house.database).token("birk")

    def limit(db: Session) -> None:
        known = oauth.who(db, token)
        assert known is not None
        known.token.expires_at = base.now() + timedelta(seconds=LONG / 2)
        known.token.used_at = base.now()

    house.database.write(limit)
    async with house.line() as line:
        assert [(await line.ask(home(token))).status for _ in "ab"] == [200, 200]
        assert house.asked == 2
        clock.offset += LONG
        assert (await line.ask(home(token))).status == 401


# What is done for each request


async def test_every_answer_is_counted(house: House) -> None:
    async with house.line() as line:
        for _ in range(5):
            await line.ask(FINGER + END)
    assert house.asked == 1
    assert house.counted("webfinger") == 5


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged of requests, as JSON."""
    stream, root = io.StringIO(), logging.getLogger()
    before, level, configured = list(root.handlers), root.level, structlog.get_config()
    logs.set_up(Settings(log_format="json"), stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.configure(**configured)


async def test_every_answer_is_logged_with_its_number(house: House, lines: io.StringIO) -> None:
    async with house.line() as line:
        answers = [await line.ask(FINGER + END) for _ in "ab"]
        forwarded = await line.ask(FINGER + "X-Forwarded-For: 203.0.113.9\r\n\r\n")
    said = [json.loads(line) for line in lines.getvalue().splitlines() if '"answered"' in line]
    assert {(entry["method"], entry["path"], entry["status"]) for entry in said} == {
        ("GET", "/.well-known/webfinger", 200)
    }
    assert [entry["request_id"] for entry in said] == [one.headers["x-request-id"] for one in (*answers, forwarded)]
    assert [entry["client"] for entry in said] == ["127.0.0.1", "127.0.0.1", "203.0.113.9"]
    assert said[0].keys() == said[1].keys()
    assert house.asked == 1


# HTTP


async def test_questions_sent_at_once_are_answered_in_their_order(house: House) -> None:
    page = "GET /about HTTP/1.1\r\nHost: a.example\r\nAccept: text/html\r\n\r\n"
    async with house.line() as line:
        await line.ask(ANNA + END)
        line.send((ANNA + END) * 3 + page + ANNA + END + FINGER + END)
        kinds = [(await line.answer()).headers["content-type"].partition(";")[0] for _ in range(6)]
    assert kinds == [ACTIVITY, ACTIVITY, ACTIVITY, "text/html", ACTIVITY, "application/jrd+json"]


async def test_a_question_may_come_in_pieces(house: House) -> None:
    async with house.line() as line:
        await line.ask(ANNA + END)
        for character in ANNA + END:
            line.send(character)
            await line.writer.drain()
            await asyncio.sleep(0)
        assert (await line.answer()).status == 200
    assert house.asked == 1


async def test_a_connection_that_shall_end_is_ended(house: House) -> None:
    async with house.line() as line:
        await line.ask(ANNA + END)
        assert (await line.ask(ANNA + "Connection: close\r\n\r\n")).headers["connection"] == "close"
        assert await line.ended()


async def test_http_1_0_is_answered_and_ended(house: House) -> None:
    async with house.line() as line:
        await line.ask(ANNA + END)
        assert (await line.ask(ANNA.replace("HTTP/1.1", "HTTP/1.0") + END)).status == 200
        assert await line.ended()


async def test_head_gets_no_body(house: House) -> None:
    async with house.line() as line:
        whole = await line.ask(ANNA + END)
        line.send(ANNA.replace("GET", "HEAD") + END)
        head = await line.answer(body=False)
        assert head.headers["content-length"] == str(len(whole.body))
        assert (await line.ask(ANNA + END)).body == whole.body


@pytest.mark.parametrize(
    "body", ["Content-Length: 3\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
)
async def test_a_question_with_a_body_is_the_applications_and_the_next_is_read_rightly(house: House, body: str) -> None:
    async with house.line() as line:
        first = await line.ask(ANNA + END)
        line.send(ANNA + body + ANNA + END)
        assert [(await line.answer()).lasting for _ in "ab"] == [first.lasting] * 2
        assert house.asked in {2, 3}  # the last may have come while the one before was under way


async def test_nonsense_after_a_question_is_refused(house: House) -> None:
    async with house.line() as line:
        await line.ask(ANNA + END)
        assert (await line.ask(ANNA + END)).status == 200
        assert (await line.ask("GET nonsense\r\n\r\n")).status == 400
        assert await line.ended()


async def test_a_long_question_is_not_kept(house: House) -> None:
    async with house.line() as line:
        for _ in "ab":
            assert (await line.ask(f"{ANNA}X-Long: {'x' * MOST}\r\n\r\n")).status == 200
    assert house.asked == 2


async def test_who_does_not_read_what_he_asked_for_is_waited_for(house: House) -> None:
    async with house.line() as line:
        first = await line.ask(ANNA + END)
        (protocol,) = line.state.connections
        assert isinstance(protocol, DoorstepProtocol)
        protocol.pause_writing()  # what the transport does when too much lies there
        line.send((ANNA + END) * 3)
        async with asyncio.timeout(10):
            while house.asked < 2:  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert house.counted("person") == 1
        protocol.resume_writing()
        assert [(await line.answer()).lasting for _ in "abc"] == [first.lasting] * 3
