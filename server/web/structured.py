"""A thread as search engines read it: schema.org `QAPage` in JSON-LD, only of what its authors let be found."""

from typing import Any

import msgspec
from markupsafe import Markup

from models import text
from models.actors import Actor
from models.answers import AnswersPage
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
