"""A meeting in words: when and where on one line, its whole text, and how to sign up, in the meeting's language.

> tirsdag 1. december 2026 kl. 16.00–18.00 (Europe/Copenhagen) · Rådhuset, Torvet 1, 1234 Eksempelby · også online
"""

from collections.abc import Mapping
from datetime import datetime

from babel.dates import format_date

from models import zones
from models.meetings import Joining, Meeting, Plan

AGENDA = {"da": "Dagsorden", "en": "Agenda"}
ACCESS = {"da": "Adgang og tilgængelighed", "en": "Access"}
SIGN_UP_TAGS = ("#deltager", "#attending")
"""What signs up in a reply; the first is the one that texts name in Danish, the second in English."""

_WORDS: Mapping[str, Mapping[str, str]] = {
    "da": {
        "online": "online",
        "both": "også online",
        "cancelled": "AFLYST",
        "tentative": "foreløbigt",
        "web": "Tilmeld dig på mødets side",
        "reply": "svar på dette opslag med *#deltager* eller *ja*",
        "like": "synes godt om opslaget",
        "or": " eller ",
        "no": "Skriv *nej*, hvis du alligevel ikke kommer.",
        "external": "Tilmelding",
        "why": "Hvorfor",
    },
    "en": {
        "online": "online",
        "both": "also online",
        "cancelled": "CANCELLED",
        "tentative": "provisional",
        "web": "Sign up on the page of the meeting",
        "reply": "answer this post with *#attending* or *yes*",
        "like": "like the post",
        "or": " or ",
        "no": "Write *no* if you cannot come after all.",
        "external": "Sign up",
        "why": "Why",
    },
}


def language_of(language: str) -> str:
    """The language that a meeting's own words are in: Danish, but for what is in English."""
    return "en" if language == "en" else "da"


def _clock(at: datetime, language: str) -> str:
    return f"{at:%H.%M}" if language == "da" else f"{at:%H:%M}"


def _day(at: datetime, language: str) -> str:
    return format_date(at, "EEEE d. MMMM y" if language == "da" else "EEEE d MMMM y", locale=language)


def when(row: Meeting, language: str, *, home: str = "") -> str:
    """Day, hours and zone: `tirsdag 1. december 2026 kl. 16.00–18.00 (Europe/Copenhagen)`; the zone is not named to those
    who are at home in it."""
    language = language_of(language)
    starts, ends = zones.wall(row.starts_at, row.timezone), zones.wall(row.ends_at, row.timezone)
    before = "kl." if language == "da" else "at"
    said = f"{_day(starts, language)} {before} {_clock(starts, language)}"
    if not row.open_end:
        other = "" if starts.date() == ends.date() else f" {_day(ends, language)} {before}"
        said += f"{' –' + other + ' ' if other else '–'}{_clock(ends, language)}"
    return said if home and row.timezone == home else f"{said} ({row.timezone or 'UTC'})"


def where(row: Meeting, language: str) -> str:
    """Place and address on one line, and whether one can come online."""
    words = _WORDS[language_of(language)]
    place = ", ".join(one for one in (row.place, row.address) if one)
    if not row.online_url:
        return place
    return f"{place} · {words['both']}" if place else words["online"]


def summary(row: Meeting, language: str) -> str:
    """When, where, and whether it takes place, on one line: what most servers show beside the title."""
    words = _WORDS[language_of(language)]
    state = words["cancelled"] if row.cancelled else words["tentative"] if row.status == "tentative" else ""
    return " · ".join(one for one in (state, when(row, language), where(row, language)) if one)


def markdown(plan: Plan) -> str:
    """The whole text of a meeting, as it was written: what it is about, the agenda, and how to get in."""
    language = language_of(plan.language)
    found = [plan.theme.strip()]
    if plan.agenda.strip():
        found.append(f"# {AGENDA[language]}\n\n{plan.agenda.strip()}")
    if plan.accessibility.strip():
        found.append(f"# {ACCESS[language]}\n\n{plan.accessibility.strip()}")
    return "\n\n".join(one for one in found if one)


def how_to_sign_up(row: Meeting, language: str, *, likes: bool = True) -> str:
    """How to sign up from another server, as one sentence in Markdown; empty where one cannot (any more). `likes`:
    whether a like of what says so counts, if one counts at all."""
    words = _WORDS[language_of(language)]
    if row.cancelled or row.joining == Joining.NONE:
        return ""
    if row.joining == Joining.EXTERNAL:
        return f"{words['external']}: <{row.join_url}>"
    ways = [
        words["web"],
        *([words["reply"]] if row.by_reply else []),
        *([words["like"]] if likes and row.by_like else []),
    ]
    said = ", ".join(ways[:-1]) + (words["or"] if len(ways) > 1 else "") + ways[-1]
    return f"{said}. {words['no']}" if row.by_reply else f"{said}."
