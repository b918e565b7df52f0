"""Which addresses an app can be registered with: where it may be sent back to (OAuth's `redirect_uri`), and its website."""

from urllib.parse import urlsplit

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
"""Nowhere: the code is shown on a page, to be copied into the app."""

NEVER_REDIRECTED = {
    *("javascript", "data", "vbscript", "file", "filesystem", "about", "blob", "mailto", "tel", "sms", "intent"),
    *("view-source", "ws", "wss", "ftp"),
}
"""Schemes that run something, open something on the device, or lead to no client that could take a code."""


def redirect_fits(uri: str) -> bool:
    """Whether a client may name this as the place to come back to.

    Nothing that readers of addresses disagree on: no backslash, no user name before the host, no fragment, ASCII only.
    A scheme of the app's own may stand alone (`someapp://`).
    """
    if uri == OUT_OF_BAND:
        return True
    if len(uri) > 2000 or "\\" in uri or "#" in uri or any(not 0x21 <= ord(c) <= 0x7E for c in uri):
        return False
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    scheme, _, rest = uri.partition(":")
    if not parts.scheme or scheme.lower() in NEVER_REDIRECTED or "@" in parts.netloc:
        return False
    return bool(parts.hostname) if parts.scheme in {"http", "https"} else bool(rest)


def website_fits(uri: str) -> bool:
    """Whether this can stand as an app's website, with a host that says where it leads."""
    if len(uri) > 2000 or "\\" in uri or " " in uri or not uri.isprintable():
        return False
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
