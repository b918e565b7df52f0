"""Tables that a stranger brings, as comma-separated values: text in UTF-8, with or without a byte-order mark."""

import csv
import io

from models.errors import Invalid

MAX_BYTES = 1_000_000


def lines(data: bytes) -> list[list[str]]:
    """The lines that say anything, as cells without the space around them. Raises Invalid for what is too large, no text,
    or no such table."""
    if len(data) > MAX_BYTES:
        raise Invalid("The file is too large.", code="file_large")
    try:
        written = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        written = "\x00"
    if "\x00" in written:
        raise Invalid("The file is not text in UTF-8.", code="file_kind")
    try:
        found = [[cell.strip() for cell in line] for line in csv.reader(io.StringIO(written, newline=""))]
    except csv.Error:
        raise Invalid("The file is not a list in Mastodon's format.", code="file_kind") from None
    return [line for line in found if any(line)]
