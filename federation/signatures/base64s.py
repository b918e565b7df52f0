"""Base64 with one spelling for each value."""

import base64
import binascii


def strict_base64(text: str) -> bytes:
    """Decode base64 that is written the only possible way; raises ValueError for every other spelling.

    Lenient decoders ignore stray bits and characters, so that many texts mean one signature; then "changed, but still
    valid" becomes possible.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    if encode_base64(raw) != text:
        raise ValueError("not canonical base64")
    return raw


def encode_base64(raw: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(raw).decode("ascii")
