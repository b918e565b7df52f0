"""The part of a form that makes a post a poll: its options, one on each line, and how it is voted on."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from models import polls
from models.polls import MAX_OPTION_CHARS, MAX_OPTIONS, PollDraft
from models.posts import Post
from server.forms import Form
from server.i18n import later

KEEP = "0"
DURATIONS: Mapping[str, str] = {
    "3600": later("One hour"),
    "21600": later("Six hours"),
    "86400": later("One day"),
    "259200": later("Three days"),
    "604800": later("A week"),
    "1209600": later("Two weeks"),
    "2592000": later("30 days"),
}
"""For how long people can vote, in seconds."""

USUAL = "604800"
FIELDS = ("options", "multiple", "hidden", "open_for")


def read(form: Form, *, edited: bool = False) -> PollDraft | None:
    """The poll in a form, faults noted on it; None where it has no options. `edited`: it is one already."""
    written = form.text("options", most=2 * MAX_OPTIONS * MAX_OPTION_CHARS, required=edited)
    options = [line.strip() for line in written.split("\n") if line.strip()]
    among = (KEEP, *DURATIONS) if edited else tuple(DURATIONS)
    seconds = int(form.choice("open_for", among, KEEP if edited else USUAL))
    if not options:
        return None
    return PollDraft(tuple(options), seconds, multiple=form.flag("multiple"), hide_totals=form.flag("hidden"))


def field_of(code: str) -> str:
    """The field that an error of the models speaks of; empty for none of these."""
    return {"poll_time": "open_for"}.get(code, "options" if code.startswith("poll_") else "")


def filled(db: Session, post: Post) -> dict[str, str]:
    """A poll as its form shows it; nothing for a post that is none."""
    poll = polls.get(db, post.id)
    if poll is None:
        return {}
    return {
        "options": "\n".join(option.title for option in polls.options(db, post.id)),
        "open_for": KEEP,
        **({"multiple": "1"} if poll.multiple else {}),
        **({"hidden": "1"} if poll.hide_totals else {}),
    }
