"""A plain yes or no at the beginning of a reply, in Danish or English."""

YES, NO = ("ja", "yes"), ("nej", "no")


def is_yes(words: str) -> bool:
    """Whether an answer begins with yes, in Danish or English."""
    return _first(words) in YES


def is_no(words: str) -> bool:
    """Whether an answer begins with no."""
    return _first(words) in NO


def _first(words: str) -> str:
    plain = [one for one in words.split() if not one.startswith("@")]
    return plain[0].strip(".,!–-").casefold() if plain else ""
