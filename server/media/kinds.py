"""What a file is, by its first bytes: names and types that senders write are not looked at."""

from dataclasses import dataclass

HEAD = 64
"""Bytes that are enough to tell."""


@dataclass(frozen=True)
class Sniffed:
    """A kind of file. `decoder`: what Pillow, or for films and sounds ffmpeg, calls its form."""

    kind: str
    """`image`, `video` or `audio`."""
    media_type: str
    extension: str
    decoder: str


JPEG = Sniffed("image", "image/jpeg", "jpg", "JPEG")
PNG = Sniffed("image", "image/png", "png", "PNG")
GIF = Sniffed("image", "image/gif", "gif", "GIF")
WEBP = Sniffed("image", "image/webp", "webp", "WEBP")
AVIF = Sniffed("image", "image/avif", "avif", "AVIF")
MP4 = Sniffed("video", "video/mp4", "mp4", "mov")
QUICKTIME = Sniffed("video", "video/quicktime", "mov", "mov")
WEBM = Sniffed("video", "video/webm", "webm", "matroska")
M4A = Sniffed("audio", "audio/mp4", "m4a", "mov")
MP3 = Sniffed("audio", "audio/mpeg", "mp3", "mp3")
OGG = Sniffed("audio", "audio/ogg", "ogg", "ogg")
FLAC = Sniffed("audio", "audio/flac", "flac", "flac")
WAV = Sniffed("audio", "audio/wav", "wav", "wav")

IMAGES = (JPEG, PNG, GIF, WEBP, AVIF)
FILMS = (MP4, QUICKTIME, WEBM)
SOUNDS = (MP3, OGG, FLAC, WAV, M4A)

MEDIA_TYPES = {one.extension: one.media_type for one in (*IMAGES, *FILMS, *SOUNDS)}
"""How files are served, by the end of their name; nothing else is."""

SYNONYMS = {
    "audio/mpeg": ("audio/mp3",),
    "audio/mp4": ("audio/m4a", "audio/x-m4a", "audio/aac"),
    "audio/wav": ("audio/wave", "audio/x-wav"),
}
"""Other names that clients know a type by."""

_STARTS = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"\x1a\x45\xdf\xa3", WEBM),
    (b"OggS", OGG),
    (b"fLaC", FLAC),
    (b"ID3", MP3),
    (b"\xff\xfb", MP3),
    (b"\xff\xf3", MP3),
    (b"\xff\xf2", MP3),
    (b"\xff\xfa", MP3),
)
_STILL = {b"avif", b"avis"}
_UNREADABLE = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}


def sniff(head: bytes) -> Sniffed | None:
    """What a file with these first bytes is; None for whatever else, among it SVG, HTML, PDF, HEIC and archives."""
    for start, found in _STARTS:
        if head.startswith(start):
            return found
    if head[:4] == b"RIFF":
        return {b"WEBP": WEBP, b"WAVE": WAV}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _branded(head[8:12], head[16:HEAD])
    return None


def _branded(brand: bytes, others: bytes) -> Sniffed | None:
    """Of the family of MP4: the brand says which."""
    if brand in _STILL or (brand == b"mif1" and b"avif" in others):
        return AVIF
    if brand in _UNREADABLE:
        return None
    if brand in {b"M4A ", b"M4B "}:
        return M4A
    return QUICKTIME if brand == b"qt  " else MP4
