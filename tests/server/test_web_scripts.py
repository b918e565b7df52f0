"""Nothing that comes from elsewhere, or from our own people, runs in a reader's browser."""

import json
from html.parser import HTMLParser

import pytest

from federation import reading, resolving
from federation.resolving import Budget
from models import arriving
from models.actors import record_remote
from tests import keys
from tests.server.visiting import Visiting, person, question

pytestmark = [pytest.mark.anyio, pytest.mark.once]

CORPUS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<style>*{background:url(javascript:alert(1))}</style>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='https://x.example' style='position:fixed' onclick='alert(1)' target=_blank>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action='https://evil.example'><button formaction='javascript:alert(1)'>x</button></form>",
    "<base href='https://evil.example/'><link rel=stylesheet href='https://evil.example/x.css'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<object data='x'></object><embed src='x'>",
    '"><script>alert(1)</script>',
    "'\"/><img src=x onerror=alert(1)>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "<p class='site own menu'>x</p><p id='main'>y</p>",
    "{{ 7*7 }}{% if 1 %}x{% endif %}",
    "[x](javascript:alert(1)) ![x](https://evil.example/pixel.png) <b onmouseover=alert(1)>x</b>",
    "<<script>alert(1)//<</script>",
    "<img srcset='https://evil.example/x 1x'><video poster=x><audio src=x>",
]

ALLOWED_TAGS = {
    *("html", "head", "meta", "title", "link", "body", "header", "main", "footer", "nav", "section", "article"),
    *(
        "aside",
        "div",
        "span",
        "svg",
        "path",
        "rect",
        "figure",
        "figcaption",
        "img",
        "p",
        "br",
        "hr",
        "blockquote",
        "pre",
    ),
    *("code", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "details", "summary"),
    *(
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "form",
        "fieldset",
        "legend",
        "label",
        "input",
        "textarea",
    ),
    *(
        "select",
        "option",
        "button",
        "a",
        "bdi",
        "time",
        "em",
        "strong",
        "b",
        "i",
        "u",
        "s",
        "del",
        "mark",
        "ruby",
        "rt",
        "rp",
    ),
}
URL_ATTRIBUTES = {"href", "src", "action", "formaction", "data", "poster", "srcset", "xlink:href", "background"}
PICTURES = ("/media/", "https://a.example/media/")  # read through this node, at addresses that it made itself


class Inspector(HTMLParser):
    """Reads a page as a browser would and notes whatever could run or load something."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED_TAGS and not (tag == "script" and self._is_ours(dict(attrs))):
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or name in {"style", "srcdoc", "formaction", "srcset", "http-equiv"}:
                self.faults.append(f"{tag} {name}")
            if name in URL_ATTRIBUTES:
                target = (value or "").strip().lower()
                if target.partition(":")[0] in {"javascript", "data", "vbscript", "file"}:
                    self.faults.append(f"{tag} {name}={target[:40]}")
                if tag == "form" and target.startswith(("http", "//")) and "a.example" not in target:
                    self.faults.append(f"{tag} {name}={target[:40]}")
        found = dict(attrs)
        if tag == "img" and not ((found.get("src") or "").startswith(PICTURES) and found.get("alt")):
            self.faults.append(f"img src={found.get('src')} alt={found.get('alt')}")
        if tag == "a" and (found.get("href") or "").startswith("https://x.example"):
            rel = found.get("rel") or ""
            if not {"nofollow", "noopener", "noreferrer", "ugc"} <= set(rel.split()):
                self.faults.append(f"a rel={rel}")

    @staticmethod
    def _is_ours(attrs: dict[str, str | None]) -> bool:
        """A module from our own files, or data for search engines, which no browser runs."""
        module = attrs.get("type") == "module" and (attrs.get("src") or "").startswith("/static/")
        return (set(attrs) == {"type", "src"} and module) or attrs == {"type": "application/ld+json"}

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script" and data.strip():
            try:
                json.loads(data)
            except ValueError:
                self.faults.append(f"script {data[:40]}")

    @classmethod
    def check(cls, html: str) -> None:
        found = cls()
        found.feed(html)
        assert not found.faults


async def test_the_inspector_sees_what_would_run() -> None:
    pictures = ("<img src=x alt=x>", "<img src='//m.example/media/x' alt=x>", "<img src='/media/x'>")
    inline = ("<script type=module>x</script>", "<script type='application/ld+json'>x</script>")
    for part in (
        "<script>",
        *inline,
        "<script type=module src='//m.example/static/x'></script>",
        *pictures,
        "<p onclick=x>",
        "<a href=' javascript:x'>",
        "<p style='x'>",
    ):
        with pytest.raises(AssertionError):
            Inspector.check(part)


@pytest.mark.parametrize("evil", CORPUS, ids=lambda evil: evil[:24])
async def test_what_others_send_is_inert_wherever_it_is_shown(visiting: Visiting, evil: str) -> None:
    with visiting.database.reading() as db:
        asked = question(db, "Hvordan fik I")
    eve = "https://m.example/users/eve"
    actor = {
        "id": eve,
        "type": "Person",
        "preferredUsername": "eve",
        "name": evil,
        "summary": evil,
        "url": evil,
        "inbox": f"{eve}/inbox",
        "attachment": [{"type": "PropertyValue", "name": evil, "value": evil}],
        "publicKey": {"id": f"{eve}#main-key", "owner": eve, "publicKeyPem": keys.draw()[1]},
    }
    common = {
        "type": "Note",
        "attributedTo": eve,
        "to": ["https://www.w3.org/ns/activitystreams#Public"],
        "published": "2026-11-24T08:00:00Z",
        "content": f"<p>{evil}</p>",
        "url": evil,
        "attachment": [
            {"type": "Document", "mediaType": "image/png", "url": f"https://m.example/{evil}", "name": evil},
            {"type": "Document", "mediaType": "image/png", "url": evil, "name": evil},
        ],
        "tag": [{"type": "Hashtag", "name": f"#{evil}", "href": evil}],
    }
    reply = {**common, "id": "https://m.example/s/1", "summary": evil, "inReplyTo": asked.uri}
    note = {**common, "id": "https://m.example/s/2", "name": evil, "contentMap": {evil[:8]: evil}}
    visiting.database.write(lambda db: record_remote(db, reading.actor(actor).remote))
    numbers = []
    for document in (reply, note):
        remote = await resolving.to_remote(visiting.app.state.fed, reading.note(document), Budget())
        numbers.append(visiting.database.write(lambda db, remote=remote: arriving.record_remote(db, remote)[0].id))
    async with visiting.browser("anna") as browser:
        paths = [
            f"/p/{asked.id}",
            f"/p/{numbers[1]}",
            "/@eve@m.example",
            "/notifications",
            f"/posts/{numbers[1]}/report",
        ]
        for path in paths:
            Inspector.check(await browser.read(path))


@pytest.mark.parametrize("evil", CORPUS, ids=lambda evil: evil[:24])
async def test_what_our_own_people_write_is_inert_too(visiting: Visiting, evil: str) -> None:
    async with visiting.browser("camilla") as browser:
        group = browser.do(lambda db: person(db, "udfordrere").id)
        title = f"Et spørgsmål {evil}"[:200]
        where = await browser.succeed("/ask", title=title, text=evil, community=group, language="da")
        number = where.split("/")[2]
        await browser.succeed(f"/posts/{number}/reply", text=evil, visibility="public")
        await browser.succeed("/post", text=evil, summary=evil, visibility="public", language="da")
        await browser.succeed("/settings", name=evil[:100], bio=evil, language="da")
        await browser.succeed(
            "/c/udfordrere/settings", name=evil[:100], summary=evil, rules=evil, askers="without", answerers="without"
        )
        for path in (where, "/", "/questions", "/u/camilla", "/c/udfordrere", "/c/udfordrere/manage", "/settings"):
            Inspector.check(await browser.read(path))
        for path in (f"/posts/{number}/edit", f"/posts/{number}/delete", f"/posts/{number}/history"):
            Inspector.check(await browser.read(path))


@pytest.mark.parametrize("evil", CORPUS, ids=lambda evil: evil[:24])
async def test_what_comes_back_in_a_form_or_an_error_is_inert(visiting: Visiting, evil: str) -> None:
    async with visiting.browser("anna") as browser:
        page = await browser.http.get("/intents/follow", params={"uri": evil, "on-success": evil})
        Inspector.check(page.text)
        Inspector.check((await browser.http.get("/post", params={"to": evil})).text)
        Inspector.check((await browser.send("/follow", uri=evil)).text)
        Inspector.check((await browser.send("/ask", title=evil, text=evil, community="x")).text)
        browser.token = "wrong"
        Inspector.check((await browser.send("/post", text=evil, title=evil)).text)
        browser.http.cookies.set("__Host-torv-said", evil[:20].replace(";", ""), domain="a.example", path="/")
        Inspector.check((await browser.open("/")).text)
