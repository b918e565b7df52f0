"""Curves over sizes as a picture: each cost as a multiple of the first, and the line that none should cross."""

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

COLOURS = ("#1d6b4f", "#b4532a", "#3b6ea5", "#8a6d1f", "#7a4b94", "#4f7a1d", "#a33a5c", "#2f7f86")
DASHES = ("", "6 3", "2 3")
WIDTH, LEFT, RIGHT, TOP, HEIGHT, LINE = 860, 44, 290, 44, 360, 17


def draw(title: str, sizes: Sequence[int], rows: Mapping[str, Sequence[float]], limit: float) -> str:
    """SVG: sizes go to the right by their logarithm, multiples upwards from nought."""
    highest = max(2.0, *(value / row[0] for row in rows.values() for value in row)) * 1.05
    first, last = math.log(sizes[0]), math.log(sizes[-1])
    tall = max(HEIGHT, LINE * len(rows) + 20)

    def x(size: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log(size) - first) / ((last - first) or 1)

    def y(multiple: float) -> float:
        return TOP + tall * (1 - multiple / highest)

    parts = [_text(LEFT, 22, title, "title")]
    step = 0.5 if highest < 5 else math.ceil(highest / 8)
    for at in (number * step for number in range(int(highest / step) + 1)):
        parts.append(f'<path d="M{LEFT} {y(at):.1f}H{WIDTH - RIGHT}" class="grid"/>')
        parts.append(_text(8, y(at) + 4, f"{at:g} ×", "small"))
    parts.append(f'<path d="M{LEFT} {y(limit):.1f}H{WIDTH - RIGHT}" class="limit"/>')
    for size in sizes:
        parts.append(_text(x(size) - 22, TOP + tall + 20, f"{size:,}".replace(",", " "), "small"))
    for number, (name, row) in enumerate(rows.items()):
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number // len(COLOURS) % len(DASHES)]
        way = " ".join(f"{x(size):.1f},{y(value / row[0]):.1f}" for size, value in zip(sizes, row, strict=True))
        drawn = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        parts.append(f'<polyline points="{way}" {drawn}/>')
        at = TOP + 8 + number * LINE
        parts.append(f'<path d="M{WIDTH - RIGHT + 16} {at}h26" {drawn}/>')
        said = f"{name}: {row[-1] / row[0]:.2f} × ({row[-1]:.0f} ms)"
        parts.append(_text(WIDTH - RIGHT + 48, at + 4, said, "small"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {TOP + tall + 34}" width="{WIDTH}" role="img">'
        f"<title>{escape(title)}</title>"
        "<style>text{font-family:system-ui,sans-serif;fill:#1f2328}.title{font-size:15px}.small{font-size:11.5px}"
        ".grid{stroke:#dddddd}.limit{stroke:#c00000;stroke-dasharray:4 4}</style>"
        f'<rect width="{WIDTH}" height="{TOP + tall + 34}" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def _text(x: float, y: float, said: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(said)}</text>'
