"""Files of a post as clients show them."""

from typing import Any, Literal

from models import text
from models.posts import Post
from server.api.entities.statuses import MediaAttachment

Kind = Literal["unknown", "image", "gifv", "video", "audio"]
LINK = "Link"
KINDS: dict[str, Kind] = {"Image": "image", "Video": "video", "Audio": "audio"}


def attachments(post: Post) -> list[MediaAttachment]:
    """The files of a post, in its order. Links are none: they stand in the text (`links`)."""
    return [attachment(post, number, one) for number, one in enumerate(post.attachments or []) if not _is_link(one)]


def attachment(post: Post, number: int, one: dict[str, Any]) -> MediaAttachment:
    """One file. A file elsewhere has no id of its own here, and gets one that stays the same."""
    url = str(one.get("url", ""))
    kind = _kind(one)
    return MediaAttachment(
        id=str(one.get("id") or post.id + number + 1),
        type=kind,
        url=url or None,
        preview_url=one.get("preview_url") or (url if kind in {"image", "unknown"} else None) or None,
        remote_url=None if post.local else url or None,
        meta=_meta(one),
        description=one.get("name") or None,
        blurhash=one.get("blurhash") or None,
    )


def links(post: Post) -> str:
    """The links that hang on a post and do not stand in its text, as a paragraph each."""
    found = [one for one in post.attachments or [] if _is_link(one) and _is_web(one.get("url", ""))]
    return "".join(_link(one) for one in found if f'href="{text.escape(one["url"])}"' not in post.content)


def _link(one: dict[str, Any]) -> str:
    shown = one.get("name") or one["url"]
    return f'<p><a href="{text.escape(one["url"])}" rel="{text.LINK_REL}">{text.escape(shown)}</a></p>'


def _is_link(one: dict[str, Any]) -> bool:
    return one.get("type") == LINK


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _kind(one: dict[str, Any]) -> Kind:
    media = str(one.get("media_type", ""))
    if one.get("gifv"):
        return "gifv"
    for start in ("image", "video", "audio"):
        if media.startswith(f"{start}/"):
            return start
    return KINDS.get(str(one.get("type", "")), "unknown")


def _meta(one: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = {}
    width, height = one.get("width"), one.get("height")
    if width and height:
        size = {"width": width, "height": height, "size": f"{width}x{height}", "aspect": width / height}
        meta["original"] = size
        meta["small"] = size
    if focus := one.get("focus"):
        meta["focus"] = {"x": focus[0], "y": focus[1]}
    return meta
