"""What changed between two editions."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.differences import Piece, between

WORDS = st.lists(st.sampled_from(["ni", "sider", "er", ".", " ", "\n", "æøå", "🧯", "  ", "1.000"]), max_size=60).map(
    "".join
)


def gone(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if piece.kind != "come")


def came(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if piece.kind != "gone")


def test_only_the_words_that_changed_are_marked() -> None:
    assert between("Vi har ni sider.\nHvem har færre?", "Vi har to korte sider.\nHvem har færre?") == [
        Piece("kept", "Vi har "),
        Piece("gone", "ni"),
        Piece("come", "to korte"),
        Piece("kept", " sider.\nHvem har færre?"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        ("", "", []),
        ("", "nyt", ["come"]),
        ("gammelt", "", ["gone"]),
        ("ens", "ens", ["kept"]),
        ("helt andet", "noget nyt", ["gone", "come", "kept", "gone", "come"]),
    ],
)
def test_empty_and_whole_changes(old: str, new: str, kinds: list[str]) -> None:
    assert [piece.kind for piece in between(old, new)] == kinds


@given(old=st.text(max_size=300) | WORDS, new=st.text(max_size=300) | WORDS)
def test_both_texts_come_out_whole_whatever_they_are(old: str, new: str) -> None:
    pieces = between(old, new)
    assert gone(pieces) == old
    assert came(pieces) == new
    assert all(piece.text for piece in pieces)
    assert all(one.kind != other.kind for one, other in pairwise(pieces))


def test_texts_made_to_be_slow_are_not() -> None:
    many = " ".join(f"w{n % 140}" for n in range(12_000))
    other = " ".join(f"w{(n * 7 + 3) % 140}" for n in range(12_000))
    hostile = [(many, other), ("a\n" * 25_000, "b\na\n" * 12_000), ("a " * 25_000, "b a " * 12_500)]
    hostile.append((many.replace(" w1 ", "\n"), other.replace(" w1 ", "\n")))
    for old, new in hostile:
        started = time.process_time()
        pieces = between(old, new)
        assert time.process_time() - started < 5
        assert (gone(pieces), came(pieces)) == (old, new)
