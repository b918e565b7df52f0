"""Turning templates into pages: one Jinja environment per language, escaping always on."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from models import base, meeting_text, zones
from models.actors import Actor
from models.meetings import Meeting
from models.posts import Post
from server import dates, static_files
from server.i18n import LANGUAGES, NAMES, catalogue, known, later, locale
from server.web.devices import described
from server.web.dogma_names import MEANS, STATUS_NAMES
from server.web.meeting_names import STATE_NAMES
from server.web.report_names import OUTCOME_NAMES, PHASE_NAMES
from server.web.showing import AFFILIATION_NAMES, CLASS_NAMES, HELD_NAMES, TIE_GROUPS, content

FOLDER = Path(__file__).parent.parent / "templates"


def render(template: str, language: str, time_zone: str, values: Mapping[str, Any]) -> str:
    """A template as HTML, in a language and a time zone."""
    return environment(known(language), time_zone).get_template(template).render(values)


@lru_cache(maxsize=8)
def environment(language: str, time_zone: str) -> Environment:
    """Templates in one language. An unknown name in a template is an error, never an empty string."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    texts = catalogue(language)
    made.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]
    zone = dates.zone(time_zone)

    def when(at: datetime) -> Markup:
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            at.isoformat(timespec="seconds"),
            dates.full(at, language, zone),
            dates.said(at, base.now(), language, zone, texts.gettext),
        )

    def day(at: datetime) -> str:
        form = "d. MMM" if language == "da" else "d MMM"
        return str(format_date(at.astimezone(zone), form, locale=locale(language)))

    def meeting_here(row: Meeting) -> str:
        """When a meeting is by the clocks of this server, where those of its place show another time."""
        here, there = row.starts_at.astimezone(zone), zones.wall(row.starts_at, row.timezone)
        if here.utcoffset() == there.utcoffset():
            return ""
        return texts.gettext(later("%(time)s here")) % {"time": dates.full(row.starts_at, language, zone)}

    made.globals |= {
        "language": language,
        "meeting_when": lambda row: meeting_text.when(row, language, home=time_zone),
        "meeting_where": lambda row: meeting_text.where(row, language),
        "meeting_here": meeting_here,
        "state_names": STATE_NAMES,
        "language_names": locale(language).languages,
        "languages": [(code, NAMES[code]) for code in LANGUAGES],
        "static": static_files.address,
        "icon": icon,
        "profile": profile_path,
        "path_of": post_path,
        "initials": initials,
        "outside": outside,
        "content": lambda post: Markup(content(post)),  # noqa: S704 - cleaned when it was stored
        "html": Markup,
        "affiliation_names": AFFILIATION_NAMES,
        "class_names": CLASS_NAMES,
        "held_names": HELD_NAMES,
        "phase_names": PHASE_NAMES,
        "outcome_names": OUTCOME_NAMES,
        "tie_groups": TIE_GROUPS,
        "dogma_names": STATUS_NAMES,
        "dogma_means": MEANS,
    }
    filters: dict[str, Any] = {
        "when": when,
        "day": day,
        "number": lambda value: format_decimal(value, locale=locale(language)),
        "number_to": lambda value, most: number_to(value, most, language),
        "device": described,
        "host": host,
        "bytes": lambda size: bytes_said(size, language),
        "shown": shown,
        "shown_inside": visible,
        "say": texts.gettext,
    }
    made.filters |= filters
    return made


def icon(name: str) -> Markup:
    """An icon beside a text that says the same; screen readers pass over it."""
    drawing = static_files.icon(name).replace("<svg ", '<svg class="icon-svg" aria-hidden="true" focusable="false" ', 1)
    return Markup(drawing)  # noqa: S704 - our own vendored file


def profile_path(actor: Actor) -> str:
    """Where this node shows an actor: its own address, or `/@name@domain` for those from elsewhere."""
    return urlsplit(actor.uri).path if actor.local else f"/@{actor.handle}"


def post_path(post: Post) -> str:
    """Where this node shows a post."""
    return (urlsplit(post.url).path or f"/p/{post.id}") if post.local else f"/p/{post.id}"


def outside(thing: Actor | Post) -> str:
    """Where its own server shows an actor or a post; its id where the given address is none to be followed."""
    return thing.url if thing.url.startswith("https://") else thing.uri


def initials(actor: Actor) -> str:
    """One or two letters to stand in the round of an actor without a picture."""
    words = [word for word in shown(actor.display_name).split() if word[0].isalnum()]
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "") if words else actor.username[:1]
    return letters.upper()


def bytes_said(size: int, language: str) -> str:
    """A size as people say it: `3,4 MB`."""
    unit, name = next((one for one in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")) if size >= one[0]), (1, "B"))
    return f"{format_decimal(size / unit, format='#,##0.#' if unit > 1 else '0', locale=locale(language))} {name}"


def number_to(value: int, most: int, language: str) -> str:
    """A number that was counted as far as `most` and one more: `1.000+` where there are more."""
    return format_decimal(min(value, most), locale=locale(language)) + ("+" if value > most else "")


def host(uri: str) -> str:
    """The host of an address: what a reader should look at before he follows it."""
    return urlsplit(uri).netloc


def shown(text: str) -> str:
    """A name from elsewhere without characters that reorder or hide the text around it."""
    return visible(text).strip()


def visible(text: str) -> str:
    """A piece of such a text, with the blanks at its ends."""
    if text.isprintable():  # nearly always, and a hundred times faster than looking at each
        return text
    return "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"} or c == "\u00ad")


def paragraphs(text: str) -> Markup:
    """Plain text as HTML paragraphs."""
    parts = [part.strip() for part in text.replace("\r\n", "\n").split("\n\n")]
    return Markup("").join(
        Markup("<p>{}</p>").format(escape(part).replace("\n", Markup("<br>"))) for part in parts if part
    )
