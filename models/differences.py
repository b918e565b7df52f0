"""What changed between two editions of a text, word by word: what stayed, what went, what came.

>>> between("Vi har ni sider.", "Vi har to korte sider.")
[Piece(kind='kept', text='Vi har '), Piece(kind='gone', text='ni'), Piece(kind='come', text='to korte'), Piece(kind='kept', text=' sider.')]

What was kept and what is gone make up the old text, what was kept and what has come the new one, to the letter. Long
texts are compared by lines first, and within lines as far as there is patience: then a whole line is gone and another
has come.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["kept", "gone", "come"]

MAX_LINES = 2000
"""Longer texts are not compared: one is gone, the other has come."""

MAX_WORDS = 800
"""Words of one stretch of lines that are compared one by one; more change as a whole."""

WORD = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """A stretch of text that was kept, is gone, or has come."""

    kind: Kind
    text: str


def between(old: str, new: str) -> list[Piece]:
    """The pieces of both texts in their order; where something was replaced, first what is gone."""
    if old == new:
        return [Piece("kept", old)] if old else []
    pieces: list[Piece] = []
    for piece in _lines(old.splitlines(keepends=True), new.splitlines(keepends=True)):
        if not piece.text:
            continue
        if pieces and pieces[-1].kind == piece.kind:
            pieces[-1] = Piece(piece.kind, pieces[-1].text + piece.text)
        else:
            pieces.append(piece)
    return pieces


def _lines(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    if max(len(old), len(new)) > MAX_LINES:
        yield from _replaced(old, new)
        return
    for tag, i, j, k, m in SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            yield Piece("kept", "".join(old[i:j]))
        elif tag == "replace":
            yield from _words("".join(old[i:j]), "".join(new[k:m]))
        else:
            yield from _replaced(old[i:j], new[k:m])


def _words(old: str, new: str) -> Iterator[Piece]:
    before, after = WORD.findall(old), WORD.findall(new)
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    middle_before, middle_after = before[start : len(before) - end], after[start : len(after) - end]
    yield Piece("kept", "".join(before[:start]))
    if max(len(middle_before), len(middle_after)) > MAX_WORDS:
        yield from _replaced(middle_before, middle_after)
    else:
        for tag, i, j, k, m in SequenceMatcher(None, middle_before, middle_after).get_opcodes():
            if tag == "equal":
                yield Piece("kept", "".join(middle_before[i:j]))
            else:
                yield from _replaced(middle_before[i:j], middle_after[k:m])
    yield Piece("kept", "".join(before[len(before) - end :]))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both begin with."""
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _replaced(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    yield Piece("gone", "".join(old))
    yield Piece("come", "".join(new))
