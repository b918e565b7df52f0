"""What a received activity is about: activities about one thing have their effects one after the other."""

from federation import reading
from models.inbox import Received

LEVELS = 4


def subject(row: Received) -> str:
    """What a row is about in the end: the id of the innermost object, the row itself where there is none or several."""
    try:
        doc = reading.decode(row.body.encode("utf-8"))
    except reading.Unreadable:
        return f"row {row.id}"
    value = doc.get("object")
    for _ in range(LEVELS):
        if isinstance(value, dict) and "object" in value:
            value = value["object"]
    return reading.one_id(value) or f"row {row.id}"
