"""Files of a post as clients show them."""

from typing import Any, Literal

from models import media, text
from models.media import Media, State
from models.posts import Post
from server.api.entities.statuses import MediaAttachment
from server.media.links import Links

Kind = Literal["unknown", "image", "gifv", "video", "audio"]
LINK = "Link"
OURS: dict[Any, Kind] = {"image": "image", "gifv": "gifv", "video": "video", "audio": "audio"}
KINDS: dict[str, Kind] = {"Image": "image", "Video": "video", "Audio": "audio"}


def attachments(post: Post, here: Links) -> list[MediaAttachment]:
    """The files of a post, in its order. Links are none: they stand in the text (`links`)."""
    return [
        attachment(post, number, one, here)
        for number, one in enumerate(post.attachments or [])
        if not _is_link(one) and _is_web(one.get("url", ""))
    ]


def attachment(post: Post, number: int, one: dict[str, Any], here: Links) -> MediaAttachment:
    """One file. A file elsewhere is read through this node, has no id of its own here, and gets one that stays."""
    origin = str(one["url"])
    kind = _kind(one)
    url = here.attachment(post, number, origin) if kind != "unknown" else origin
    return MediaAttachment(
        id=str(one.get("id") or post.id + number + 1),
        type=kind,
        url=url,
        preview_url=here.still(post, number, one) or (url if kind in {"image", "unknown"} else None),
        remote_url=None if post.local else origin,
        meta=_meta(one),
        description=one.get("name") or None,
        blurhash=one.get("blurhash") or None,
    )


def uploaded(row: Media, origin: str) -> MediaAttachment:
    """A file that is being put into a post; without addresses until it is ready."""
    one = media.snapshot(row, origin)
    ready = row.state == State.READY
    return MediaAttachment(
        id=str(row.id),
        type=OURS[row.kind],
        url=one.get("url") if ready else None,
        preview_url=_preview(row, one) if ready else None,
        remote_url=None,
        meta=_meta(one),
        description=row.description or None,
        blurhash=row.blurhash or None,
    )


def _preview(row: Media, one: dict[str, Any]) -> str | None:
    """The picture of a file; a sound has one only if its sender chose it."""
    return one.get("preview_url") or (one["url"] if row.kind != "audio" else None)


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
    if (known := one.get("kind")) in OURS:
        return OURS[known]
    media = str(one.get("media_type", ""))
    for start in ("image", "video", "audio"):
        if media.startswith(f"{start}/"):
            return start
    return KINDS.get(str(one.get("type", "")), "unknown")


def _meta(one: dict[str, Any]) -> dict[str, Any]:
    """Sizes, times and focus as clients read them."""
    known = one.get("meta") or {}
    original = known.get("original") or {"width": one.get("width"), "height": one.get("height")}
    meta: dict[str, Any] = {}
    small = _size(known.get("small") or {})
    if (first := _size(original)) is not None:
        meta["original"] = first
        meta["small"] = small or _size({"width": one["width"], "height": one["height"]})
    elif small is not None:
        meta["small"] = small
    if (seconds := original.get("duration")) is not None:
        minutes, rest = divmod(float(seconds), 60)
        meta["length"] = f"{int(minutes // 60)}:{int(minutes % 60):02}:{rest:05.2f}"
        meta["duration"] = seconds
        timed = {"duration": seconds, "bitrate": original.get("bitrate")}
        if first is not None:
            meta |= {"fps": original.get("fps"), **first}
            timed["frame_rate"] = f"{round(original.get('fps') or 0)}/1"
        meta["original"] = {**(first or {}), **timed}
    if focus := one.get("focus"):
        meta["focus"] = {"x": focus[0], "y": focus[1]}
    return meta


def _size(size: dict[str, Any]) -> dict[str, Any] | None:
    width, height = size.get("width"), size.get("height")
    if not width or not height:
        return None
    return {"width": width, "height": height, "size": f"{width}x{height}", "aspect": width / height}
