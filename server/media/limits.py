"""How large a file may be, and which kinds are taken: told to clients, and held to."""

from dataclasses import dataclass

from models import media
from models.errors import Invalid
from server.media import filming
from server.media.kinds import AVIF, FILMS, IMAGES, SOUNDS, SYNONYMS, WEBP, Sniffed
from server.settings import Settings

IMAGE_PIXELS = 33_177_600
"""Most pixels of an image: 7680 x 4320."""

PICTURE_BYTES = 8_000_000
"""Largest picture of a profile."""

ENVELOPE = 600_000
"""Bytes of a form besides its files."""


@dataclass(frozen=True)
class MediaRules:
    """What a node takes."""

    media_types: tuple[str, ...]
    image_bytes: int
    video_bytes: int
    image_pixels: int = IMAGE_PIXELS
    video_pixels: int = filming.PIXELS
    video_fps: int = filming.FRAMES_PER_SECOND
    video_seconds: int = filming.SECONDS
    description: int = media.MAX_DESCRIPTION
    files: int = media.MAX_FILES

    def most(self, kind: str) -> int:
        """Most bytes of a file of this kind."""
        return self.image_bytes if kind == "image" else self.video_bytes


def limits(settings: Settings) -> MediaRules:
    """The rules of a node. Films and sounds are taken where ffmpeg is, and so are GIFs that move."""
    kinds: list[Sniffed] = [one for one in IMAGES if one not in {AVIF, WEBP} or _reads(one)]
    if filming.tools() is not None:
        kinds += [*FILMS, *SOUNDS]
    names: list[str] = []
    for one in kinds:
        names += [one.media_type, *SYNONYMS.get(one.media_type, ())]
    return MediaRules(tuple(names), settings.media_max_image_bytes, settings.media_max_video_bytes)


def form_bytes(settings: Settings) -> int:
    """Most bytes of a form with files: one film, or as many images as a post has."""
    return max(settings.media_max_video_bytes, media.MAX_FILES * settings.media_max_image_bytes) + ENVELOPE


def _reads(one: Sniffed) -> bool:
    from PIL import features

    return bool(features.check(one.decoder.lower()))


def check(rules: MediaRules, sniffed: Sniffed | None, size: int) -> Sniffed:
    """Raises Invalid for a file that is not taken; `size` in bytes."""
    if size == 0:
        raise Invalid("Validation failed: File can't be blank", code="file_missing")
    if sniffed is None or sniffed.media_type not in rules.media_types:
        raise Invalid("Validation failed: File content type is not supported", code="file_kind")
    if size > (most := rules.most(sniffed.kind)):
        raise Invalid(f"Validation failed: File must be smaller than {most // 1_000_000} MB", code="file_large")
    return sniffed
