"""Whatever is typed, pasted or made up: an answer that says what is wrong, never a fault of ours."""

import random

import pytest
from starlette.routing import Route

from tests.server.test_web_guard import FORMS, VIEWS, address
from tests.server.visiting import Visiting

pytestmark = pytest.mark.anyio

FIELDS = [
    "title",
    "text",
    "community",
    "visibility",
    "barriers",
    "language",
    "value",
    "undo",
    "verdict",
    "actor",
    "post",
    "reason",
    "comment",
    "handle",
    "twin",
    "uri",
    "next",
    "return_to",
    "login",
    "password",
    "old",
    "new",
    "name",
    "bio",
    "username",
    "email",
    "action",
    "domain",
    "on",
    "device",
    "up_to",
    "summary",
    "rules",
    "as",
    "locked",
    "allows_down",
    "back",
    "holds_outside",
    "where",
    "askers",
    "max_links",
    "held_words",
    "disclosure",
    "founders",
    "discoverable",
]
KEPT = [
    "",
    " ",
    "\u0000",
    "\ud83d",  # half a character: sent as the bytes that a careless client sends
    "x" * 70_000,
    "9" * 18,
    "9" * 19,
    str(2**63),
    "-1",
    "1e9",
    "٣",
    "'; DROP TABLE posts; --",
    "%00%ff",
]
"""What one kind of database may take and another refuse."""

READ = [
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    "//evil.example",
    "@" * 500,
    "#" * 500,
    "[" * 5_000,
    "> " * 2_000,
    "*" * 5_000,
    "@a@b " * 500,
    "\u202e\u2066\u200b",
    "{{ 7*7 }}",
    "\r\nSet-Cookie: a=b",
]
"""What only those who read text may stumble over, before any database has it."""

NASTY = [*KEPT, *READ]
CASES = [*KEPT, *(pytest.param(value, marks=pytest.mark.once) for value in READ)]


def filled(value: str) -> dict[str, str]:
    return {name: value.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for name in FIELDS}


@pytest.mark.parametrize("value", CASES, ids=lambda value: ascii(value[:12]))
async def test_no_form_breaks_on_what_is_typed_into_it(visiting: Visiting, value: str) -> None:
    async with visiting.browser("anna") as anna, visiting.browser("camilla") as camilla:
        for route in FORMS:
            if route.path == "/sign-out":
                continue
            browser = camilla if route.path.startswith("/c/") else anna
            answer = await browser.send(address(route, visiting), **filled(value))
            assert answer.status_code < 500, (route.path, answer.text[-1500:])
            assert "set-cookie" not in answer.headers or "a=b" not in answer.headers["set-cookie"], route.path


@pytest.mark.parametrize("value", CASES, ids=lambda value: ascii(value[:12]))
async def test_no_page_breaks_on_its_query(visiting: Visiting, value: str) -> None:
    safe = value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")[:1000]
    query = dict.fromkeys(
        ("before", "from", "order", "q", "mine", "uri", "next", "to", "community", "unanswered", "as", "on-success"),
        safe,
    )
    async with visiting.browser("anna") as browser:
        for route in VIEWS:
            answer = await browser.http.get(address(route, visiting), params=query, headers={"Accept": "text/html"})
            assert answer.status_code < 500, (route.path, answer.text[-1500:])


@pytest.mark.parametrize(
    "path",
    [
        "/p/0",
        "/p/99999999999999999999999",
        "/p/-1",
        "/p/1e3",
        "/p/%00",
        "/posts/99999999999999999999999/reply",
        "/actors/99999999999999999999999/followers",
        "/actors/0/followers",
        "/u/%2e%2e%2f",
        "/u/%00",
        "/u/" + "a" * 5000,
        "/@a@b@c",
        "/@",
        "/@%00@%00",
        "/c/..%2fudfordrere",
        "/t/%ff",
        "/t/" + "x" * 3000,
        "/invitations/%00",
        "/static/x/../../settings.py",
        "/static/x/%2e%2e/%2e%2e/settings.py",
        "/static/x/vendor",
        "/questions?before=9223372036854775808",
        "/questions?order=%00",
    ],
)
async def test_addresses_of_nothing_are_not_found(visiting: Visiting, path: str) -> None:
    async with visiting.browser("anna") as browser:
        answer = await browser.open(path)
        assert answer.status_code in {200, 404, 422}
        assert path.startswith(("/t/", "/questions")) or answer.status_code == 404


@pytest.mark.once
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"\xff\xfe=%ZZ&=&&&===%"),
        ("application/x-www-form-urlencoded", b"a=" * 5000),
        ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % n for n in range(5000))),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nhalf'),
        ("multipart/form-data", b"no boundary"),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\nx\r\n--x--",
        ),
        ("application/json", b'{"text": "x"}'),
        ("text/plain", b"text=x"),
        ("", b"\x00" * 100),
    ],
)
async def test_a_body_that_is_no_form_is_refused(visiting: Visiting, content_type: str, body: bytes) -> None:
    async with visiting.browser("anna") as browser:
        for path in ("/post", "/sign-in", "/language"):
            headers = {"Content-Type": content_type, "Origin": "https://a.example", "Accept": "text/html"}
            answer = await browser.http.post(path, content=body, headers=headers)
            assert 400 <= answer.status_code < 500 or path == "/language", (path, answer.status_code)
            assert answer.status_code < 500


async def test_the_sieve_of_random_forms(visiting: Visiting) -> None:
    chance = random.Random(4711)
    # what ends the session, or takes the titles away by which posts are found again, stays out
    ends = {"/sign-out", "/settings/password", "/posts/{id:int}/make-note"}
    routes: list[Route] = [route for route in FORMS if route.path not in ends]
    async with visiting.browser("camilla") as browser:
        for _ in range(300):
            route = chance.choice(routes)
            fields = {name: chance.choice(NASTY[4:]) for name in chance.sample(FIELDS, chance.randrange(len(FIELDS)))}
            fields = {name: value[:5000] for name, value in fields.items()}
            answer = await browser.send(address(route, visiting), **fields)
            assert answer.status_code < 500, (route.path, fields, answer.text[-1500:])
