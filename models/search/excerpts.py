"""The part of a text that holds what was looked for, with the words marked: as pieces, so that nobody builds HTML here.

>>> cut("Hvem har en kommune til gode?", frozenset({"kommun"}))
[('Hvem har en ', False), ('kommune', True), (' til gode?', False)]
"""

from functools import lru_cache

from models.search.words import WORD, stems

Piece = tuple[str, bool]
"""A stretch of plain text, and whether it is what was looked for."""

WIDTH = 220
"""Characters of an excerpt, give or take a word."""


@lru_cache(maxsize=20_000)
def _hit(word: str, wanted: frozenset[str], begins: tuple[str, ...]) -> str | None:
    """That of a word's stems which was looked for."""
    return next((s for both in stems(word) for s in both if s in wanted or (begins and s.startswith(begins))), None)


def mark(text: str, wanted: frozenset[str], begins: tuple[str, ...] = ()) -> list[Piece]:
    """The whole text in pieces. `wanted` are stems; a word that starts with one of `begins` is marked too."""
    pieces: list[Piece] = []
    end = 0
    for match in WORD.finditer(text):
        start, stop = match.span()
        if _hit(match[0], wanted, begins) is None:
            continue
        if start > end:
            pieces.append((text[end:start], False))
        pieces.append((text[start:stop], True))
        end = stop
    if end < len(text):
        pieces.append((text[end:], False))
    return pieces


def cut(text: str, wanted: frozenset[str], begins: tuple[str, ...] = (), width: int = WIDTH) -> list[Piece]:
    """The stretch of about `width` characters with the most different words looked for; the beginning if there is none."""
    text = " ".join(text[:50_000].split())
    places: list[tuple[int, str]] = []
    for match in WORD.finditer(text):
        if (hit := _hit(match[0], wanted, begins)) is not None:
            places.append((match.start(), hit))
    best, most = 0, 0
    for at, (start, _) in enumerate(places[:400]):
        different = len({stem for place, stem in places[at : at + 30] if place < start + width - 40})
        if different > most:
            best, most = start, different
    begin = 0 if best < width // 2 else text.find(" ", best - width // 4) + 1
    end = len(text) if len(text) - begin <= width + 40 else text.rfind(" ", begin, begin + width)
    end = begin + width if end <= begin else end
    pieces = mark(text[begin:end], wanted, begins)
    return [*([("… ", False)] if begin else []), *pieces, *([(" …", False)] if end < len(text) else [])]
