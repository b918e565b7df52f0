"""One way to read a URL, so that the host that is compared is the host that is connected to.

`urllib.parse` and httpx disagree about tabs, backslashes, full-width letters and IDN, and the C library takes
`2130706433` or `0177.1` for an IPv4 address. Whoever writes a URL for us to fetch knows that. So every address from
outside is read once, here, into a `Url`, and everything after that works on its parts:

    https://Rådhus.example:8443/u/lene?x=1#main-key
    scheme  host               port target   fragment

    >>> parse("https://Rådhus.example:8443/u/lene?x=1#main-key")
    Url(scheme='https', host='xn--rdhus-mra.example', port=8443, target='/u/lene?x=1', fragment='main-key')

Path and query keep the spelling they came with (other servers put whole percent-encoded URLs into theirs); only what
may not stand in a request line is percent-encoded.
"""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import idna

MAX_LENGTH = 2048
DEFAULT_PORTS = {"https": 443, "http": 80}

# Names that mean this machine, this network, or an overlay network: never a server of the open fediverse (RFC 6761,
# RFC 6762, RFC 7686, RFC 8375, and what ICANN reserved for private use).
PRIVATE_SUFFIXES = frozenset(
    ("localhost", "localdomain", "local", "internal", "intranet", "lan", "onion", "i2p", "arpa", "alt", "invalid")
)

_SHAPE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)(?:#(.*))?", re.ASCII | re.DOTALL)
_AMBIGUOUS = re.compile(r"[\\\x00-\x20\x7f-\xa0\ud800-\udfff]")
_PLAIN = re.compile(r"https://([a-z0-9.:-]+)/[^\\\x00-\x20\x7f-\xa0\ud800-\udfff]*", re.ASCII)
"""What nearly all ids look like: there is no doubt where their host ends, so nothing else of them has to be read."""

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_OCTET = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)
_NOT_IN_TARGET = re.compile(r"[^!$%&\'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]")


class BadUrl(ValueError):
    """The text is no URL that we could mean the same by as everybody else does. `code` is stable."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Url:
    """A URL in its one canonical form. `host` is an A-label name or an IP address (IPv6 without brackets)."""

    scheme: str
    host: str
    port: int
    target: str
    fragment: str | None = None

    @property
    def netloc(self) -> str:
        """What belongs into the Host header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if DEFAULT_PORTS.get(self.scheme) == self.port else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme and netloc, e.g. `https://ask.example`."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def is_address(self) -> bool:
        """True if the host is an IP address instead of a name."""
        return ":" in self.host or self.host.rpartition(".")[2].isdigit()

    @property
    def text(self) -> str:
        """The URL without its fragment: what is asked for when it is fetched."""
        return self.origin + self.target

    def __str__(self) -> str:
        return self.text if self.fragment is None else f"{self.text}#{self.fragment}"


@lru_cache(maxsize=2048)
def parse(text: str, schemes: tuple[str, ...] = ("https",)) -> Url:
    """Read an absolute URL of one of `schemes`; raises BadUrl for everything with two possible meanings.

    Refused: userinfo, backslashes, spaces and control characters anywhere, characters that only look like a dot or a
    digit, numbers that the C library would take for an address, empty labels and trailing dots.
    """
    if len(text) > MAX_LENGTH:
        raise BadUrl("length", "not a URL of reasonable length")
    if _AMBIGUOUS.search(text) is not None:
        raise BadUrl("characters", "a URL holds no backslash, space or control character")
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise BadUrl("form", "not an absolute URL")
    scheme, authority, target, fragment = shape[1].lower(), shape[2], shape[3], shape[4]
    if scheme not in schemes:
        raise BadUrl("scheme", f"the scheme must be {' or '.join(schemes)}")
    if "@" in authority:
        raise BadUrl("userinfo", "a URL with a user name in it hides its host")
    host, port = _place(authority, scheme)
    target = _NOT_IN_TARGET.sub(_percent, target)
    return Url(scheme, host, port, target if target.startswith("/") else "/" + target, fragment)


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())


@lru_cache(maxsize=2048)
def _place(authority: str, scheme: str) -> tuple[str, int]:
    """Canonical host and port: kept apart, because the ids of one server have nothing else in common."""
    host, port = _split_port(authority, scheme)
    return canonical_host(host), port


def _split_port(authority: str, scheme: str) -> tuple[str, int]:
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        host, colon, digits = host + bracket, rest[:1], rest[1:]
    else:
        host, colon, digits = authority.partition(":")
    if colon not in ("", ":"):
        raise BadUrl("port", "something other than a port follows the host")
    if not digits:
        return host, DEFAULT_PORTS.get(scheme, 0)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5 and 0 < int(digits) < 65536):
        raise BadUrl("port", "the port is not a number from 1 to 65535")
    return host, int(digits)


def canonical_host(text: str) -> str:
    """The one spelling of a host: lower-case A-labels, dotted IPv4, or compressed IPv6 without brackets.

    Unicode names go through strict IDNA 2008 and not through the forgiving mapping of browsers, so that full-width or
    circled characters are refused instead of turning into other hosts.
    """
    if text.startswith("["):
        return _ipv6(text)
    labels = text.split(".")
    canonical = [_label(label) for label in labels]
    last = canonical[-1]
    if last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last):
        return _ipv4(canonical)
    host = ".".join(canonical)
    if len(host) > 253:
        raise BadUrl("host", "the host name is too long")
    return host


def _ipv6(text: str) -> str:
    try:
        if not text.endswith("]") or "%" in text:
            raise ValueError
        return ipaddress.IPv6Address(text[1:-1]).compressed
    except ValueError:
        raise BadUrl("host", "not an IPv6 address") from None


def _ipv4(labels: list[str]) -> str:
    # The C library also takes 127.1, 0x7f000001, 0177.0.0.1 and 2130706433. Nobody who means well writes them.
    if len(labels) != 4 or not all(_OCTET.fullmatch(label) and int(label) < 256 for label in labels):
        raise BadUrl("host", "a number that is not a plain IPv4 address")
    return ".".join(labels)


def _label(label: str) -> str:
    if label.isascii():
        lower = label.lower()
        if _LABEL.fullmatch(lower) is None:
            raise BadUrl("host", "not a host name")
        if lower.startswith("xn--"):
            _check_idna(lower)
        return lower
    try:
        return idna.alabel(unicodedata.normalize("NFC", label.lower())).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise BadUrl("host", "not an international host name") from None


def _check_idna(label: str) -> None:
    try:
        idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        raise BadUrl("host", "not an international host name") from None


def check_public_name(url: Url) -> None:
    """Raise BadUrl unless the host could be a public server by its name alone; asks no DNS."""
    if url.is_address:
        raise BadUrl("address", "servers are named, not numbered")
    first, _, rest = url.host.partition(".")
    if not rest or first == "":
        raise BadUrl("single-label", "a name without a dot is a machine of the local network")
    if url.host.rpartition(".")[2] in PRIVATE_SUFFIXES:
        raise BadUrl("private-name", "the name belongs to a private network")


def host_of(text: object) -> str | None:
    """The canonical netloc of an id (host, and port where it is not the usual one), None if it is no https URL."""
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        return None
    plain = _PLAIN.fullmatch(text)
    return _host_of(text if plain is None else f"https://{plain[1]}/")


@lru_cache(maxsize=4096)
def _host_of(text: str) -> str | None:
    try:
        return parse(text).netloc
    except BadUrl:
        return None


def same_origin(one: object, other: object) -> bool:
    """True if both are https URLs with the same host and port (FEP-fe34). Two unreadable ones are not the same."""
    host = host_of(one)
    return host is not None and host == host_of(other)


def same_document(one: str, other: str) -> bool:
    """True if both ask for the same thing: equal but for fragment, letter case of the host, and an empty path."""
    try:
        return parse(one).text == parse(other).text
    except BadUrl:
        return False


def canonical_domain(text: str) -> str:
    """A domain as a person types it into a block list, in canonical form; raises BadUrl.

    Takes letter case, Unicode, a trailing dot, a leading `*.` and a port in its stride: `*.Evil.example.:443`.
    """
    name = text.strip().removeprefix("*.")
    if not name.startswith("["):
        name = name.partition(":")[0]
    return canonical_host(name.removesuffix("."))


def within_domain(host: str, domain: str) -> bool:
    """True if canonical `host` (with or without port) is `domain` or lies under it."""
    name = host if host.count(":") > 1 else host.partition(":")[0]
    return name == domain or name.endswith("." + domain)


def join(base: Url, reference: str) -> Url:
    """Where a Location header leads from `base`, without fragment; raises BadUrl. Dot segments are left alone."""
    if "\\" in reference or any(ch <= " " or ch == "\x7f" for ch in reference):
        raise BadUrl("characters", "a URL holds no backslash, space or control character")
    reference = reference.partition("#")[0]
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", reference):
        return parse(reference)
    if reference.startswith("//"):
        return parse(f"{base.scheme}:{reference}")
    path, _, query = base.target.partition("?")
    if reference.startswith("/"):
        target = reference
    elif reference.startswith("?"):
        target = path + reference
    elif reference:
        target = path.rpartition("/")[0] + "/" + reference
    else:
        target = f"{path}?{query}" if query else path
    return parse(base.origin + target)
