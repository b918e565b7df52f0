"""The comparison as a picture: for each line of the table a bar per server, as long as its figure beside the largest.

python -m tests.bench.picture result.json picture.svg
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from tests.bench.figures import brief

COLOURS = ("#1d6b4f", "#b9b4a6", "#6c7a89")
WIDTH, LEFT, BAR, GAP, ROOM = 760, 16, 14, 26, 150


def draw(results: Sequence[dict[str, Any]], servers: Sequence[str]) -> str:
    """SVG of what `Result.as_json` says. Text is in the reader's own font; colours hold on light and dark ground."""
    parts, at = [_legend(servers)], 56
    for result in results:
        for row in result["compared"]:
            hint = "less is better" if row["less_is_better"] else "more is better"
            title = f"{result['title']}: {row['measure']} ({hint})"
            parts.append(_text(LEFT, at, title, "title"))
            at += 8
            largest = max(row["medians"].values()) or 1
            for number, name in enumerate(servers):
                if name not in row["medians"]:
                    continue
                value = row["medians"][name]
                long = max(2.0, (WIDTH - LEFT - ROOM) * value / largest)
                colour = COLOURS[number % len(COLOURS)]
                parts.append(f'<rect x="{LEFT}" y="{at}" width="{long:.1f}" height="{BAR}" rx="2" fill="{colour}"/>')
                parts.append(_text(LEFT + long + 6, at + BAR - 3, f"{brief(value)} {row['unit']}", "value"))
                at += BAR + 3
            at += GAP
    named = escape(", ".join(servers))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {at}" width="{WIDTH}" role="img">'
        f"<title>Measured side by side: {named}</title>"
        "<style>text{font-family:system-ui,sans-serif;fill:#1f2328}.title{font-size:13px}.value{font-size:12px}</style>"
        f'<rect width="{WIDTH}" height="{at}" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def _legend(servers: Sequence[str]) -> str:
    parts, x = [], LEFT
    for number, name in enumerate(servers):
        parts.append(f'<rect x="{x}" y="12" width="14" height="14" rx="2" fill="{COLOURS[number % len(COLOURS)]}"/>')
        parts.append(_text(x + 20, 24, name, "title"))
        x += 40 + 9 * len(name)
    return "".join(parts)


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y}" class="{kind}">{escape(text)}</text>'


def main(source: str, target: str) -> None:
    """Draw what a run saved."""
    saved = json.loads(Path(source).read_text())
    Path(target).write_text(draw(saved["results"], saved["servers"]))


if __name__ == "__main__":
    main(*sys.argv[1:3])
