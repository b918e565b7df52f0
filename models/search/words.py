"""Words as they are compared: folded, and brought to the stems they have in Danish and in English.

Both stems are kept of every word, whatever language a text says it is in: people mix the two, and servers guess.

>>> stems("Kommunernes"), stems("questions")
([('kommun', 'kommunern')], [('question',)])
"""

import re
import threading
import unicodedata
from functools import cache, lru_cache
from typing import Any

WORD = re.compile(r"[^\W_]+")
MAX_WORD = 40
"""Letters of a word that count."""

_stemming = threading.Lock()
"""A stemmer holds the word it works on."""


def _plain_letters() -> dict[int, str]:
    """Accents off, but æ, ø and å are letters of their own; the Swedish and German ways to write them are the same."""
    plain = {}
    for code in range(0xC0, 0x250):
        base = unicodedata.normalize("NFD", chr(code))[0]
        if base != chr(code) and chr(code) not in "æøå":
            plain[code] = base
    return plain | {ord("ä"): "æ", ord("ö"): "ø"}


PLAIN = _plain_letters()


def fold(text: str) -> str:
    """A text in one letter case, with `aa` as `å` (Aabenraa, Åbenrå) and without accents (idé, ide)."""
    return unicodedata.normalize("NFKC", text).casefold().translate(PLAIN).replace("aa", "å")


@lru_cache(maxsize=100_000)
def stems(word: str) -> list[tuple[str, ...]]:
    """What one word is kept and looked up as: its Danish stem, and its English one where that differs.

    Nearly always one entry; more where folding takes a sign apart, none where nothing is left.
    """
    with _stemming:
        return [_both(part[:MAX_WORD]) for part in WORD.findall(fold(word))]


@cache
def _stemmers() -> tuple[Any, Any]:
    import snowballstemmer  # here, because it loads the rules of forty languages, and a node starts without

    return snowballstemmer.stemmer("danish"), snowballstemmer.stemmer("english")


def _both(word: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(stemmer.stemWord(word) for stemmer in _stemmers()))


def stemmed(text: str, most: int) -> list[str]:
    """The stems of the first `most` words of a text, in order."""
    found: list[str] = []
    for number, match in enumerate(WORD.finditer(text)):
        if number == most:
            break
        for both in stems(match[0]):
            found.extend(both)
    return found


_TELLING_NOTHING = """
af alle alt at blev blive bliver da de dem den denne der deres det dette dig din disse dog du efter eller en end er et for
fordi fra få får fået har have havde her hos hun hvad hvem hver hvilke hvis hvor hvordan hvorfor i ikke ind jeg jer kan
kunne man mange med meget men mere mig min mit mod ned nogen noget nogle nu når og også om op os over på sig sin skal
skulle som så til ud under var ved vi vil ville være været
a about all also an and any are as at be been but by can could did do does for from get got had has have how i if in into
is its me my no not of on or our she should so some than that the their them then there these they this to was we were
what when where which who why will with would you your
"""
STOP = frozenset(_TELLING_NOTHING.split())
"""Words that say nothing of what a text is about, folded. They are looked for only where nothing else was asked for."""
