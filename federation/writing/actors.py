"""Actors as other servers read them: Person, Group, Organization, and the node's own Application."""

import mimetypes
from typing import Any

from sqlalchemy.orm import Session

from federation import signatures, vocabulary
from federation.writing import Json, objects, stamp
from models import actor_keys, affiliations, communities, composing, profiles
from models.actors import Actor, ActorType
from models.database import node_of
from models.organizations import Organization

IMPLEMENTS = (
    ("https://datatracker.ietf.org/doc/html/rfc9421", "RFC-9421"),
    ("https://w3id.org/fep/1b12", "FEP-1b12"),
    ("https://w3id.org/fep/8fcf", "FEP-8fcf"),
    ("https://w3id.org/fep/7888", "FEP-7888"),
)
"""What a peer may count on (FEP-844e); only what works."""


def actor(db: Session, row: Actor) -> Json:
    """A local actor's document; a deleted one's tombstone."""
    if row.deleted_at is not None:
        return {"id": row.uri, "type": "Tombstone", "formerType": row.type, "deleted": stamp(row.deleted_at)}
    application = row.type == ActorType.APPLICATION
    body: Json = {
        "id": row.uri,
        "type": str(ActorType.SERVICE if row.type == ActorType.PERSON and row.automated else row.type),
        "preferredUsername": row.username,
        "name": row.display_name,
        "summary": row.summary,
        "inbox": row.inbox,
        "outbox": row.outbox,
    }
    if not application:
        body |= {"followers": row.followers_uri, "following": row.following_uri, "featured": row.featured_uri}
    body["url"] = row.url or row.uri
    if row.published is not None and not application:
        body["published"] = stamp(row.published)
    body |= {
        "manuallyApprovesFollowers": row.locked,
        "discoverable": row.discoverable,
        "indexable": row.indexable,
        "webfinger": row.handle,
        "endpoints": {"sharedInbox": row.shared_inbox},
        "publicKey": {
            "id": f"{row.uri}#main-key",
            "owner": row.uri,
            "publicKeyPem": actor_keys.public_key(db, row.id),
        },
    }
    body["assertionMethod"] = [_second_key(db, row)]
    body |= _community(db, row) if row.type == ActorType.GROUP else {}
    body |= _profile(db, row)
    body |= _organization(db, row) if row.type == ActorType.ORGANIZATION else {}
    if row.type == ActorType.PERSON and (belongs := affiliations.confirmed(db, row.id)):
        body["torv:affiliation"] = [
            {"torv:organization": organization.uri, "torv:affiliationClass": one.affiliation_class}
            for one, organization in belongs
        ]
    links = [{"type": "Link", "href": href, "name": name} for href, name in IMPLEMENTS]
    if application:
        body["implements"] = links
    else:
        body["generator"] = {"type": "Application", "id": f"{node_of(db).origin}/actor", "implements": links}
    return body


def _second_key(db: Session, row: Actor) -> Json:
    """The Ed25519 key beside the RSA key (FEP-521a)."""
    _, pem = actor_keys.private_key(db, row.id)
    return {
        "id": f"{row.uri}#ed25519-key",
        "type": "Multikey",
        "controller": row.uri,
        "publicKeyMultibase": signatures.multibase(signatures.second_key(pem).public_key()),
    }


def _profile(db: Session, row: Actor) -> Json:
    body: Json = {}
    extra: dict[str, Any] = row.extra or {}
    for key, url in (("icon", row.icon_url), ("image", row.image_url)):
        if url:
            guess = mimetypes.guess_type(url)[0]
            body[key] = {"type": "Image", **({"mediaType": guess} if guess else {}), "url": url}
            if shows := extra.get(f"{key}_name"):
                body[key]["name"] = shows
    if lines := [*profiles.facts(db, row), *(row.fields or [])]:
        body["attachment"] = [{"type": "PropertyValue", "name": line["name"], "value": line["value"]} for line in lines]
    if row.also_known_as:
        body["alsoKnownAs"] = list(row.also_known_as)
    if row.moved_to:
        body["movedTo"] = row.moved_to
    return body


def _organization(db: Session, row: Actor) -> Json:
    """Which body it is, and where others can ask whom it confirms."""
    body: Json = {"torv:members": f"{row.uri}/members"}
    known = db.get(Organization, row.id)
    if known is not None and known.municipality_code:
        body["torv:municipalityCode"] = known.municipality_code
    if known is not None and known.cvr:
        body["torv:cvr"] = known.cvr
    return body


def _community(db: Session, row: Actor) -> Json:
    """What makes a Group a community for Lemmy and PieFed (FEP-1b12), and a Q&A community for PieFed."""
    settings = communities.known(db, row)
    return {
        "source": {"content": row.summary_source, "mediaType": "text/markdown"},
        "mediaType": "text/html",
        "attributedTo": row.moderators_uri,
        "moderators": row.moderators_uri,
        "postingRestrictedToMods": communities.restricted(db, row),
        "questionAnswer": True,
        "defaultPostType": "text",
        "language": [vocabulary.language(settings.language)],
        # PieFed takes in no community of which a tag does not say whether its pictures are blurred.
        "tag": [objects.community_tag(row, barrier) | {"blurImages": False} for barrier in composing.BARRIERS],
    }
