"""The node as clients read it: who we are, what fits, what holds here. Every figure is the one the code goes by."""

from dataclasses import dataclass
from html import escape

from sqlalchemy.orm import Session

from models import composing, featured_tags, house, pins, polls, profiles, push, settings, statistics
from models.accounts import LANGUAGES
from models.database import Node
from models.house import Page
from models.identity import Identity
from models.registrations import Mode, Policy
from server import i18n, static_files
from server.api import show_accounts
from server.api.entities import instance as entities
from server.api.entities.accounts import Account
from server.i18n import later
from server.media.limits import MediaRules, limits
from server.settings import Settings
from server.version import VERSION

MASTODON = "4.5.0"
"""The release of Mastodon whose entities and endpoints we answer with; clients read it from the version."""

API_VERSION = 6
"""Mastodon's count of its API: 6 is all up to 4.4. With 7 (4.5) a client would offer to quote, which Torv does not do."""

ICON_SIZES = (36, 48, 72, 96, 144, 192, 256, 384, 512)
BLURHASH = "LN9bavfk0Kazj[fQayfQ9FfQ?Hj["
"""Of the picture `instance/thumbnail@1x.png`."""

URL_LENGTH = 23
"""What clients count an address as, whatever its length."""

CLOSED = {
    Mode.INVITE: later("Accounts here are by invitation. Ask the administrators for one."),
    Mode.CLOSED: later("No accounts are made here at the moment."),
}
"""What is said to who would like an account and cannot make one by himself."""

DOMAINS = later("Accounts here are for those with an e-mail address at: %(domains)s.")


@dataclass(frozen=True)
class Told:
    """What the database knows of the node."""

    size: statistics.Size
    contact: Account | None
    rules: list[entities.Rule]
    vapid: str
    terms: bool
    named_only: bool
    media: MediaRules


def told(db: Session, size: statistics.Size, chosen: Settings) -> Told:
    """Read it, in a fixed number of queries. Looks for programs that work on films when first asked."""
    admin = statistics.contact(db)
    return Told(
        size,
        show_accounts.account(db, admin) if admin is not None else None,
        rules(db),
        push.vapid_public_key(db),
        house.page(db, Page.TERMS) is not None,
        bool(settings.get(db, "allow_list", False)),
        limits(chosen),
    )


def rules(db: Session) -> list[entities.Rule]:
    """The rules of the house."""
    return [entities.Rule(id=str(rule.id), text=rule.text, hint="", translations={}) for rule in house.rules(db)]


def version() -> str:
    """What clients take for a Mastodon of this release, and people read as what it is."""
    return f"{MASTODON} (compatible; Torv {VERSION})"


def instance(
    node: Node, chosen: Settings, site: Identity, policy: Policy, found: Told, language: str
) -> entities.Instance:
    """The node, second version; what people read of it in their language."""
    return entities.Instance(
        domain=node.domain,
        title=site.name,
        version=version(),
        source_url=chosen.source_url or f"{node.origin}/about",
        description=site.description,
        usage=entities.Usage(users=entities.ActiveUsers(active_month=found.size.active)),
        thumbnail=entities.Thumbnail(
            url=_picture(node, 1),
            blurhash=BLURHASH,
            versions=entities.ThumbnailVersions(once=_picture(node, 1), twice=_picture(node, 2)),
            description="",
        ),
        icon=[
            entities.Icon(src=node.origin + static_files.address(f"instance/icon-{size}.png"), size=f"{size}x{size}")
            for size in ICON_SIZES
        ],
        languages=_languages(chosen),
        configuration=entities.Configuration(
            urls=entities.InstanceUrls(
                streaming=streaming(node),
                status=None,
                about=f"{node.origin}/about",
                privacy_policy=f"{node.origin}/privacy-policy",
                terms_of_service=f"{node.origin}/terms-of-service" if found.terms else None,
            ),
            vapid=entities.Vapid(public_key=found.vapid),
            accounts=account_limits(),
            statuses=status_limits(found.media),
            media_attachments=media_limits(found.media),
            polls=poll_limits(),
            translation=entities.Translation(enabled=False),
            timelines_access=entities.TimelinesAccess(
                live_feeds=_everybody(), hashtag_feeds=_everybody(), trending_link_feeds=_everybody()
            ),
            limited_federation=found.named_only,
        ),
        registrations=entities.Registrations(
            enabled=policy.open,
            approval_required=policy.mode == Mode.APPROVAL,
            reason_required=policy.mode == Mode.APPROVAL if policy.open else None,
            message=_how(policy, language),
            min_age=None,
            url=f"{node.origin}/sign-up" if policy.open else None,
        ),
        api_versions={"mastodon": API_VERSION},
        wrapstodon=None,
        contact=entities.Contact(email=site.contact_email, account=found.contact),
        rules=found.rules,
    )


def first_version(
    node: Node, chosen: Settings, site: Identity, policy: Policy, found: Told, description: str
) -> entities.V1Instance:
    """The node, first version; `description` is HTML."""
    size = found.size
    return entities.V1Instance(
        uri=node.domain,
        title=site.name,
        short_description=site.description,
        description=description,
        email=site.contact_email,
        version=version(),
        urls=entities.V1Urls(streaming_api=streaming(node)),
        stats=entities.Figures(user_count=size.accounts, status_count=size.posts, domain_count=size.peers),
        thumbnail=_picture(node, 1),
        languages=_languages(chosen),
        registrations=policy.open,
        approval_required=policy.mode == Mode.APPROVAL,
        invites_enabled=policy.members_invite and policy.mode != Mode.CLOSED,
        configuration=entities.V1Configuration(
            accounts=account_limits(),
            statuses=status_limits(found.media),
            media_attachments=media_limits(found.media),
            polls=poll_limits(),
        ),
        contact_account=found.contact,
        rules=found.rules,
    )


def account_limits() -> entities.AccountLimits:
    """What a profile holds."""
    return entities.AccountLimits(
        max_display_name_length=profiles.MAX_NAME,
        max_note_length=profiles.MAX_NOTE,
        max_avatar_description_length=profiles.MAX_DESCRIPTION,
        max_header_description_length=profiles.MAX_DESCRIPTION,
        max_featured_tags=featured_tags.MAX_FEATURED,
        max_pinned_statuses=pins.MAX_PINS,
        max_profile_fields=profiles.MAX_FIELDS,
        profile_field_name_limit=profiles.MAX_FIELD_NAME,
        profile_field_value_limit=profiles.MAX_FIELD_VALUE,
    )


def status_limits(media: MediaRules) -> entities.StatusLimits:
    """What a status holds."""
    return entities.StatusLimits(
        max_characters=composing.MAX_TEXT,
        max_media_attachments=media.files,
        characters_reserved_per_url=URL_LENGTH,
        supported_mime_types=["text/plain", "text/markdown"],
    )


def media_limits(media: MediaRules) -> entities.MediaLimits:
    """What can be uploaded."""
    return entities.MediaLimits(
        supported_mime_types=list(media.media_types),
        description_limit=media.description,
        image_size_limit=media.image_bytes,
        image_matrix_limit=media.image_pixels,
        video_size_limit=media.video_bytes,
        video_frame_rate_limit=media.video_fps,
        video_matrix_limit=media.video_pixels,
    )


def poll_limits() -> entities.PollLimits:
    """What a poll holds."""
    return entities.PollLimits(
        max_options=polls.MAX_OPTIONS,
        max_characters_per_option=polls.MAX_OPTION_CHARS,
        min_expiration=polls.MIN_SECONDS,
        max_expiration=polls.MAX_SECONDS,
    )


def streaming(node: Node) -> str:
    """Where streams are listened to; clients add the path."""
    return node.origin.replace("http", "ws", 1)


def _picture(node: Node, times: int) -> str:
    return node.origin + static_files.address(f"instance/thumbnail@{times}x.png")


def _languages(chosen: Settings) -> list[str]:
    return sorted(LANGUAGES, key=lambda code: code != chosen.default_language)


def _everybody() -> entities.FeedAccess:
    return entities.FeedAccess(local="public", remote="public")


def _how(policy: Policy, language: str) -> str | None:
    """How one gets an account where an app cannot make it, and who can where not everybody does, as HTML."""
    say = i18n.translator(language)
    if policy.mode == Mode.DOMAIN:
        said = say(DOMAINS) % {"domains": ", ".join(policy.domains)}
    elif policy.open:
        return None
    else:
        said = say(CLOSED[policy.mode])
    return f"<p>{escape(said)}</p>"
