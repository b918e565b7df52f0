"""One reading of a URL: what is refused, what is made canonical; the host compared is the host connected to."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation import urls


def parts(text: str) -> tuple[str, int, str]:
    url = urls.parse(text)
    return url.host, url.port, url.target


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://ask.test/u/lene", ("ask.test", 443, "/u/lene")),
        ("https://ask.test", ("ask.test", 443, "/")),
        ("HTTPS://ASK.Test/U", ("ask.test", 443, "/U")),
        ("https://ask.test:443/", ("ask.test", 443, "/")),
        ("https://ask.test:8443?x", ("ask.test", 8443, "/?x")),
        ("https://wp.test/?author=1", ("wp.test", 443, "/?author=1")),
        ("https://rødovre.dk/", ("xn--rdovre-bya.dk", 443, "/")),
        ("https://RØDOVRE.dk/", ("xn--rdovre-bya.dk", 443, "/")),
        ("https://xn--rdovre-bya.dk/", ("xn--rdovre-bya.dk", 443, "/")),
        ("https://nodebb.test/category/spørg", ("nodebb.test", 443, "/category/sp%C3%B8rg")),
        (
            "https://nodebb.test/post/https%3A%2F%2Fask.test%2Fp",
            ("nodebb.test", 443, "/post/https%3A%2F%2Fask.test%2Fp"),
        ),
        ('https://a.test/"<>^`{|}', ("a.test", 443, "/%22%3C%3E%5E%60%7B%7C%7D")),
        ("https://a.test/../b/./c", ("a.test", 443, "/../b/./c")),
        ("https://127.0.0.1:8443/", ("127.0.0.1", 8443, "/")),
        ("https://[::1]:8443/", ("::1", 8443, "/")),
        ("https://[2001:DB8:0::1]/", ("2001:db8::1", 443, "/")),
    ],
)
def test_a_url_has_one_form(text: str, expected: tuple[str, int, str]) -> None:
    assert parts(text) == expected
    assert urls.parse(urls.parse(text).text) == urls.parse(text)


def test_the_fragment_is_kept_apart_and_not_asked_for() -> None:
    url = urls.parse("https://ask.test/u/lene#main-key")
    assert (url.fragment, url.text, str(url)) == (
        "main-key",
        "https://ask.test/u/lene",
        "https://ask.test/u/lene#main-key",
    )


@pytest.mark.parametrize(
    ("text", "netloc"),
    [("https://a.test:8443/", "a.test:8443"), ("https://a.test/", "a.test"), ("https://[::1]:1/", "[::1]:1")],
)
def test_netloc_is_what_the_host_header_says(text: str, netloc: str) -> None:
    assert urls.parse(text).netloc == netloc
    assert urls.parse(text).origin == "https://" + netloc


T14 = [
    "https://good.test@evil.test/",
    "https://evil.test\\@good.test/",
    "https://good.test\\.evil.test/",
    "https://user:pw@a.test/",
    "https://a.test\t/",
    "https://a\t.test/",
    "https://a.test/\n",
    " https://a.test/",
    "https://a.test/ b",
    "https://a.test/\x00",
    "https://a.test/\x7f",
    "https://a.test/\u00a0",
    "https://good.test\uff0fevil.test/",
    "https://good.test\u2044evil.test/",
    "https://\uff45vil.test/",
    "https://evil\u3002test/",
    "https://evil\uff0etest/",
    "https://\u2460\u2461\u2466.0.0.1/",
    "https://a.test/\ud800",
    "https://a_b.test/",
    "https://-a.test/",
    "https://a-.test/",
    "https://a..test/",
    "https://.test/",
    "https://a.test./",
    "https://xn--a.test/",
    "https://xn--.test/",
    "https://%61.test/",
    "https://a.test:/x:y@",
    "https://a.test:0/",
    "https://a.test:65536/",
    "https://a.test:1e3/",
    "https://a.test:\u0664\u0664\u0663/",
    "https://a.test:4 43/",
    "https://[::1/",
    "https://[::1]x/",
    "https://[fe80::1%25eth0]/",
    "https://[v1.x]/",
    "https://" + "a" * 64 + ".test/",
    "https://" + "a." * 127 + "test/",
    "https:///x",
    "https:a.test",
    "//a.test/",
    "a.test",
    "",
    "https://",
    "http://a.test/",
    "ftp://a.test/",
    "file:///etc/passwd",
    "data:text/plain,x",
    "gopher://a.test/",
    "javascript://a.test/%0aalert(1)",
    "https://a.test/" + "x" * 2048,
]


@pytest.mark.parametrize("text", T14)
def test_t14_a_url_with_two_readings_is_refused(text: str) -> None:
    if text == "https://a.test:/x:y@":  # an empty port is a usual port, and what follows is only a path
        assert parts(text) == ("a.test", 443, "/x:y@")
        return
    with pytest.raises(urls.BadUrl):
        urls.parse(text)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7F.1",
        "0177.1",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "0x",
        "01.2.3.4",
        "1.2.3.0x4",
        "①②⑦.⓪.⓪.①",
        "a.1",
        "127.0.0.1.",
    ],
)
def test_t05_numbers_that_the_c_library_would_take_for_an_address_are_refused(host: str) -> None:
    with pytest.raises(urls.BadUrl):
        urls.parse(f"https://{host}/")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "x.localhost",
        "printer.local",
        "metadata.google.internal",
        "abc.onion",
        "abc.i2p",
        "intranet",
        "router.lan",
        "1.0.0.127.in-addr.arpa",
        "home.arpa",
        "box.localdomain",
        "127.0.0.1",
        "8.8.8.8",
        "[::1]",
    ],
)
def test_t05_names_of_private_networks_and_plain_numbers_are_no_public_servers(host: str) -> None:
    with pytest.raises(urls.BadUrl):
        urls.check_public_name(urls.parse(f"https://{host}/"))


def test_ordinary_names_are_public() -> None:
    for host in ("ask.test", "social.aarhus.dk", "xn--rdovre-bya.dk", "local.dk", "onion.example.org"):
        urls.check_public_name(urls.parse(f"https://{host}/"))


@given(st.text(max_size=60))
def test_whatever_is_taken_is_plain_ascii_and_stays_as_it_is(text: str) -> None:
    try:
        url = urls.parse("https://" + text)
    except urls.BadUrl:
        return
    assert url.text.isascii()
    assert not set(url.text) & set(' \t\r\n\\"<>')
    assert urls.parse(url.text).text == url.text
    assert "@" not in url.netloc


PIECES = ["https://", "http://", "a.test", "A.test", "å", ":443", ":80", ":", "/", "//", "@", "\\", " ", "\n", "#", "?", "%2e", ".", "-", "1", "[::1]"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), st.sampled_from(["", "https://a.test"]))
def test_the_host_of_an_id_is_that_of_the_url_it_is(text: str, start: str) -> None:
    try:
        expected = urls.parse(start + text).netloc
    except urls.BadUrl:
        expected = None
    assert urls.host_of(start + text) == expected


def test_t90_hostile_urls_take_no_time() -> None:
    before = time.process_time()
    for filler in ("a.", "[", "%", "@", ":", "xn--a.", "æ", "/", "?#"):
        for text in ("https://" + filler * 1000, "https://a.test/" + filler * 1000, filler * 100_000):
            with pytest.raises(urls.BadUrl):
                urls.parse(text[:3000].ljust(2049, "x"))
    assert time.process_time() - before < 0.1


def test_origins_are_the_same_with_the_same_host_and_port_only() -> None:
    assert urls.same_origin("https://A.test/x", "https://a.test:443/y#z")
    assert not urls.same_origin("https://a.test/", "https://a.test:8443/")
    assert not urls.same_origin("https://a.test/", "https://b.a.test/")
    assert not urls.same_origin("https://a.test/", "http://a.test/")
    assert not urls.same_origin(None, None)
    assert not urls.same_origin("nonsense", "nonsense")
    assert urls.host_of({"id": "https://a.test/"}) is None


def test_a_document_is_the_same_but_for_fragment_and_empty_path() -> None:
    assert urls.same_document("https://microblog.test", "https://microblog.test/")
    assert urls.same_document("https://a.test/u#main-key", "https://A.test/u")
    assert not urls.same_document("https://a.test/u", "https://a.test/u/")
    assert not urls.same_document("https://a.test/%41", "https://a.test/A")
    assert not urls.same_document("x", "x")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "sub.evil.example", "EVIL.example", "evil.example:443", "evil.example:8443", "a.b.Evil.Example"],
)
def test_t120_a_rule_for_a_domain_takes_in_all_its_spellings(host: str) -> None:
    for rule in (
        "evil.example",
        "EVIL.example",
        "evil.example.",
        "*.evil.example",
        "evil.example:443",
        " evil.example ",
    ):
        assert urls.within_domain(urls.parse(f"https://{host}/").netloc, urls.canonical_domain(rule))


def test_t120_unicode_and_punycode_are_one_domain() -> None:
    for rule in ("rødovre.dk", "RØDOVRE.dk", "xn--rdovre-bya.dk"):
        assert urls.within_domain(urls.parse("https://www.rødovre.dk/").host, urls.canonical_domain(rule))


def test_t120_a_longer_name_is_another_domain() -> None:
    assert not urls.within_domain("notevil.example", "evil.example")
    assert not urls.within_domain("evil.example.org", "evil.example")
    assert urls.within_domain("::1", "::1")


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/b", "https://a.test:8443/b"),
        ("b", "https://a.test:8443/u/b"),
        ("?y=2", "https://a.test:8443/u/x?y=2"),
        ("", "https://a.test:8443/u/x?q=1"),
        ("#f", "https://a.test:8443/u/x?q=1"),
        ("//b.test/c", "https://b.test/c"),
        ("https://b.test/c#d", "https://b.test/c"),
        ("HTTPS://B.test", "https://b.test/"),
    ],
)
def test_a_location_leads_where_it_says(location: str, expected: str) -> None:
    assert urls.join(urls.parse("https://a.test:8443/u/x?q=1"), location).text == expected


@pytest.mark.parametrize(
    "location",
    [
        "http://a.test/",
        "file:///etc/passwd",
        "data:text/plain,x",
        "gopher://a.test/",
        "ftp://a.test/",
        "//a@b.test/",
        "/\\evil.test",
        "https:\\\\evil.test",
        "\thttps://a.test/",
        "https:/a.test",
        "javascript:alert(1)",
        "//",
        "///x",
    ],
)
def test_t09_a_location_of_another_kind_is_refused(location: str) -> None:
    with pytest.raises(urls.BadUrl):
        urls.join(urls.parse("https://a.test/"), location)
