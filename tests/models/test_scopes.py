"""Scopes: what covers what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import scopes

NAMES = st.lists(st.sampled_from(scopes.ALL), max_size=6)


@pytest.mark.parametrize(
    ("granted", "wanted", "covered"),
    [
        ("read", "read", True),
        ("read", "read:statuses", True),
        ("read:statuses", "read", False),
        ("read:statuses", "read:accounts", False),
        ("write", "read", False),
        ("read", "write:statuses", False),
        ("follow", "write:blocks", True),
        ("follow", "read:mutes", True),
        ("follow", "write:statuses", False),
        ("read:statuses push", "push", True),
        ("read write follow push", "profile", False),
        ("", "read", False),
        ("read:bookmarks", "read:accounts|read:bookmarks", True),
        ("readwrite", "read", False),
        ("READ", "read", False),
    ],
)
def test_a_scope_covers_itself_and_what_stands_below_it(granted: str, wanted: str, covered: bool) -> None:
    assert scopes.covers(granted, wanted) is covered


@given(NAMES)
def test_every_scope_is_within_itself(names: list[str]) -> None:
    assert scopes.within(names, " ".join(names))


@given(NAMES, NAMES)
def test_what_is_within_gives_nothing_more(wanted: list[str], granted: list[str]) -> None:
    held = " ".join(granted)
    if scopes.within(wanted, held):
        for one in scopes.ALL:
            if not scopes.BELOW.get(one) and scopes.covers(" ".join(wanted), one):
                assert scopes.covers(held, one)


@given(NAMES)
def test_what_is_told_shortly_grants_the_same(names: list[str]) -> None:
    short = scopes.minimal(" ".join(names))
    assert scopes.within(names, " ".join(short))
    assert set(short) <= set(names)


def test_the_parts_of_a_scope_together_are_the_scope() -> None:
    assert scopes.within(["read"], " ".join(scopes.BELOW["read"]))
    assert not scopes.within(["read"], " ".join(scopes.BELOW["read"][1:]))


def test_administration_is_no_scope() -> None:
    assert not scopes.known(["admin:read"])


def test_scopes_are_told_apart_by_spaces_or_plus_signs_once_each() -> None:
    assert scopes.parse("read  write+follow\nread") == ["read", "write", "follow"]
