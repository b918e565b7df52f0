"""Languages of the interface: Danish and English, read from the `.po` files when the process starts.

The texts in code and templates are English and are the keys; `locale/da/LC_MESSAGES/torv.po` holds the Danish ones.
No compiled catalogues lie on disk: reading the sources takes some hundredths of a second, and nobody can forget to
compile them.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

FOLDER = Path(__file__).parent / "locale"
DOMAIN = "torv"
LANGUAGES = ("da", "en")
NAMES: Mapping[str, str] = {"da": "Dansk", "en": "English"}


def later(text: str) -> str:
    """Mark a text for translation where it is written, to be translated where it is shown."""
    return text


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(language: str) -> NullTranslations:
    """The texts of one language. English falls back on the keys, except where it has texts of its own."""
    file = FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    compiled = BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language, domain=DOMAIN))
    compiled.seek(0)
    return Translations(compiled, domain=DOMAIN)


def translator(language: str) -> Callable[[str], str]:
    """The function that turns a key into the text of `language`; unknown keys come back as they are."""
    return catalogue(known(language)).gettext


@lru_cache(maxsize=len(LANGUAGES))
def locale(language: str) -> Locale:
    """How `language` writes dates and numbers: English as in Europe."""
    return Locale.parse({"da": "da_DK", "en": "en_GB"}[known(language)])


def known(language: str, default: str = "da") -> str:
    """`language` if the interface has it, else `default`."""
    return language if language in LANGUAGES else default


def accepted(header: str, default: str = "da") -> str:
    """The first of our languages in an Accept-Language header, by its weights: `nb;q=0.8, en;q=0.9` gives `en`.

    Anything malformed counts for nothing. Norwegian and Swedish readers get Danish rather than the default.
    """
    wishes: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:1000].split(",")[:20]):
        tag, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        short = tag.strip().lower().split("-")[0]
        short = "da" if short in {"nb", "nn", "no", "sv", "fo", "kl"} else short
        if short in LANGUAGES and 0 < quality <= 1:
            wishes.append((-quality, place, short))
    return min(wishes)[2] if wishes else default
