"""Where an app may be sent back to: nothing two readers of addresses could read differently (T104)."""

import string
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.redirects import NEVER_REDIRECTED, OUT_OF_BAND, redirect_fits, website_fits


@pytest.mark.parametrize(
    "uri",
    [
        "https://phanpy.social/",
        "https://elk.zone/api/a.example/oauth/https%3A%2F%2Felk.zone",
        "http://localhost:5173/?instance=a.example",
        "http://127.0.0.1:4711/back",
        "https://[2001:db8::1]/",
        "tusky://oauth.tusky/",
        "icecubesapp://",
        "com.example.app:/back",
        OUT_OF_BAND,
    ],
)
def test_where_real_apps_come_back(uri: str) -> None:
    assert redirect_fits(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/relative",
        "//evil.example/",
        "client.example/callback",
        "https://",
        "https:///path",
        "https://user@client.example/",
        "https://user:pw@client.example/",
        "https://client.example/#fragment",
        "https://client.example\\@evil.example/",
        "https://client.example/\r\nSet-Cookie: a=b",
        "https://client.example/ space",
        "https://client.example/æ",
        "https://client.example/\x00",
        "https://client.example:port/",
        "https://[broken/",
        "someapp:",
        "JavaScript:alert(1)",
        "javascript://client.example/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "view-source:https://client.example/",
        "intent://x#Intent;end",
        "https://client.example/" + "x" * 2000,
    ],
)
def test_where_nobody_is_sent(uri: str) -> None:
    assert not redirect_fits(uri)


@given(st.sampled_from(sorted(NEVER_REDIRECTED)), st.text(alphabet=string.printable, max_size=40), st.data())
def test_no_spelling_of_a_dangerous_scheme_gets_through(scheme: str, rest: str, data: st.DataObject) -> None:
    spelled = "".join(data.draw(st.sampled_from([c.lower(), c.upper()])) for c in scheme)
    for between in ("", "\t", "\n", " ", "\x00", "\u200b"):
        at = data.draw(st.integers(0, len(spelled)))
        assert not redirect_fits(f"{spelled[:at]}{between}{spelled[at:]}:{rest}")


@given(st.text(max_size=60))
def test_whatever_fits_is_one_line_that_leads_to_one_host(text: str) -> None:
    for uri in (text, f"https://{text}", f"https://client.example{text}", f"app:{text}"):
        if not redirect_fits(uri) or uri == OUT_OF_BAND:
            continue
        assert uri.isascii()
        assert uri.isprintable()
        assert not set(uri) & set(" \\#")
        parts = urlsplit(uri)
        assert parts.scheme not in NEVER_REDIRECTED
        assert "@" not in parts.netloc


@pytest.mark.parametrize("uri", ["https://toot.example", "http://localhost:8000/", "HTTPS://håndbog.example/#om"])
def test_a_website_is_a_web_address(uri: str) -> None:
    assert website_fits(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "https://",
        "https://[",
        "https://a.example:port",
        "https://bank.example@evil.example/",
        "https://a.example\\@evil.example/",
        "https://a.example/ b",
        "https://a.example/\u202e",
        "ftp://a.example/",
        "a.example",
        "https://a.example/" + "x" * 2000,
    ],
)
def test_a_website_leads_where_its_host_says(uri: str) -> None:
    assert not website_fits(uri)
