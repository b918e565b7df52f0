"""A dictionary of the words in posts that anybody may find, and those nearest to a word that nobody wrote.

Words are compared by the pieces they share (three letters; two in short words), then by edit distance. A word stays
here when its last post goes, so who suggests one has to see that it finds something (`finding` does).
"""

import itertools

from sqlalchemy import Text, bindparam, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Bytewise, insert_all_unless_there, table_of
from models.search.words import STOP, WORD, fold

SHORTEST, LONGEST = 4, 30
"""Letters of the words that are kept."""

MAX_NEW = 300
"""Words one post can add: nobody fills the dictionary with noise in one go."""

COMPARED = 60
"""How many words that share most are compared letter by letter."""


class SpelledWord(Base):
    """A word, folded, as somebody wrote it."""

    __tablename__ = "spelled_words"

    word: Mapped[str] = mapped_column(Bytewise, primary_key=True)


class SpelledPiece(Base):
    """A piece of a word, with the word's length."""

    __tablename__ = "spelled_pieces"

    piece: Mapped[str] = mapped_column(Text, primary_key=True)
    length: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    word: Mapped[str] = mapped_column(Bytewise, primary_key=True)


def pieces(word: str) -> set[str]:
    """What a word is found by: its beginning and end count as signs of their own."""
    framed = f"^{word}$"
    sizes = [2] if len(word) < 5 else [2, 3] if len(word) < 7 else [3]
    return {framed[at : at + size] for size in sizes for at in range(len(framed) - size + 1)}


def words_of(text: str) -> list[str]:
    """The words of a text that the dictionary keeps, each once."""
    found = dict.fromkeys(fold(match[0]) for match in WORD.finditer(text))
    return [word for word in found if SHORTEST <= len(word) <= LONGEST and word.isalpha() and word not in STOP]


def learn(db: Session, *texts: str) -> None:
    """Add the words of texts that are new."""
    words = [words_of(text) for text in texts]
    wanted = list(dict.fromkeys(itertools.chain.from_iterable(words)))
    known: set[str] = set()
    for start in range(0, len(wanted), 500):
        known.update(db.scalars(_KNOWN, {"words": wanted[start : start + 500]}))
    fresh = sorted({word for one in words for word in [word for word in one if word not in known][:MAX_NEW]})
    if fresh:
        insert_all_unless_there(db, SpelledWord, [{"word": word} for word in fresh])
        rows = [{"piece": piece, "length": len(word), "word": word} for word in fresh for piece in sorted(pieces(word))]
        insert_all_unless_there(db, SpelledPiece, rows)


_words = table_of(SpelledWord).c
_KNOWN = select(_words.word).where(_words.word.in_(bindparam("words", expanding=True)))


def forget_all(db: Session) -> None:
    """Empty the dictionary."""
    db.execute(delete(SpelledPiece))
    db.execute(delete(SpelledWord))


def near(db: Session, word: str, *, most: int = 5) -> list[str]:
    """Words of the dictionary that somebody who typed `word` may have meant, nearest first; never itself."""
    if not SHORTEST <= len(word) <= LONGEST:
        return []
    allowed = 1 if len(word) < 6 else 2
    lengths = SpelledPiece.length.between(len(word) - allowed, len(word) + allowed)
    shared = func.count()
    query = (
        select(SpelledPiece.word)
        .where(SpelledPiece.piece.in_(pieces(word)), lengths, SpelledPiece.word != word)
        .group_by(SpelledPiece.word)
        .order_by(shared.desc(), SpelledPiece.word)
        .limit(COMPARED)
    )
    found = [(distance(word, other, allowed), other[0] != word[0], other) for other in db.scalars(query)]
    return [other for steps, _, other in sorted(found) if steps <= allowed][:most]


def distance(one: str, other: str, most: int) -> int:
    """Letters to change, add, leave out or swap with their neighbour to make one of the other; `most` + 1 for more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one):
        earlier, before, row = before, row, [i + 1]
        for j, opposite in enumerate(other):
            steps = min(before[j + 1] + 1, row[j] + 1, before[j] + (letter != opposite))
            if i and j and letter == other[j - 1] and one[i - 1] == opposite:
                steps = min(steps, earlier[j - 1] + 1)
            row.append(steps)
    return min(row[-1], most + 1)
