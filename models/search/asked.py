"""What somebody typed into a search box, taken apart. Whatever it is: nothing in it is an operator of a database.

>>> read('#regler "privat grund" kommunernes')
Asked(words=('privat', 'grund', 'kommunernes'), phrases=('privat grund',), tags=('regler',))
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from models.search.documents import tag_mark
from models.search.store import Clause
from models.search.words import STOP, WORD, fold, stems
from models.text import is_tag, tag_key

MAX_LENGTH = 1000
MAX_WORDS = 12
"""Words that say something, and hashtags."""

MAX_READ = 40
PARTS = re.compile(r'"([^"]{1,200})"|(?<!\w)#(\w{1,100})|([^\W_]{1,200})')


@dataclass(frozen=True)
class Asked:
    """What has to be found: words in any of their forms, phrases as they are, and hashtags."""

    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """Keys, as `text.tag_key` writes them."""

    def __bool__(self) -> bool:
        return bool(self.words or self.tags)

    @property
    def telling(self) -> tuple[str, ...]:
        """The words that say what it is about; all of them where none does."""
        kept = tuple(word for word in self.words if fold(word) not in STOP)
        return (kept or self.words)[:MAX_WORDS]

    def clauses(self, *, begin: Collection[str] = ()) -> list[Clause]:
        """One clause per word. Of the words in `begin` it is enough that another begins like them."""
        found = []
        for word in self.telling:
            forms = stems(word)
            if word in begin and len(forms) == 1 and len(forms[0][0]) >= 3:
                found.append(Clause(tuple(dict.fromkeys((fold(word), *forms[0]))), begins=True))
            else:
                found += [Clause(both) for both in forms]
        return found

    def any_clause(self) -> list[Clause]:
        """One clause that any of the words fulfils."""
        every = tuple(dict.fromkeys(stem for clause in self.clauses() for stem in clause.any))
        return [Clause(every)] if every else []

    def with_words(self, instead: dict[str, str]) -> "Asked":
        """The same with some words spelled differently; phrases are words like others then."""
        return Asked(tuple(instead.get(word, word) for word in self.words), (), self.tags)

    def __str__(self) -> str:
        return " ".join([*(f"#{tag}" for tag in self.tags), *self.words])


def read(text: str) -> Asked:
    """Take apart what somebody typed: at most 40 words and 12 hashtags, of the first 1000 characters."""
    words: list[str] = []
    phrases: list[str] = []
    tags: list[str] = []
    for phrase, tag, word in PARTS.findall(text[:MAX_LENGTH]):
        if tag and is_tag(tag) and tag_mark(tag_key(tag)):
            tags.append(tag_key(tag))
            continue
        inside = WORD.findall(phrase or tag or word)
        if phrase and len(inside) > 1:
            phrases.append(flat(phrase))
        words += [one for one in inside if stems(one)]
    return Asked(_first(words, MAX_READ), _first(phrases, MAX_WORDS), _first(tags, MAX_WORDS))


def _first(found: Iterable[str], most: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))[:most]


def flat(text: str) -> str:
    """A text as phrases are compared: folded, its words and signs one blank apart."""
    return " ".join(fold(text).split())
