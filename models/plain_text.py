"""Text from apps, which means what it says: line breaks stay, and `*`, `_`, `#` and `>` are letters like any other.

Mentions, hashtags and addresses become links; nothing else becomes anything.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from models.text import HANDLE, HASHTAG, LINK_REL, Named, Names, Rendered, escape

if TYPE_CHECKING:
    from linkify_it import LinkifyIt

A = TypeVar("A", bound=Named)

PLAIN = "text/plain"
MARKDOWN = "text/markdown"
TYPES = (PLAIN, MARKDOWN)
"""How a text may be written; the first is what apps send if they say nothing."""

WORD = re.compile(r"\S+")
MAX_ADDRESS = 2_100
"""Longer words are no addresses; looking for one in them takes long."""


@lru_cache(maxsize=1)
def _linkify() -> "LinkifyIt":
    from linkify_it import LinkifyIt  # here, as with Markdown in `text`

    return LinkifyIt()


def render(source: str, *, resolve: Callable[[str], A | None], origin: str) -> Rendered[A]:
    """Plain text as clean HTML: paragraphs at empty lines, line breaks as they are.

    `resolve` gets `name` or `name@domain` and returns the actor if it is known; unknown ones stay text.
    """
    names: Names[A] = Names(resolve, origin)
    text = source.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    paragraphs = [part.strip("\n") for part in re.split(r"\n[ \t]*\n", text)]
    html = "".join(f"<p>{_lines(part, names)}</p>" for part in paragraphs if part.strip())
    return Rendered(html, list(names.mentions.values()), list(names.tags.values()))


def _lines(paragraph: str, names: Names[A]) -> str:
    return "<br>".join(_line(line, names) for line in paragraph.split("\n"))


def _line(line: str, names: Names[A]) -> str:
    pieces: list[str] = []
    end = 0
    for start, stop, made in sorted(_found(line, names), key=lambda one: (one[0], -one[1])):
        if start >= end:
            pieces += [escape(line[end:start]), made() or escape(line[start:stop])]
            end = stop
    return "".join([*pieces, escape(line[end:])])


def _found(line: str, names: Names[A]) -> list[tuple[int, int, Callable[[], str | None]]]:
    """(start, end, what makes the HTML) of everything in a line that may become a link."""
    found: list[tuple[int, int, Callable[[], str | None]]] = []
    for match in (*HANDLE.finditer(line), *HASHTAG.finditer(line)):
        found.append((match.start(), match.end(), lambda match=match: names.html(match)))  # type: ignore[misc]
    for word in WORD.finditer(line):
        for link in _linkify().match(word[0]) or [] if len(word[0]) <= MAX_ADDRESS else []:
            if link.url.startswith(("https://", "http://", "mailto:")):
                made = f'<a href="{escape(link.url)}" rel="{LINK_REL}">{escape(link.raw)}</a>'
                at = word.start()
                found.append((at + link.index, at + link.last_index, lambda made=made: made))  # type: ignore[misc]
    return found
