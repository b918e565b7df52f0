"""Danish as a machine babbles it: few words are frequent, most are rare, and all have endings."""

import itertools
import random

from models.search.words import stems

ENDINGS = ("", "", "en", "er", "erne", "ernes", "et", "s")
FIRST = ("kommune", "borger", "regel", "sag", "skole", "bibliotek", "vej", "ældre", "møde", "budget", "data", "leder")
SOUNDS = ("b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "st", "kr", "fl", "gr", "sk")
VOWELS = ("a", "e", "i", "o", "u", "y", "æ", "ø", "å")


class Words:
    """So many words, the same in every run."""

    def __init__(self, number: int = 20_000) -> None:
        self.random = random.Random(1)
        made = dict.fromkeys(FIRST)
        while len(made) < number:
            parts = range(self.random.randint(2, 4))
            made["".join(self.random.choice(SOUNDS) + self.random.choice(VOWELS) for _ in parts)] = None
        self.words = list(made)
        self.weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(number)))
        self.stems: dict[str, tuple[str, ...]] = {}

    def some(self, least: int, most: int) -> str:
        """A stretch of words."""
        number = self.random.randint(least, most)
        found = self.random.choices(self.words, cum_weights=self.weights, k=number)
        return " ".join(map("".join, zip(found, self.random.choices(ENDINGS, k=number), strict=True)))

    def new(self) -> str:
        """A longer word, which nobody used before."""
        return "".join(self.random.choice(SOUNDS) + self.random.choice(VOWELS) for _ in range(5))

    def stemmed(self, said: str) -> tuple[str, ...]:
        """What a stretch of them is looked up by."""
        found: list[str] = []
        for word in said.split():
            known = self.stems.get(word)
            if known is None:
                known = self.stems[word] = tuple(stem for both in stems(word) for stem in both)
            found += known
        return tuple(found)
