"""A meeting as an `Event`: FEP-8a8e, the keys Mobilizon reads, and every key PieFed asks for (null where there is
nothing: what is absent makes it throw the event away). Times are UTC beside their `timezone`: of a new event PieFed drops
the offset."""

from typing import Any

from sqlalchemy.orm import Session

from federation.writing import Json, stamp
from models import actors, meeting_text, minutes, text
from models.database import node_of
from models.meetings import Joining, Meeting, Status
from models.posts import Post

STATUS = {Status.CONFIRMED: "CONFIRMED", Status.TENTATIVE: "TENTATIVE", Status.CANCELLED: "CANCELLED"}
JOIN_MODES = {Joining.NONE: "invite"}
"""What the others call a way of signing up, where it is not our own word: nobody but who is invited."""


def terms(db: Session, row: Post, meeting: Meeting) -> Json:
    """What an `Event` has beside what every post has."""
    author = actors.get(db, row.author_id)
    community = actors.get(db, row.community_id) if row.community_id is not None else None
    link = None if meeting.online_hidden else meeting.online_url or None
    status = STATUS[Status(meeting.status)]
    return {
        "organizers": [author.uri, *([community.uri] if community is not None else [])],
        "startTime": stamp(meeting.starts_at),
        "endTime": stamp(meeting.ends_at),
        "displayEndTime": not meeting.open_end,
        "timezone": meeting.timezone,
        "location": _location(meeting, link),
        "eventStatus": "EventCancelled" if meeting.cancelled else "EventScheduled",
        "ical:status": status,
        "status": status,
        "category": "MEETING",
        "inLanguage": row.language,
        "joinMode": JOIN_MODES.get(Joining(meeting.joining), meeting.joining),
        "externalParticipationUrl": meeting.join_url or None,
        "maximumAttendeeCapacity": meeting.capacity,
        "remainingAttendeeCapacity": meeting.free_places,
        "participantCount": meeting.going,
        "attendees": {"type": "Collection", "id": f"{row.uri}/attendees", "totalItems": meeting.going},
        "isOnline": meeting.online_only,
        "onlineLink": link,
        "anonymousParticipation": False,
        "anonymousParticipationEnabled": False,
        "buyTicketsLink": None,
        "feeCurrency": None,
        "feeAmount": 0,
        "repliesModerationOption": "allow_all",
        "draft": False,
        **({"torv:minutes": written.uri} if (written := minutes.of(db, meeting)) is not None else {}),
    }


def _location(meeting: Meeting, link: str | None) -> list[Json]:
    found: list[Json] = []
    if not meeting.online_only:
        place: Json = {"type": "Place", "name": meeting.place or meeting.address}
        place["address"] = {
            "type": "PostalAddress",
            "streetAddress": meeting.street or None,
            "postalCode": meeting.postal_code or None,
            "addressLocality": meeting.town or None,
            "addressRegion": None,
            "addressCountry": None,
        }
        if meeting.latitude is not None:
            place |= {"latitude": meeting.latitude, "longitude": meeting.longitude}
        if meeting.accessibility:
            place["summary"] = meeting.accessibility
        found.append(place)
    if meeting.online_url:
        found.append({"type": "VirtualLocation", "name": "Online", **({"url": link} if link else {})})
    return found


def website(row: Post) -> Json:
    """The meeting's page as a link, which Mobilizon shows and Lemmy takes for the post's own."""
    return {"type": "Link", "href": row.url or row.uri, "mediaType": "text/html", "name": "Website"}


def said_before(row: Post, meeting: Meeting) -> str:
    """What stands before the text: that it is cancelled, and when and where it is, for who sees nothing but the text."""
    words = f"<p>{text.escape(meeting_text.summary(meeting, row.language))}</p>"
    return f"{words}<p>{text.escape(meeting.cancelled_why)}</p>" if meeting.cancelled_why else words


def said_after(db: Session, row: Post, meeting: Meeting) -> str:
    """What stands behind the text: how one signs up."""
    words = meeting_text.how_to_sign_up(meeting, row.language)
    return text.render_markdown(words, resolve=_nobody, origin=node_of(db).origin).html if words else ""


def _nobody(_handle: str) -> Any:
    return None
