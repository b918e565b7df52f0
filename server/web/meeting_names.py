"""What ways of signing up, states and reminders of a meeting are called on the pages."""

from collections.abc import Mapping

from models.meetings import Joining, State, Way
from server.i18n import later

JOINING_NAMES: Mapping[str, str] = {
    Joining.FREE: later("Whoever wants to can come"),
    Joining.APPROVAL: later("I say yes or no to each"),
    Joining.EXTERNAL: later("On another page"),
    Joining.NONE: later("Nobody signs up"),
}
JOINING_HINTS: Mapping[str, str] = {
    Joining.FREE: later(
        "As long as there are places. When it is full, the next wait in line and move up by themselves."
    ),
    Joining.APPROVAL: later("You are told of each who asks."),
    Joining.EXTERNAL: later("Such as your municipality's own form. Write its address below."),
    Joining.NONE: later("Whoever comes, comes."),
}
STATE_NAMES: Mapping[str, str] = {
    State.GOING: later("Coming"),
    State.WAITING: later("On the waiting list"),
    State.ASKED: later("Waits for an answer"),
    State.DECLINED: later("Declined"),
}
WAY_NAMES: Mapping[Way, str] = {
    Way.WEB: later("here"),
    Way.JOIN: later("from another server"),
    Way.LIKE: later("with a like"),
    Way.REPLY: later("with a reply"),
}
REMIND_NAMES: Mapping[str, str] = {
    "2": later("Two hours before"),
    "24": later("The day before"),
    "72": later("Three days before"),
    "168": later("A week before"),
    "0": later("Not at all"),
}


def ways(value: int) -> list[str]:
    """In which ways somebody signed up, in words (English; to be translated where they are shown)."""
    return [name for way, name in WAY_NAMES.items() if value & way]
