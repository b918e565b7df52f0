"""Which filters a post fits: whole words, phrases, parts of words, and posts named one by one."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import filters, text
from models.filters import Filter, FilterKeyword
from models.polls import PollOption
from models.posts import Post

MAX_TEXT = 50_000
"""Characters of a post that are searched."""


@dataclass(frozen=True)
class Match:
    """That a post fits a filter, by which of its keywords, and by which of its posts."""

    filter: Filter
    keywords: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()


def matching(db: Session, account_id: int, context: str | None, posts: Sequence[Post]) -> dict[int, list[Match]]:
    """The filters of an account that each of these posts fits, by post id; one's own posts fit none.

    `context` None: filters of all contexts, as clients themselves know where they show a post. At most four queries,
    one where the account has no filters.
    """
    theirs = [post for post in posts if post.author_id != account_id]
    held = filters.in_force(db, account_id, context) if theirs else []
    if not held:
        return {}
    ids = [row.id for row in held]
    words, named = filters.keywords_of(db, ids), filters.statuses_of(db, ids)
    sieves = [(row, Sieve(words.get(row.id, ())), {one.post_id for one in named.get(row.id, ())}) for row in held]
    options = _options(db, theirs)
    found: dict[int, list[Match]] = {}
    for post in theirs:
        read = folded(searchable(post, options.get(post.id, ())))
        for row, sieve, ids_named in sieves:
            hits = sieve.hits(read)
            if hits or post.id in ids_named:
                match = Match(row, hits, (post.id,) if post.id in ids_named else ())
                found.setdefault(post.id, []).append(match)
    return found


def _options(db: Session, posts: Sequence[Post]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    query = select(PollOption.post_id, PollOption.title).where(PollOption.post_id.in_([post.id for post in posts]))
    for post_id, title in db.execute(query):
        found.setdefault(post_id, []).append(title)
    return found


def searchable(post: Post, options: Iterable[str] = ()) -> str:
    """All that a reader of a post reads: title, warning, text, descriptions of its media, choices of its poll."""
    names = [one.get("name") or "" for one in post.attachments or []]
    parts = [post.title, post.summary, text.plain(post.content), *names, *options]
    return "\n\n".join(part for part in parts if part)[:MAX_TEXT]


def folded(words: str) -> str:
    """Text in one form, in which letter case and the ways of writing the same character make no difference."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", words).casefold())


class Sieve:
    """The keywords of one filter, ready to be looked for in folded text."""

    def __init__(self, keywords: Iterable[FilterKeyword]) -> None:
        self._patterns = [(row.keyword, pattern(row.keyword, whole_word=row.whole_word)) for row in keywords]

    def hits(self, read: str) -> tuple[str, ...]:
        """The keywords that stand in the text, as their owner wrote them."""
        return tuple(dict.fromkeys(word for word, found in self._patterns if found.search(read)))


def pattern(keyword: str, *, whole_word: bool) -> re.Pattern[str]:
    """What finds a keyword in folded text, in time that grows with the text alone.

    A whole word ends where letters, digits and underscores end; an end of the keyword that is none of these (`#`, an
    emoji, Japanese punctuation) may stand next to anything.
    """
    word = folded(keyword)
    parts = r"\s+".join(re.escape(part) for part in word.split())
    if whole_word:
        before = r"\b" if re.match(r"\w", word) else ""
        after = r"\b" if re.search(r"\w\Z", word) else ""
        parts = f"{before}{parts}{after}"
    return re.compile(parts)
