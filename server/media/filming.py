"""Makes clean films and sounds out of strangers' with ffmpeg, where it is installed with the encoders we need.

The form a file is in is fixed by its first bytes and told to ffmpeg, and only this very file may be opened: a playlist
that calls itself a film could else make it read our files, or ask other servers.
"""

import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from server.media.kinds import Sniffed
from server.media.programs import Bounds, Failed, run

SIDE = 1920
"""Longest side of a film as it is shown."""

PIXELS = 3840 * 2160
SECONDS = 600
"""Longest film or sound."""

FRAMES_PER_SECOND = 120
SHOWN_FRAMES_PER_SECOND = 60
ENCODERS = ("libx264", "aac", "libmp3lame")

PROBE = Bounds(seconds=15, cpu=10, memory=1_000_000_000, file_bytes=0)
FILM = Bounds(seconds=110, cpu=300, memory=4_000_000_000, file_bytes=200_000_000)


class Refused(Exception):
    """The file cannot be taken; the text is for who sent it."""


@dataclass(frozen=True)
class Tools:
    """Where the two programs are."""

    ffmpeg: str
    ffprobe: str


@dataclass(frozen=True)
class Probed:
    """What ffprobe says of a file."""

    width: int = 0
    height: int = 0
    seconds: float = 0.0
    fps: float = 0.0
    bitrate: int = 0
    video: str = ""
    pixels: str = ""
    audio: str = ""
    upright: bool = True

    @property
    def plain(self) -> bool:
        """Whether browsers and apps can show the film as it is, so that its pictures need not be made anew."""
        small = max(self.width, self.height) <= SIDE and self.fps <= SHOWN_FRAMES_PER_SECOND
        return self.video == "h264" and self.pixels in {"yuv420p", "yuvj420p"} and small


@lru_cache(maxsize=1)
def tools() -> Tools | None:
    """ffmpeg, if it is here and can do what we need."""
    ffmpeg, ffprobe = shutil.which("ffmpeg"), shutil.which("ffprobe")
    if ffmpeg is None or ffprobe is None:
        return None
    try:
        asked = subprocess.run([ffmpeg, "-hide_banner", "-encoders"], capture_output=True, timeout=20, check=True)  # noqa: S603
    except (subprocess.SubprocessError, OSError):
        return None
    said = asked.stdout.decode("utf-8", "replace")
    return Tools(ffmpeg, ffprobe) if all(f" {name} " in said for name in ENCODERS) else None


def _reading(source: Path, sniffed: Sniffed) -> list[str]:
    return ["-protocol_whitelist", "file", "-f", sniffed.decoder, "-i", f"file:{source}"]


async def probe(found: Tools, source: Path, sniffed: Sniffed) -> Probed:
    """What is in a film or sound. Raises Refused."""
    wanted = ["-show_entries", "format=duration,bit_rate:stream:stream_disposition:stream_side_data=rotation"]
    try:
        said = await run([found.ffprobe, "-v", "error", "-of", "json", *wanted, *_reading(source, sniffed)], PROBE)
        told = msgspec.json.decode(said)
    except (Failed, msgspec.DecodeError):
        raise Refused("The file is damaged or not what it seems") from None
    streams = [one for one in told.get("streams", []) if isinstance(one, dict)]
    covers = [one for one in streams if one.get("disposition", {}).get("attached_pic")]
    video = next((one for one in streams if one.get("codec_type") == "video" and one not in covers), {})
    audio = next((one for one in streams if one.get("codec_type") == "audio"), {})
    form = told.get("format", {})
    return Probed(
        width=_whole(video.get("width")),
        height=_whole(video.get("height")),
        seconds=_number(form.get("duration") or video.get("duration") or audio.get("duration")),
        fps=_rate(video.get("avg_frame_rate")) or _rate(video.get("r_frame_rate")),
        bitrate=_whole(form.get("bit_rate")),
        video=str(video.get("codec_name", "")),
        pixels=str(video.get("pix_fmt", "")),
        audio=str(audio.get("codec_name", "")),
        upright=not any(side.get("rotation") for side in video.get("side_data_list", [])),
    )


def check(probed: Probed) -> None:
    """Raises Refused for what is too large, too long, or nothing at all."""
    if not probed.video and not probed.audio:
        raise Refused("The file holds neither pictures nor sound")
    if probed.seconds > SECONDS:
        raise Refused(f"Videos and sounds can last at most {SECONDS // 60} minutes")
    if probed.width * probed.height > PIXELS:
        raise Refused(f"Videos can have at most {PIXELS} pixels")
    if probed.fps > FRAMES_PER_SECOND:
        raise Refused(f"Videos can have at most {FRAMES_PER_SECOND} frames per second")


async def film(found: Tools, source: Path, sniffed: Sniffed, probed: Probed, target: Path, *, silent: bool) -> None:
    """Write an MP4 of H.264 and AAC that holds pictures and sound and nothing else. Raises Refused."""
    how = ["-c:v", "copy"] if probed.plain and probed.upright and not silent else _encoded(probed)
    sound = ["-an"] if silent or not probed.audio else ["-map", "0:a:0", *_sound(probed)]
    await _write(
        found, source, sniffed, ["-map", "0:v:0", *how, *sound, "-movflags", "+faststart", "-f", "mp4", str(target)]
    )


async def sound(found: Tools, source: Path, sniffed: Sniffed, probed: Probed, target: Path) -> None:
    """Write an MP3 that holds the sound and nothing else. Raises Refused."""
    how = ["-c:a", "copy"] if probed.audio == "mp3" else ["-c:a", "libmp3lame", "-q:a", "3"]
    await _write(
        found, source, sniffed, ["-map", "0:a:0", *how, "-vn", "-id3v2_version", "0", "-f", "mp3", str(target)]
    )


async def still(found: Tools, film: Path, probed: Probed, target: Path) -> None:
    """Write a picture out of the beginning of one of our own films. Raises Refused."""
    at = min(1.0, probed.seconds / 3)
    program = ["-ss", f"{at:.2f}", "-protocol_whitelist", "file", "-f", "mov", "-i", f"file:{film}"]
    picture = ["-map", "0:v:0", "-frames:v", "1", "-c:v", "png", "-f", "image2", "-update", "1", str(target)]
    await _run(found, [*program, *picture])


def _encoded(probed: Probed) -> list[str]:
    scale = f"scale='min({SIDE},iw)':'min({SIDE},ih)':force_original_aspect_ratio=decrease:force_divisible_by=2"
    rate = ["-r", str(SHOWN_FRAMES_PER_SECOND)] if probed.fps > SHOWN_FRAMES_PER_SECOND else []
    return [
        "-vf", f"{scale},format=yuv420p", *rate, "-c:v", "libx264", "-preset", "veryfast", "-crf", "25",
        "-maxrate", "4M", "-bufsize", "8M", "-profile:v", "high", "-threads", "2",
    ]  # fmt: skip


def _sound(probed: Probed) -> list[str]:
    return ["-c:a", "copy"] if probed.audio == "aac" else ["-c:a", "aac", "-b:a", "128k", "-ac", "2"]


async def _write(found: Tools, source: Path, sniffed: Sniffed, out: list[str]) -> None:
    nothing_else = ["-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn", "-fflags", "+bitexact"]
    exact = ["-flags:v", "+bitexact", "-flags:a", "+bitexact", "-t", str(SECONDS)]
    await _run(found, [*_reading(source, sniffed), *nothing_else, *exact, *out])


async def _run(found: Tools, how: list[str]) -> None:
    try:
        await run([found.ffmpeg, "-v", "error", "-nostdin", "-hide_banner", "-y", *how], FILM)
    except Failed:
        raise Refused("The file could not be read, or the work on it took too long") from None


def _whole(value: Any) -> int:
    return int(_number(value))


def _number(value: Any) -> float:
    try:
        found = float(value or 0)
    except (TypeError, ValueError):
        return 0.0
    return found if 0 <= found < 1e12 else 0.0


def _rate(value: Any) -> float:
    above, _, below = str(value or "").partition("/")
    divisor = _number(below or 1)
    return _number(above) / divisor if divisor else 0.0
