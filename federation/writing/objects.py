"""Posts as other servers read them.

A question is a `Note` with `name`, because only then do Mastodon users see its full text; its title stands again, in
bold, as the first paragraph of `content`. Answers, comments and notes have no `name` (a reply with one can be taken for
a poll vote). `Question` is ActivityStreams' word for a poll, and nothing else goes out under it. An experience report is
an `Article`, a meeting an `Event`.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from federation import vocabulary
from federation.vocabulary import PUBLIC
from federation.writing import Json, meetings, stamp, texts
from models import (
    actors,
    audience,
    calls,
    collections,
    dogmas,
    duplicates,
    endorsing,
    experience_text,
    experiences,
    links,
    polls,
    posts,
    quotes,
    text,
)
from models import meetings as rows_of_meetings
from models.actors import Actor
from models.database import node_of
from models.dogmas import Status
from models.experiences import As, Part
from models.links import SINGLE
from models.posts import Kind, Post, Visibility
from models.quotes import QuoteStamp

NOTE, WITHOUT_NAME, PAGE = "note", "note-without-name", "page"
"""The forms a question can take (the setting `question_object`)."""

_LONG = {Kind.EXPERIENCE, Kind.EVENT}
_OPEN = {Visibility.PUBLIC, Visibility.UNLISTED}
_PICTURED = {"video", "gifv", "audio"}
_PICTURE_TYPES = {"jpg": "image/jpeg", "webp": "image/webp", "avif": "image/avif", "gif": "image/gif"}
SUMMARY_CHARS = 500


@dataclass(frozen=True)
class _Parts:
    """What a post's JSON is made of, fetched once."""

    author: Actor
    community: Actor | None
    parent: Post | None
    to: list[str]
    cc: list[str]
    tags: list[str]


def post(db: Session, row: Post, form: str = NOTE) -> Json:
    """A local post as an object; a deleted one as its tombstone. `form` is the setting `question_object`."""
    if row.deleted_at is not None:
        return tombstone(row)
    parts, meeting = _parts(db, row), rows_of_meetings.find(db, row)
    content, source = texts.content_and_source(db, row, parts.tags, meeting)
    open_to_all = row.visibility in _OPEN
    body: Json = {
        "id": row.uri,
        "type": _type(row, form),
        "torv:kind": "poll" if is_poll(row) and not row.in_reply_to_uri else str(row.kind),
        "attributedTo": parts.author.uri,
    }
    if row.in_reply_to_uri:
        body["inReplyTo"] = row.in_reply_to_uri
    body |= {"to": parts.to, "cc": parts.cc}
    if parts.community is not None:
        body["audience"] = parts.community.uri
    nameless = is_poll(row) or (row.kind == Kind.QUESTION and form == WITHOUT_NAME)
    if row.title and not row.in_reply_to_uri and not nameless:
        body["name"] = row.title
    body |= _summary(db, row, form)
    body["content"] = content
    if row.language:
        body["contentMap"] = {row.language: content}
    body |= {
        "mediaType": "text/html",
        "source": source,
        "url": row.url or row.uri,
        "published": stamp(row.published),
    }
    if row.updated is not None:
        body["updated"] = stamp(row.updated)
    body["sensitive"] = row.sensitive
    if row.context_uri:
        body |= {"context": row.context_uri, "conversation": row.context_uri}
    if not row.in_reply_to_uri and open_to_all:
        body["commentsEnabled"] = True
    if row.language:
        body["language"] = vocabulary.language(row.language)
    if row.kind == Kind.ANSWER:
        body["answer"] = _is_accepted(db, row)
    if (accepted := texts.accepted_answer(db, row)) is not None:
        body["acceptedAnswer"] = accepted.uri
    if (original := duplicates.original_of(db, None, row)) is not None:
        body["torv:duplicateOf"] = original.uri
    body["attachment"] = [_attachment(item) for item in row.attachments or []]
    body |= _terms(row) | _ties(db, row)
    if row.kind == Kind.EXPERIENCE:
        body |= _report(db, row)
    if meeting is not None:
        body |= meetings.terms(db, row, meeting)
        body["attachment"].insert(0, meetings.website(row))
    if row.kind == Kind.DOGMA:
        body |= _dogma(db, row)
    if is_poll(row):
        body |= _poll(db, row)
    if (call := calls.find(db, row)) is not None:
        body["torv:wouldCome"] = {"id": f"{row.uri}/coming", "type": "Collection", "totalItems": call.coming}
    if open_to_all:
        body["interactionPolicy"] = {"canQuote": {"automaticApproval": [_quoters(row, parts.author)]}}
    body["tag"] = _tag(db, row, parts)
    if row.kind in _LONG:
        body["preview"] = _preview(db, row, parts.author)
    if open_to_all:
        body["replies"] = embedded_replies(db, row)
    return body


def _quoters(row: Post, author: Actor) -> str:
    """Whose quotes are allowed at once: everybody's, the followers', or only the author's own."""
    return {"public": PUBLIC, "followers": author.followers_uri, "nobody": author.uri}[quotes.policy(row)]


def quote_stamp(db: Session, row: Post, stamp: QuoteStamp) -> Json:
    """That the author of a post lets it be quoted by one other post (FEP-044f)."""
    return {
        "id": quotes.address(row, stamp),
        "type": "QuoteAuthorization",
        "attributedTo": actors.get(db, row.author_id).uri,
        "interactingObject": stamp.quote_uri,
        "interactionTarget": row.uri,
    }


def tombstone(row: Post) -> Json:
    """What is left of a deleted post."""
    body: Json = {"id": row.uri, "type": "Tombstone", "formerType": row.object_type}
    if row.deleted_at is not None:
        body["deleted"] = stamp(row.deleted_at)
    return body


def embedded_replies(db: Session, row: Post) -> Json:
    """The `replies` collection with its first page inside, for servers that read no further."""
    uri = f"{row.uri}/replies"
    items = collections.replies(db, row)
    first: Json = {"type": "CollectionPage", "partOf": uri, "items": [item for _, item in items]}
    if len(items) == collections.PAGE:
        first["next"] = f"{uri}?cursor={items[-1][0]}"
    return {"id": uri, "type": "Collection", "first": first}


def _parts(db: Session, row: Post) -> _Parts:
    author = actors.get(db, row.author_id)  # held first: the addresses ask for him too
    to, cc = audience.addressing(db, row)
    community = None
    if row.community_id is not None and row.visibility in _OPEN:
        community = actors.get(db, row.community_id)
    parent = db.get(Post, row.in_reply_to_id) if row.in_reply_to_id else None
    tags = [tag.shown for tag in posts.tags_of(db, [row.id]).get(row.id, [])]
    return _Parts(author, community, parent, to, cc, tags)


def _type(row: Post, form: str) -> str:
    if is_poll(row):
        return polls.OBJECT_TYPE
    if row.kind == Kind.QUESTION and form == PAGE:
        return "Page"
    if row.kind == Kind.EVENT and row.object_type == "Event":
        return "Event"
    return "Article" if row.kind in _LONG else "Note"


def _abstract(db: Session, row: Post) -> str:
    """In short, complete in itself; of a report first its barriers, phase and outcome, then what its author says."""
    facts = experience_text.facts(row, experiences.get(db, row)) if row.kind == Kind.EXPERIENCE else []
    left = SUMMARY_CHARS - sum(len(name) + len(said) + 4 for name, said in facts)
    words = " ".join((row.summary or text.plain(row.content)).split())
    short = words if len(words) <= left else words[: left - 2].rsplit(" ", 1)[0] + " …"
    named = [f"<strong>{text.escape(name)}:</strong> {text.escape(said)}." for name, said in facts]
    return f"<p>{' '.join([*named, text.escape(short)]).strip()}</p>"


def _summary(db: Session, row: Post, form: str) -> Json:
    # On a Note, `summary` is a content warning; on Article and Page it is the abstract.
    if row.kind in _LONG or (row.kind == Kind.QUESTION and form == PAGE):
        return {"summary": _abstract(db, row)}
    return {"summary": row.summary} if row.summary else {}


def _preview(db: Session, row: Post, author: Actor) -> Json:
    return {
        "type": "Note",
        "attributedTo": author.uri,
        "content": f"<p><strong>{text.escape(row.title)}</strong></p>{_abstract(db, row)}",
        "published": stamp(row.published),
    }


def _is_accepted(db: Session, row: Post) -> bool:
    question = db.get(Post, row.thread_id)
    return question is not None and question.accepted_id == row.id


def _terms(row: Post) -> Json:
    extra: dict[str, Any] = row.extra or {}
    named = {
        "torv:barrier": extra.get("barriers"),
        "torv:phase": extra.get("phase"),
        "torv:outcome": extra.get("outcome"),
        "torv:municipality": extra.get("municipality"),
        "torv:kle": extra.get("kle"),
        "torv:disclosure": extra.get("disclosure"),
        "torv:invites": extra.get("invites"),
    }
    return {key: value for key, value in named.items() if value}


def _ties(db: Session, row: Post) -> Json:
    """What the post is tied to (`links.Tie`), and where the posts are named that are tied to it."""
    if row.in_reply_to_uri:
        return {}
    named: dict[str, list[str]] = {}
    for one in links.of(db, None, row):  # what not everybody may read is not named to everybody
        named.setdefault(one.tie, []).append(one.uri)
    found: Json = {f"torv:{tie}": uris[0] if tie in SINGLE else uris for tie, uris in named.items()}
    if row.visibility in _OPEN and links.to(db, None, row):
        found["torv:linkedFrom"] = f"{row.uri}/linked"
    return found


def _report(db: Session, row: Post) -> Json:
    """A report's parts, so that another municipality can start from them, and its people."""
    report = experiences.get(db, row)
    sections: list[Json] = []
    for part in Part:
        said: Json = {"torv:part": str(part), "torv:text": report.parts.get(part, "")}
        if part == Part.RULE and report.rule_url:
            said["torv:href"] = report.rule_url
        if len(said) > 2 or said["torv:text"]:
            sections.append(said)
        if part == Part.WANTED:
            sections += [
                {"torv:part": "barrier", "torv:barrier": barrier, "torv:text": words}
                for barrier, words in (report.obstacles or {}).items()
            ]
    named = {
        "torv:section": sections,
        "torv:coAuthor": [actor.uri for actor in experiences.people(db, row, As.CO_AUTHOR)],
        "torv:contact": [actor.uri for actor in experiences.people(db, row, As.CONTACT)],
    }
    return {key: value for key, value in named.items() if value}


def _dogma(db: Session, row: Post) -> Json:
    """A dogma's version, how it stands, and how many stand behind it. An adopted one is what others take a dogma for, so
    only the rest say how they stand. Its likes are its endorsements."""
    dogma = db.get(dogmas.Dogma, row.id)
    if dogma is None:
        return {}
    body: Json = {"torv:version": dogma.version}
    if dogma.status != Status.ADOPTED:
        body["torv:status"] = dogma.status
    if dogma.number is not None:
        body["torv:number"] = dogma.number
    edition = db.get(dogmas.DogmaVersion, (row.id, dogma.version))
    if edition is not None and edition.note:
        body["torv:changed"] = edition.note
    if row.visibility in _OPEN:
        total = endorsing.count(db, row)
        for name, key in (("likes", "likes"), ("endorsements", "torv:endorsements")):
            body[key] = {"id": f"{row.uri}/{name}", "type": "Collection", "totalItems": total}
    return body


def is_poll(row: Post) -> bool:
    """Whether a post is a poll, which has terms of its own."""
    return row.object_type == polls.OBJECT_TYPE


def _poll(db: Session, row: Post) -> Json:
    """As Mastodon writes it: votes that are not shown yet are null, and `closed` says when it was over."""
    shown = polls.of(db, None, [row.id]).get(row.id)
    if shown is None:
        return {}
    body: Json = {
        "anyOf" if shown.multiple else "oneOf": [
            {"type": "Note", "name": title, "replies": {"type": "Collection", "totalItems": votes}}
            for title, votes in shown.options
        ]
    }
    if shown.expires_at is not None:
        body["endTime"] = stamp(shown.expires_at)
        if shown.expired:
            body["closed"] = stamp(shown.expires_at)
    if shown.voters_count is not None:
        body["votersCount"] = shown.voters_count
    return body


def _attachment(item: dict[str, Any]) -> Json:
    """An image, a document, or a link; never a PropertyValue, which makes Lemmy drop the whole post."""
    if item.get("type") == "Link":
        body: Json = {"type": "Link", "href": item["url"]}
    else:
        body = {"type": "Image" if item.get("type") == "Image" else "Document", "url": item["url"]}
    for ours, theirs in (("media_type", "mediaType"), ("name", "name"), ("width", "width"), ("height", "height")):
        if item.get(ours):
            body[theirs] = item[ours]
    if item.get("blurhash"):
        body["blurhash"] = item["blurhash"]
    if item.get("focus"):
        body["focalPoint"] = item["focus"]
    if item.get("preview_url") and item.get("kind") in _PICTURED:
        # What stands for a film or a sound, as Mastodon has it; of a picture it is only its smaller self.
        kind = _PICTURE_TYPES.get(item["preview_url"].rpartition(".")[2], "image/png")
        body["icon"] = {"type": "Image", "mediaType": kind, "url": item["preview_url"]}
    return body


def _tag(db: Session, row: Post, parts: _Parts) -> list[Json]:
    origin = node_of(db).origin
    found: list[Json] = [mention(actor) for actor in _mentioned(db, row, parts)]
    found += [{"type": "Hashtag", "href": text.tag_url(origin, tag), "name": f"#{tag}"} for tag in parts.tags]
    if parts.community is not None and parts.community.local and not row.in_reply_to_uri:
        found += [community_tag(parts.community, barrier) for barrier in (row.extra or {}).get("barriers", [])]
    if kle := (row.extra or {}).get("kle"):
        group = str(kle).split(".")[0]
        href = f"http://www.kle-online.dk/emneplan/{group}/#_{kle}"
        found.append({"type": "torv:Concept", "torv:notation": kle, "href": href})
    return found


def _mentioned(db: Session, row: Post, parts: _Parts) -> list[Actor]:
    """Whom the tags name: the parent's author, the community (so that replies from elsewhere reach it), and those the
    text names; only actors who are addressed too, and never the author himself."""
    named: dict[int, Actor] = {}
    if parts.parent is not None:
        named[parts.parent.author_id] = actors.get(db, parts.parent.author_id)
    if parts.community is not None:
        named[parts.community.id] = parts.community
    for actor in audience.recipients(db, row, mentioned_only=True):
        named.setdefault(actor.id, actor)
    addressed = {*parts.to, *parts.cc}
    return [actor for actor in named.values() if actor.uri in addressed and actor.id != row.author_id]


def mention(actor: Actor) -> Json:
    """A Mention tag, with the whole handle."""
    return {"type": "Mention", "href": actor.uri, "name": f"@{actor.handle}"}


def community_tag(community: Actor, barrier: str) -> Json:
    """A barrier as one of a community's own tags (Lemmy, PieFed)."""
    return {
        "type": "CommunityPostTag",
        "id": f"{community.uri}/tag/{barrier}",
        "preferredUsername": barrier,
        "name": f"Barriere: {barrier}",
    }
