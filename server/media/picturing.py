"""Makes a clean picture out of a stranger's: a program of its own, started for each picture and confined.

`python picturing.py '{"source": …, "decoder": "JPEG", "folder": …, "as": "picture"}'` writes the files into `folder` and
says as JSON what it made, or `{"error": …}`. The result holds pixels and nothing else: no place where it was taken, no
camera, no second file hidden behind the first. It knows Pillow and not the node.
"""

import io
import json
import sys
import warnings
from pathlib import Path
from typing import Any

from blurhash_rs import blurhash_encode
from PIL import Image, ImageCms, ImageOps

SHOWN_PIXELS = 2048 * 2048
PREVIEW_PIXELS = 640 * 400
CROPS = {"avatar": (400, 400), "header": (1500, 500)}
LOGO = (480, 160)
"""Into which the mark of a node is fitted, whole."""

ANIMATED_PIXELS = 1280 * 720
ANIMATED_FRAMES = 2000
QUALITY = 88
HEAVY = 3_000_000
"""Bytes from which a PNG without transparency is better a JPEG."""

FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}


class Refused(Exception):
    """The picture cannot be taken; the text is for who sent it."""


def main(wish: dict[str, Any]) -> dict[str, Any]:
    """Do what the arguments say."""
    Image.MAX_IMAGE_PIXELS = None  # our own limit stands below, and is stricter
    warnings.simplefilter("ignore")
    try:
        with Image.open(wish["source"], formats=[wish["decoder"]]) as opened:
            width, height = opened.size
            if width * height > wish["max_pixels"] or min(width, height) < 1:
                raise Refused(f"Images can have at most {wish['max_pixels']} pixels")
            if wish["decoder"] != "JPEG" and getattr(opened, "is_animated", False):
                return _animated(opened, wish["decoder"])
            image = _clean(opened)
        return _made(image, wish)
    except Refused as refused:
        return {"error": str(refused)}
    except MemoryError:
        return {"error": "The image is too large"}
    except Exception:  # whatever a stranger's file does to a decoder: it is not a picture
        return {"error": "The image is damaged or not what it seems"}


def _animated(opened: Image.Image, decoder: str) -> dict[str, Any]:
    if decoder != "GIF":
        raise Refused("Animations can be sent as GIF or as video only")
    width, height = opened.size
    if width * height > ANIMATED_PIXELS:
        raise Refused(f"Animated images can have at most {ANIMATED_PIXELS} pixels")
    if getattr(opened, "n_frames", 1) > ANIMATED_FRAMES:
        raise Refused("The animation is too long")
    return {"animated": True}


def _clean(opened: Image.Image) -> Image.Image:
    """The pixels as they are meant to be seen: upright, in sRGB, eight bits; and nothing that came with them."""
    image: Image.Image = opened
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    elif image.mode == "F":
        raise Refused("The image is of a kind that cannot be shown")
    upright = ImageOps.exif_transpose(image)
    image = upright if upright is not None else image
    image = _in_srgb(image, profile)
    if "transparency" in image.info or image.mode in {"LA", "PA", "La", "RGBa"}:
        image = image.convert("RGBA")
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == 255:
        image = image.convert("RGB")
    if image.mode not in {"RGB", "RGBA"}:
        image = image.convert("RGB")
    image.load()
    image = image.copy()
    image.info = {}
    return image


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile or image.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        changed = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, ValueError, OSError):
        return image
    return changed if changed is not None else image


def _made(image: Image.Image, wish: dict[str, Any]) -> dict[str, Any]:
    folder = Path(wish["folder"])
    if wish["as"] in CROPS:
        whole = ImageOps.fit(image, CROPS[wish["as"]], Image.Resampling.LANCZOS)
        return {"original": _save(whole, folder / "whole", wish["decoder"]), "blurhash": _blurhash(whole)}
    if wish["as"] == "logo":
        whole = ImageOps.contain(image, LOGO, Image.Resampling.LANCZOS)
        return {"original": _save(whole, folder / "whole", wish["decoder"]), "blurhash": _blurhash(whole)}
    small = _within(image, PREVIEW_PIXELS)
    made = {"small": _save(small, folder / "small", wish["decoder"]), "blurhash": _blurhash(small)}
    if wish["as"] == "picture":
        made["original"] = _save(_within(image, SHOWN_PIXELS), folder / "whole", wish["decoder"])
    return made


def _within(image: Image.Image, pixels: int) -> Image.Image:
    """The picture with at most so many pixels, of the same shape."""
    width, height = image.size
    share = (pixels / (width * height)) ** 0.5
    if share >= 1:
        return image
    size = (max(1, int(width * share)), max(1, int(height * share)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _save(image: Image.Image, place: Path, decoder: str) -> dict[str, Any]:
    """Write a picture in the form it came in where that is one that all can read."""
    form = {"GIF": "PNG", "AVIF": "WEBP"}.get(decoder, decoder)
    if image.mode == "RGBA" and form == "JPEG":
        form = "PNG"
    _write(image, place, form)
    if form == "PNG" and image.mode == "RGB" and place.stat().st_size > HEAVY:
        form = "JPEG"
        _write(image, place, form)
    return {"file": place.name, "extension": FORMATS[form], "width": image.width, "height": image.height}


def _write(image: Image.Image, place: Path, form: str) -> None:
    ways: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": QUALITY, "progressive": True, "optimize": True},
        "PNG": {"optimize": False},
        "WEBP": {"quality": QUALITY, "method": 4},
    }
    how = ways[form]
    with place.open("wb") as out:
        image.save(out, form, **how)


def _blurhash(image: Image.Image) -> str:
    tiny = image.resize((64, 64), Image.Resampling.BILINEAR, reducing_gap=2.0)
    if tiny.mode == "RGBA":
        ground = Image.new("RGBA", tiny.size, (255, 255, 255, 255))
        tiny = Image.alpha_composite(ground, tiny)
    return blurhash_encode(tiny.convert("RGB"), 4, 3)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
