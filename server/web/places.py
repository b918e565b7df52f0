"""Where a list that is ordered by how well things fit goes on: the newest thing when it was begun, and how many were
shown. Opaque to its readers; whatever does not read as one is the beginning."""

import base64
import binascii
import struct

_FORM = struct.Struct(">QH")


def write(newest: int, shown: int) -> str:
    """A place, for the query of an address."""
    return base64.urlsafe_b64encode(_FORM.pack(newest, min(shown, 0xFFFF))).decode().rstrip("=")


def read(value: str) -> tuple[int | None, int]:
    """(newest, shown) of a place; (None, 0) for what is none."""
    try:
        newest, shown = _FORM.unpack(base64.urlsafe_b64decode(value.encode("ascii") + b"=="))
    except (ValueError, binascii.Error, struct.error):
        return None, 0
    return (newest, shown) if newest < 2**63 - 1 else (None, 0)
