"""Pictures, films and sounds to upload, made anew for each test, good ones and hostile ones."""

import io
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, TiffImagePlugin

RED = (200, 30, 30)


def picture(form: str = "PNG", size: tuple[int, int] = (320, 200), mode: str = "RGB", **how: Any) -> bytes:
    """A red picture in a form that Pillow writes."""
    color: Any = RED if mode in {"RGB", "CMYK"} else (*RED, 128) if mode == "RGBA" else 90
    if mode == "CMYK":
        color = (0, 200, 200, 20)
    out = io.BytesIO()
    Image.new(mode, size, color).save(out, form, **how)
    return out.getvalue()


def photograph() -> bytes:
    """A JPEG as a telephone makes it: lying on its side, with the place where it was taken, a comment and a profile."""
    image = Image.new("RGB", (300, 200), RED)
    image.paste((20, 20, 200), (0, 0, 300, 100))
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn it a quarter clockwise
    exif[0x010F] = "Hemmelig Telefon"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", tuple(TiffImagePlugin.IFDRational(part) for part in (55, 40, 34))
    gps[3], gps[4] = "E", tuple(TiffImagePlugin.IFDRational(part) for part in (12, 34, 6))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif, icc_profile=profile, comment=b"hemmelig kommentar")
    return out.getvalue()


def animation(form: str = "GIF", frames: int = 4, size: tuple[int, int] = (64, 48)) -> bytes:
    """Pictures that move."""
    made = [Image.new("RGB", size, (at * 40 % 255, 10, 200)) for at in range(frames)]
    out = io.BytesIO()
    made[0].save(out, form, save_all=True, append_images=made[1:], duration=100, loop=0)
    return out.getvalue()


def claiming(width: int, height: int) -> bytes:
    """A small PNG that says it is huge."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\x00" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def bomb() -> bytes:
    """A few kilobytes that unpack to hundreds of megabytes of pixels."""
    out = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG", optimize=False)
    return out.getvalue()


def film(folder: Path, *, seconds: float = 1.0, sound: bool = True, codec: str = "libx264", end: str = "mp4") -> bytes:
    """A small film made by ffmpeg, with the place where it was taken in it."""
    target = folder / f"made.{end}"
    tone = ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"] if sound else []
    subprocess.run(
        [
            "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc=duration={seconds}:size=160x120:rate=10", *tone,
            "-pix_fmt", "yuv420p", "-c:v", codec, "-metadata", "location=+55.6761+012.5683/",
            "-metadata", "title=hemmelig", "-movflags", "use_metadata_tags", str(target),
        ],
        check=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return target.read_bytes()


def tone(folder: Path, end: str = "mp3") -> bytes:
    """A small sound made by ffmpeg, with a title in it."""
    target = folder / f"made.{end}"
    made = ["-f", "lavfi", "-i", "sine=frequency=440:duration=1", "-metadata", "title=hemmelig", str(target)]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *made], check=True, timeout=60, stdin=subprocess.DEVNULL)
    return target.read_bytes()
