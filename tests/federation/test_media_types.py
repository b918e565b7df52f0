"""What counts as ActivityPub in a Content-Type and in an Accept header."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation import media_types

AS = "https://www.w3.org/ns/activitystreams"


@pytest.mark.parametrize(
    "text",
    [
        "application/activity+json",
        "application/activity+json; charset=utf-8",
        "Application/Activity+JSON;Charset=UTF-8",
        f'application/ld+json; profile="{AS}"',
        f"application/ld+json;profile={AS}",
        f'application/ld+json; charset=utf-8; profile="{AS}"',
        f'application/ld+json; profile="https://other.test/ns {AS}"',
        f'APPLICATION/LD+JSON ; PROFILE="{AS}" ; charset="utf-8"',
        'application/activity+json; x="a;b,c"',
    ],
)
def test_the_two_types_are_activitypub(text: str) -> None:
    assert media_types.is_activity_type(text)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "text/html",
        "application/json",
        "image/png",
        "application/ld+json",
        'application/ld+json; profile="https://other.test/"',
        f'application/ld+json; profile="{AS}x"',
        "application/activity+json2",
        "application/activity",
        "text/plain; application/activity+json",
        "application/activity+json; charset=iso-8859-1",
        "application/jrd+json",
        f'text/html; profile="{AS}"',
        "application/activity+json" + ";" * 5000,
        f'application/ld+json; x="profile={AS}"',
        "application/activity+json, text/html",
    ],
)
def test_t17_everything_else_is_not(text: str | None) -> None:
    assert not media_types.is_activity_type(text)


@pytest.mark.parametrize(
    "accept",
    [
        "application/activity+json",
        f'application/ld+json; profile="{AS}"',
        media_types.ACCEPT_ACTIVITY,
        f'text/html;q=0.9, application/ld+json;q=0.95;profile="{AS}"',
        f"application/ld+json; profile={AS}; q=1, */*;q=0.1",
        "text/html, application/activity+json",
        "application/activity+json, text/html",
        "APPLICATION/ACTIVITY+JSON",
        f'application/ld+json; profile="https://x.test/a,b;c {AS}"',
        "application/activity+json;q=0.1",
        "*/*, application/activity+json",
    ],
)
def test_who_asks_for_activitypub_by_name_gets_it(accept: str) -> None:
    assert media_types.prefers_activity(accept)


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "text/html",
        "application/json",
        "application/ld+json",
        "application/*",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "text/html, application/activity+json;q=0.9",
        "application/activity+json;q=0",
        "application/activity+json;q=2",
        "application/activity+json;q=nan",
        "application/xhtml+xml, application/activity+json;q=.5",
    ],
)
def test_everybody_else_gets_the_page(accept: str | None) -> None:
    assert not media_types.prefers_activity(accept)


def test_the_answer_has_the_type_that_was_asked_for() -> None:
    assert media_types.preferred_activity_type("application/activity+json") == "application/activity+json"
    assert (
        media_types.preferred_activity_type(f'application/ld+json; profile="{AS}"')
        == f'application/ld+json; profile="{AS}"'
    )
    assert media_types.preferred_activity_type(
        f'application/activity+json;q=0.5, application/ld+json; profile="{AS}"'
    ) == (f'application/ld+json; profile="{AS}"')


@given(st.text(alphabet='aplication/ctvy+jso;,="q0.1 \\\t', max_size=80))
def test_no_header_makes_it_fail(text: str) -> None:
    media_types.prefers_activity(text)
    media_types.is_activity_type(text)


@pytest.mark.parametrize("filler", [",", ";", '"', "\\", "a=", 'a="', " ", "q=0.", "*/*,", ";q=1,"])
def test_t90_hostile_headers_take_no_time(filler: str) -> None:
    before = time.process_time()
    for size in (4_000, 1_000_000):
        text = "application/activity+json;" + (filler * size)[:size]
        media_types.prefers_activity(text)
        media_types.is_activity_type(text)
    assert time.process_time() - before < 0.5  # what looks back at each character takes minutes
