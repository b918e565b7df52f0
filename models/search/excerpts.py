"""The part of a text that holds what was looked for, with the words marked: as pieces, so that nobody builds HTML here.

>>> cut("Hvem har en kommune til gode?", {"kommun"})
[('Hvem har en ', False), ('kommune', True), (' til gode?', False)]
"""

from collections.abc import Set as AbstractSet

from models.search.words import spans

Piece = tuple[str, bool]
"""A stretch of plain text, and whether it is what was looked for."""

WIDTH = 220
"""Characters of an excerpt, give or take a word."""


def mark(text: str, wanted: AbstractSet[str], begins: tuple[str, ...] = ()) -> list[Piece]:
    """The whole text in pieces. `wanted` are stems; a word that starts with one of `begins` is marked too."""
    pieces: list[Piece] = []
    end = 0
    for start, stop, found in spans(text):
        stems = [stem for both in found for stem in both]
        if not any(stem in wanted or (begins and stem.startswith(begins)) for stem in stems):
            continue
        if start > end:
            pieces.append((text[end:start], False))
        pieces.append((text[start:stop], True))
        end = stop
    if end < len(text):
        pieces.append((text[end:], False))
    return pieces


def cut(text: str, wanted: AbstractSet[str], begins: tuple[str, ...] = (), width: int = WIDTH) -> list[Piece]:
    """The stretch of about `width` characters with the most different words looked for; the beginning if there is none."""
    text = " ".join(text[:50_000].split())
    places: list[tuple[int, str]] = []
    for start, _, found in spans(text):
        hit = next((s for both in found for s in both if s in wanted or (begins and s.startswith(begins))), None)
        if hit is not None:
            places.append((start, hit))
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
