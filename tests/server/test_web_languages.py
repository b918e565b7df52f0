"""Danish and English: every text has both, and everybody gets his own."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from models import errors
from server.i18n import accepted
from server.media.bucket import Unreachable
from tests.server.visiting import Visiting, words

ROOT = Path(__file__).parents[2]
ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type)} | {
    "BodyTooLarge",
    "TooSlow",
    "Misdirected",
}
Key = str | tuple[str, ...]


def texts_in_templates() -> Iterator[tuple[str, Key, str | None]]:
    options = {"extensions": "jinja2.ext.i18n"}
    for file in (ROOT / "server/templates").glob("*.html"):
        with file.open("rb") as source:
            for _, key, _, context in extract("jinja2.ext:babel_extract", source, options=options):
                yield file.name, key, context


def texts_in_code() -> Iterator[tuple[str, Key, str | None]]:
    """What is marked with `later`, said by dates, or the text of an error that may reach a reader. Errors of the client
    API are for programs, in English as at Mastodon."""
    for file in [
        *ROOT.glob("server/*.py"),
        *ROOT.glob("server/api/*.py"),
        *ROOT.glob("server/calendars/*.py"),
        *ROOT.glob("server/web/*.py"),
        *ROOT.glob("server/oauth/*.py"),
        *ROOT.glob("models/*.py"),
    ]:
        names = {"later"} | (set() if file.parent.name == "api" else ERRORS)
        names |= {"text"} if file.name == "dates.py" else set()
        module = importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
        for call in ast.walk(ast.parse(file.read_text())):
            if not (
                isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in names and call.args
            ):
                continue
            text = call.args[0]
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield file.name, text.value, None
            elif isinstance(text, ast.JoinedStr) and all(
                isinstance(part, ast.Constant)
                or (isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name))
                for part in text.values
            ):
                made = "".join(
                    str(part.value) if isinstance(part, ast.Constant) else str(getattr(module, part.value.id))  # type: ignore[attr-defined]
                    for part in text.values
                )
                yield file.name, made, None


def test_every_text_has_a_danish_one() -> None:
    with (ROOT / "server/locale/da/LC_MESSAGES/torv.po").open("rb") as file:
        danish = read_po(file, locale="da")
    found = [*texts_in_templates(), *texts_in_code()]
    assert len(found) > 500
    missing = []
    for where, key, context in found:
        message = danish.get(key[0] if isinstance(key, tuple) else key, context)
        strings = message.string if message else ""
        if not (all(strings) if isinstance(strings, tuple) else strings):
            missing.append((where, key))
    assert not missing


def test_no_danish_text_is_left_over_or_loses_a_value() -> None:
    with (ROOT / "server/locale/da/LC_MESSAGES/torv.po").open("rb") as file:
        danish = read_po(file, locale="da")
    wanted = {key[0] if isinstance(key, tuple) else key for _, key, _ in [*texts_in_templates(), *texts_in_code()]}
    wanted |= {
        errors.Unavailable().text,
        Unreachable().text,
        "Too many tries in a short time. Wait a little and try again.",
    }
    for message in danish:
        if not message.id:
            continue
        keys = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert keys[0] in wanted
        for string in strings:
            assert set(re.findall(r"%\(\w+\)s", str(string))) == set(re.findall(r"%\(\w+\)s", keys[-1])), keys


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "da"),
        ("da", "da"),
        ("en-GB,en;q=0.9", "en"),
        ("de,en;q=0.8,da;q=0.9", "da"),
        ("de", "da"),
        ("nb-NO,en;q=0.5", "da"),
        ("en;q=0", "da"),
        ("en;q=x", "da"),
        ("en;q=5", "da"),
        ("*", "da"),
        (";;;,,,q=1", "da"),
        ("en," * 10_000, "en"),
    ],
)
def test_the_browser_is_listened_to(header: str, language: str) -> None:
    assert accepted(header) == language


@pytest.mark.anyio
async def test_the_account_goes_before_the_cookie_and_the_cookie_before_the_browser(visiting: Visiting) -> None:
    async with visiting.browser() as nobody:
        assert '<html lang="en">' in await nobody.read("/", **{"Accept-Language": "en"})
        assert '<html lang="da">' in await nobody.read("/", **{"Accept-Language": "fr"})
        answer = await nobody.send("/language", language="en", next="/questions")
        assert answer.headers["location"] == "/questions"
        assert '<html lang="en">' in await nobody.read("/", **{"Accept-Language": "da"})
        assert (await nobody.send("/language", language="xx", next="//evil.example")).headers["location"] == "/"
        nobody.quick_sign_in("anna")
        assert '<html lang="da">' in await nobody.read("/", **{"Accept-Language": "en"})
        await nobody.send("/language", language="en")
        nobody.http.cookies.delete("__Host-torv-language")
        assert '<html lang="en">' in await nobody.read("/")


@pytest.mark.once
@pytest.mark.anyio
async def test_an_english_page_has_no_danish_in_its_frame(visiting: Visiting) -> None:
    async with visiting.browser("farid") as browser:
        for path in ("/ask", "/settings", "/follow", "/requests", "/post", "/accessibility", "/nowhere"):
            answer = await browser.open(path)
            ours = re.sub(r'<option [^>]*lang="da".*?</option>', "", answer.text)  # names of languages and places
            said = words(ours.replace("Dansk", "").replace("Åbne data i kommunen", ""))
            assert not re.search(r"[æøåÆØÅ]|\b(og|ikke|det|af)\b", said), said
