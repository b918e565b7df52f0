"""Threads and meetings as search engines read them: schema.org in JSON-LD, only of what its authors let be found."""

from typing import Any

import msgspec
from markupsafe import Markup

from models import text, zones
from models.actors import Actor
from models.answers import AnswersPage
from models.meetings import Meeting
from models.posts import Post, Visibility
from server.web.rendering import outside, post_path, profile_path
from server.web.showing import Shown

ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""So that no text can end the element it stands in; JSON reads them as the same characters."""


def qa_page(thread: AnswersPage, shown: Shown, origin: str) -> Markup | None:
    """The JSON-LD of a question of this node; None for one that is not for everybody, or whose author is not to be found."""
    root = thread.root
    if not root.local or not _findable(root, shown):
        return None
    answers = [post for post in thread.answers if _findable(post, shown) and post.author_id not in shown.apart]
    accepted = [post for post in answers if post.id == root.accepted_id]
    question: dict[str, Any] = {
        "@type": "Question",
        "name": root.title,
        **_said(root, shown, origin),
        "answerCount": root.answer_count,
    }
    if accepted:
        question["acceptedAnswer"] = _answer(accepted[0], shown, origin)
    if suggested := [_answer(post, shown, origin) for post in answers if post not in accepted]:
        question["suggestedAnswer"] = suggested
    return embedded({"@context": "https://schema.org", "@type": "QAPage", "mainEntity": question})


def meeting_event(post: Post, row: Meeting, shown: Shown, origin: str) -> Markup | None:
    """The JSON-LD of a meeting of this node: schema.org `Event`. A link that is not for everybody does not stand there."""
    if not post.local or not _findable(post, shown):
        return None
    link = "" if row.online_hidden else row.online_url
    mode = "Online" if row.online_only else "Mixed" if row.online_url else "Offline"
    places: list[dict[str, Any]] = []
    if not row.online_only:
        address = {"@type": "PostalAddress", "streetAddress": row.street, "postalCode": row.postal_code}
        place: dict[str, Any] = {"@type": "Place", "name": row.place or row.address}
        places.append(place | {"address": {**address, "addressLocality": row.town}})
    if row.online_url:
        places.append({"@type": "VirtualLocation", "url": link or origin + post_path(post)})
    event: dict[str, Any] = {
        "@type": "Event",
        "name": post.title,
        "description": text.plain(post.content),
        "url": origin + post_path(post),
        "startDate": zones.wall(row.starts_at, row.timezone).isoformat(timespec="seconds"),
        "eventStatus": f"https://schema.org/{'EventCancelled' if row.cancelled else 'EventScheduled'}",
        "eventAttendanceMode": f"https://schema.org/{mode}EventAttendanceMode",
        "location": places,
        "organizer": _author(shown.people[post.author_id], origin),
        "isAccessibleForFree": True,
    }
    if not row.open_end:
        event["endDate"] = zones.wall(row.ends_at, row.timezone).isoformat(timespec="seconds")
    if row.capacity:
        event |= {"maximumAttendeeCapacity": row.capacity, "remainingAttendeeCapacity": row.free_places}
    if post.language:
        event["inLanguage"] = post.language
    return embedded({"@context": "https://schema.org", **event})


def embedded(data: dict[str, Any]) -> Markup:
    """JSON that can stand inside a `script` element."""
    json = msgspec.json.encode(data).decode()
    for character, escape in ESCAPES.items():
        json = json.replace(character, escape)
    return Markup(json)  # noqa: S704 - has no character left that HTML reads


def _findable(post: Post, shown: Shown) -> bool:
    author = shown.people[post.author_id]
    return post.visibility == Visibility.PUBLIC and post.removed_at is None and not post.unreviewed and author.indexable


def _answer(post: Post, shown: Shown, origin: str) -> dict[str, Any]:
    return {"@type": "Answer", **_said(post, shown, origin)}


def _said(post: Post, shown: Shown, origin: str) -> dict[str, Any]:
    found = {
        "text": text.plain(post.content),
        "url": origin + post_path(post) if post.local else outside(post),
        "upvoteCount": post.up,
        "datePublished": post.published.isoformat(),
        "author": _author(shown.people[post.author_id], origin),
    }
    if post.updated is not None:
        found["dateModified"] = post.updated.isoformat()
    if post.language:
        found["inLanguage"] = post.language
    return found


def _author(actor: Actor, origin: str) -> dict[str, Any]:
    kind = "Organization" if actor.type in {"Organization", "Group"} else "Person"
    return {
        "@type": kind,
        "name": actor.display_name,
        "url": origin + profile_path(actor) if actor.local else outside(actor),
    }
