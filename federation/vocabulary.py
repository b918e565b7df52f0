"""The words of the wire: JSON-LD contexts, well-known ids, content types, and names for languages and barriers.

Every context is literal and complete: ActivityStreams, the security vocabulary for keys, and one object with the terms
we use. No other context is ever named, so no receiver has to fetch anything of ours; `https://w3id.org/torv/ns#` is a
name only. A term that is missing here would silently become a blank property (ActivityStreams sets `@vocab`), which is
why a test expands everything we write.
"""

from typing import Any

from federation.media_types import ACCEPT_ACTIVITY, ACTIVITY_JSON, LD_JSON_AS

__all__ = ["ACCEPT_ACTIVITY", "ACTIVITY_JSON", "LD_JSON_AS"]

ACTIVITYSTREAMS = "https://www.w3.org/ns/activitystreams"
SECURITY = "https://w3id.org/security/v1"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
PUBLIC_NAMES = frozenset({PUBLIC, "as:Public", "Public"})
"""The ways in which servers write the Public collection."""

TORV = "https://w3id.org/torv/ns#"

JRD_JSON = "application/jrd+json"
XRD_XML = "application/xrd+xml"

_TERMS: dict[str, Any] = {
    "ostatus": "http://ostatus.org#",
    "conversation": "ostatus:conversation",
    "sensitive": "as:sensitive",
    "Hashtag": "as:Hashtag",
    "sc": "http://schema.org/",
    "lemmy": "https://join-lemmy.org/ns#",
    "pt": "https://joinpeertube.org/ns#",
    "commentsEnabled": "pt:commentsEnabled",
    "CommunityPostTag": "lemmy:CommunityPostTag",
    "language": "sc:inLanguage",
    "identifier": "sc:identifier",
    "acceptedAnswer": {"@id": "sc:acceptedAnswer", "@type": "@id"},
    "gts": "https://gotosocial.org/ns#",
    "interactionPolicy": {"@id": "gts:interactionPolicy", "@type": "@id"},
    "canQuote": {"@id": "gts:canQuote", "@type": "@id"},
    "automaticApproval": {"@id": "gts:automaticApproval", "@type": "@id"},
    "torv": TORV,
    "ChooseAnswer": "torv:ChooseAnswer",
    "answer": "torv:answer",
    "toot": "http://joinmastodon.org/ns#",
    "blurhash": "toot:blurhash",
    "focalPoint": {"@id": "toot:focalPoint", "@container": "@list"},
}


def _ids(term: str) -> dict[str, str]:
    return {"@id": term, "@type": "@id"}


_ACTOR_TERMS: dict[str, Any] = {
    "discoverable": "toot:discoverable",
    "indexable": "toot:indexable",
    "featured": _ids("toot:featured"),
    "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
    "alsoKnownAs": _ids("as:alsoKnownAs"),
    "PropertyValue": "sc:PropertyValue",
    "value": "sc:value",
    "postingRestrictedToMods": "lemmy:postingRestrictedToMods",
    "moderators": _ids("lemmy:moderators"),
    "questionAnswer": "torv:questionAnswer",
    "defaultPostType": "torv:defaultPostType",
    "blurImages": "torv:blurImages",
    "webfinger": "https://purl.archive.org/socialweb/webfinger#webfinger",
    "movedTo": _ids("as:movedTo"),
    "sec": "https://w3id.org/security#",
    "assertionMethod": {"@id": "sec:assertionMethod", "@type": "@id", "@container": "@set"},
    "Multikey": "sec:Multikey",
    "controller": _ids("sec:controller"),
    "publicKeyMultibase": {"@id": "sec:publicKeyMultibase", "@type": "sec:multibase"},
    "implements": {"@id": "https://w3id.org/fep/844e/implements", "@type": "@id", "@container": "@set"},
}

CTX: list[Any] = [ACTIVITYSTREAMS, SECURITY, _TERMS]
"""For posts and activities."""

CTX_POLL: list[Any] = [ACTIVITYSTREAMS, SECURITY, {**_TERMS, "votersCount": "toot:votersCount"}]
"""For polls, and activities about them."""

_FEP_044F = "https://w3id.org/fep/044f#"
CTX_QUOTE: list[Any] = [
    ACTIVITYSTREAMS,
    {
        "QuoteRequest": f"{_FEP_044F}QuoteRequest",
        "QuoteAuthorization": f"{_FEP_044F}QuoteAuthorization",
        "gts": "https://gotosocial.org/ns#",
        "interactingObject": {"@id": "gts:interactingObject", "@type": "@id"},
        "interactionTarget": {"@id": "gts:interactionTarget", "@type": "@id"},
    },
]
"""For answers to who wants to quote, and their stamps."""

CTX_ACTOR: list[Any] = [ACTIVITYSTREAMS, SECURITY, {**_TERMS, **_ACTOR_TERMS}]
"""For actors."""

_FEP_8A8E = "https://w3id.org/fep/8a8e/"
_EVENT_TERMS: dict[str, Any] = {
    "ical": "http://www.w3.org/2002/12/cal/ical#",
    "mz": "https://joinmobilizon.org/ns#",
    **{name: _ids(_FEP_8A8E + name) for name in ("organizers", "attendees", "externalParticipationUrl")},
    **{
        name: _FEP_8A8E + name
        for name in ("timezone", "joinMode", "displayEndTime", "EventScheduled", "EventCancelled")
    },
    "eventStatus": {"@id": f"{_FEP_8A8E}eventStatus", "@type": "@vocab"},
    **{
        name: f"sc:{name}"
        for name in (
            *("VirtualLocation", "PostalAddress", "address", "streetAddress", "postalCode", "addressLocality"),
            *("addressRegion", "addressCountry", "maximumAttendeeCapacity", "remainingAttendeeCapacity", "inLanguage"),
        )
    },
    **{
        name: f"mz:{name}"
        for name in (
            *("participantCount", "anonymousParticipationEnabled", "isOnline", "repliesModerationOption", "category"),
            *("draft", "status"),
        )
    },
    **{
        name: f"torv:{name}"
        for name in ("onlineLink", "anonymousParticipation", "buyTicketsLink", "feeCurrency", "feeAmount")
    },
}

CTX_EVENT: list[Any] = [ACTIVITYSTREAMS, SECURITY, {**_TERMS, **_EVENT_TERMS}]
"""For meetings, and activities about them."""

CTX_PLAIN = ACTIVITYSTREAMS
"""For what needs no term beyond ActivityStreams: Follow and its answers, Delete, Tombstone, collections."""

CTX_LEAVING: list[Any] = [
    ACTIVITYSTREAMS,
    {"lemmy": "https://join-lemmy.org/ns#", "removeData": "lemmy:removeData"},
]
"""For the Delete of an actor."""

_LANGUAGES = {
    "da": "Dansk",
    "en": "English",
    "sv": "Svenska",
    "nb": "Norsk bokmål",
    "nn": "Norsk nynorsk",
    "no": "Norsk",
    "de": "Deutsch",
    "fo": "Føroyskt",
    "kl": "Kalaallisut",
    "is": "Íslenska",
    "fi": "Suomi",
    "nl": "Nederlands",
    "fr": "Français",
    "es": "Español",
    "pl": "Polski",
    "uk": "Українська",
    "ar": "العربية",
    "tr": "Türkçe",
}


def language(code: str) -> dict[str, str]:
    """A language as Lemmy and PieFed want it: code and name.

    >>> language("da")
    {'identifier': 'da', 'name': 'Dansk'}
    """
    return {"identifier": code, "name": _LANGUAGES.get(code, code)}
