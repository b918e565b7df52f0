"""Settings: typed, from the environment and one TOML file, each with its meaning beside it.

The environment (`TORV_LISTEN_PORT=8080`) goes before the file (`listen_port = 8080`), the file before the default. The
file is the one `TORV_CONFIG` names, else `torv.toml` in the working directory if there is one. Lists in the environment
are separated by commas. A name nobody knows, or a value of the wrong kind, stops the program with a sentence that names
it: a typing error in a security setting must never pass as "not set".
"""

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from federation.addresses import opening
from models.database import Node

PREFIX = "TORV_"
NOT_SETTINGS = ("TORV_CONFIG", "TORV_TEST_")
"""Names with our prefix that are no settings: the path of the file, and what only the tests read."""

HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?::[0-9]{1,5})?")

DATABASE_FORM = "expected sqlite:////path/torv.db or postgresql://user:password@host/name"

Positive = Annotated[int, Meta(ge=1)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class SettingsError(Exception):
    """A setting is unknown or cannot be what it says; the text names it and where it stands."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an administrator can choose. Built by `load`; tests may build one directly."""

    origin: Annotated[
        str,
        Meta(
            description="Public address of the node, scheme and host only. It is part of every id and must never "
            "change once others know the node. Only an `https` origin federates."
        ),
    ] = "http://localhost:8000"
    domain: Annotated[
        str,
        Meta(description="What stands after the @ in handles. Empty: the host of `origin`. Must never change either."),
    ] = ""
    node_name: Annotated[str, Meta(description="Name of the node, shown on its pages and to other servers.")] = "Torv"
    node_description: Annotated[str, Meta(description="One or two sentences on whom the node is for.")] = ""
    contact_email: Annotated[str, Meta(description="Address of the administrator, shown on the node's pages.")] = ""
    source_url: Annotated[
        str,
        Meta(description="Where the source code of what runs here can be had, told to apps. Empty: the page `/about`."),
    ] = ""
    data_dir: Annotated[
        str, Meta(description="Folder of the SQLite database and of files. Relative to the working directory.")
    ] = "data"
    database_url: Annotated[
        str,
        Meta(
            description="Where the data lives: `sqlite:////path/torv.db` or `postgresql://user:password@host/name`. "
            "Empty: `torv.db` in `data_dir`. `DATABASE_URL` is read as well."
        ),
    ] = ""
    database_pool: Annotated[
        Positive,
        Meta(
            description="Database connections that a process keeps: for reading (SQLite), or for everything (PostgreSQL, "
            "where two more are opened at peaks and one listens)."
        ),
    ] = 8
    database_listen_url: Annotated[
        str,
        Meta(
            description="The way to PostgreSQL itself, where `database_url` leads to a pooler such as pgbouncer in "
            "transaction mode: processes hear each other on it. Empty: `database_url`."
        ),
    ] = ""
    listen_host: Annotated[str, Meta(description="Address on which `torv serve` answers.")] = "127.0.0.1"
    listen_port: Annotated[Port, Meta(description="Port on which `torv serve` answers.")] = 8000
    web_processes: Annotated[
        Positive,
        Meta(
            description="Processes of `torv serve` that answer, best one for each core; deliveries and processing run in "
            "the first of them. With more than one, each has its `/metrics` at a port of its own, from `admin_port` on."
        ),
    ] = 1
    admin_host: Annotated[
        str, Meta(description="Address of `/metrics`. Keep it private: the figures are not for everybody.")
    ] = "127.0.0.1"
    admin_port: Annotated[Port, Meta(description="Port of `/metrics`; 0 switches it off.")] = 9464
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Networks of the reverse proxies whose `X-Forwarded-For` is believed, "
            "e.g. `127.0.0.0/8,::1/128`. Empty: nobody's."
        ),
    ] = ()
    fetch_allow: Annotated[
        tuple[str, ...],
        Meta(
            description="Private networks the node may fetch from in spite of the guard, as `network` (port 443) or "
            "`network:port`, e.g. `127.0.0.0/8:8443` or `[::1]/128:8443`. For test set-ups; leave it empty."
        ),
    ] = ()
    resolve: Annotated[
        tuple[str, ...],
        Meta(
            description="Names that are not looked up in DNS, as `name=address`, e.g. `b.example=127.0.0.2`. For test "
            "set-ups; leave it empty."
        ),
    ] = ()
    ca_file: Annotated[
        str, Meta(description="File with the certificate authorities to trust when fetching. Empty: the system's.")
    ] = ""
    authorized_fetch: Annotated[
        bool, Meta(description="Show objects to other servers only if they sign their requests.")
    ] = False
    question_object: Annotated[
        Literal["note", "note-without-name", "page"],
        Meta(
            description="How a question goes out: `note` (readable everywhere), `note-without-name` (GoToSocial and "
            "snac2 show it nicer, Lemmy and NodeBB lose the title) or `page` (as Lemmy does; Mastodon shows a link)."
        ),
    ] = "note"
    registrations: Annotated[
        Literal["closed", "invite", "approval", "domain", "open"],
        Meta(
            description="Who may make an account, until an administrator chooses on the pages: nobody (`closed`), whoever "
            "has an invitation (`invite`), whoever a moderator lets in (`approval`), whoever has an address at one of "
            "`registration_domains` (`domain`), or anybody (`open`). With `smtp_host` addresses are confirmed first."
        ),
    ] = "invite"
    registration_domains: Annotated[
        tuple[str, ...],
        Meta(description="What stands after the @ of those who may make an account where `registrations` is `domain`."),
    ] = ()
    sign_ups_per_hour: Annotated[
        Positive, Meta(description="Accounts that one network may make in an hour without invitations.")
    ] = 10
    api_calls: Annotated[
        Positive,
        Meta(description="Calls of the client API that an account, or a network without one, has in 5 minutes."),
    ] = 300
    api_uploads: Annotated[
        Positive, Meta(description="Uploads and deletions that an account has in 30 minutes through the client API.")
    ] = 30
    smtp_host: Annotated[
        str, Meta(description="Mail server that sends for this node. Empty: the node sends no mail.")
    ] = ""
    smtp_port: Annotated[Port, Meta(description="Its port.")] = 587
    smtp_security: Annotated[
        Literal["starttls", "tls", "none"],
        Meta(description="How the way to it is encrypted: after a word (`starttls`), from the start (`tls`), or not."),
    ] = "starttls"
    smtp_user: Annotated[str, Meta(description="Name to sign in to it with. Empty: no signing in.")] = ""
    smtp_password: Annotated[str, Meta(description="Password to sign in to it with.")] = ""
    mail_from: Annotated[
        str, Meta(description="Address that mail comes from. Empty: `torv@` and the domain of handles.")
    ] = ""
    default_language: Annotated[
        Literal["da", "en"], Meta(description="Language for visitors whose browser asks for none we have.")
    ] = "da"
    time_zone: Annotated[str, Meta(description="Zone in which pages show times to those who chose no other.")] = (
        "Europe/Copenhagen"
    )
    workers_in_serve: Annotated[
        bool,
        Meta(description="Deliver and process within `torv serve`. Switch off where `torv worker` runs beside it."),
    ] = True
    delivery_concurrency: Annotated[Positive, Meta(description="Deliveries under way at once, per process.")] = 256
    per_host: Annotated[Positive, Meta(description="Deliveries under way at once to one host.")] = 2
    delivery_deadline: Annotated[Seconds, Meta(description="Seconds one delivery may take, everything included.")] = (
        15.0
    )
    fetch_deadline: Annotated[Seconds, Meta(description="Seconds one fetch may take, everything included.")] = 10.0
    max_body: Annotated[
        Annotated[int, Meta(ge=65536)], Meta(description="Most bytes of one activity or document, in and out.")
    ] = 1_000_000
    receive_deadline: Annotated[Seconds, Meta(description="Seconds a visitor has to send a request in full.")] = 20.0
    inbox_burst: Annotated[
        Positive, Meta(description="Activities that one domain at one address may send at once before it hears 429.")
    ] = 2000
    inbox_per_second: Annotated[Seconds, Meta(description="How many of these come free again each second.")] = 800.0
    inbox_unknown_burst: Annotated[
        Positive,
        Meta(description="The same for activities that cost a fetch (unknown key) or fail their signature."),
    ] = 50
    inbox_unknown_per_second: Annotated[Seconds, Meta(description="How many of those come free again each second.")] = (
        5.0
    )
    inbox_at_once: Annotated[
        Positive,
        Meta(
            description="Activities in hand at once, a fourth of them of one network; others wait with bodies unread."
        ),
    ] = 256
    media_max_image_bytes: Annotated[Positive, Meta(description="Most bytes of an image that somebody uploads.")] = (
        16_000_000
    )
    media_max_video_bytes: Annotated[
        Positive, Meta(description="The same for a video or a sound; these are taken where `ffmpeg` is installed.")
    ] = 40_000_000
    media_max_remote_bytes: Annotated[
        Positive, Meta(description="Most bytes of a file of another server that is fetched to be shown here.")
    ] = 20_000_000
    media_cache_bytes: Annotated[
        Positive,
        Meta(
            description="Disk for files of other servers, in `media/remote` of `data_dir`. Beyond it those go that were "
            "not looked at for longest; they are fetched again when somebody does."
        ),
    ] = 2_000_000_000
    media_store: Annotated[
        Literal["disk", "s3"],
        Meta(
            description="Where files that people upload are kept: in `media` of `data_dir` (`disk`), or in the bucket "
            "(`s3`), which all machines share. `torv media move` moves those that are there."
        ),
    ] = "disk"
    media_url: Annotated[
        str,
        Meta(
            description="Address at which everybody may read `media/` of the bucket, such as that of a CDN: visitors are "
            "sent there. Empty: the node reads the bucket for them."
        ),
    ] = ""
    s3_endpoint: Annotated[str, Meta(description="Address of the object storage. Empty: Amazon's for `s3_region`.")] = (
        ""
    )
    s3_bucket: Annotated[str, Meta(description="Name of the bucket. Empty: there is none.")] = ""
    s3_region: Annotated[str, Meta(description="Its region; many storages take any.")] = "us-east-1"
    s3_access_key: Annotated[str, Meta(description="Name of the key that may read, write and delete in it.")] = ""
    s3_secret_key: Annotated[str, Meta(description="The secret of that key.")] = ""
    s3_path_style: Annotated[
        bool,
        Meta(
            description="The bucket stands in the path (`https://host/bucket/…`), as most storages want it. Switch off "
            "where it is part of the host's name; then it stands in `s3_endpoint` too."
        ),
    ] = True
    upload_deadline: Annotated[Seconds, Meta(description="Seconds somebody has to send a file in full.")] = 300.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least important lines that are logged.")
    ] = "info"
    log_format: Annotated[
        Literal["text", "json"], Meta(description="Lines for people (`text`) or for a collector (`json`).")
    ] = "text"

    def __post_init__(self) -> None:
        scheme, _, host = self.origin.rstrip("/").partition("://")
        if scheme not in {"http", "https"} or not _is_host(host):
            raise ValueError(
                "origin: expected scheme and host in lower case, such as https://torv.example.dk, and nothing after it"
            )
        if self.domain and not _is_host(self.domain):
            raise ValueError("domain: expected a host name in lower case, such as example.dk")
        if self.contact_email and not re.fullmatch(r"[^@\s]+@[^@\s]+", self.contact_email):
            raise ValueError("contact_email: expected an e-mail address")
        if self.source_url and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", self.source_url):
            raise ValueError("source_url: expected an address that begins with https:// or http://")
        if not self.data_dir.strip():
            raise ValueError("data_dir: expected a folder")
        for name in ("listen_host", "admin_host"):
            _require_address(name, getattr(self, name))
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError):
            raise ValueError(
                f"time_zone: there is no zone {self.time_zone!r} on this machine; expected one such as Europe/Copenhagen"
            ) from None
        for name in ("database_url", "database_listen_url"):
            _require_database(name, getattr(self, name))
        if self.database_listen_url and not self.database_listen_url.startswith("postgres"):
            raise ValueError("database_listen_url: expected postgresql://user:password@host/name")
        for fixed in self.resolve:
            name, _, address = fixed.partition("=")
            try:
                ipaddress.ip_address(address)
            except ValueError:
                raise ValueError(f"resolve: expected name=address, not {fixed!r}") from None
            if not HOST.fullmatch(name) or ":" in name:
                raise ValueError(f"resolve: {name!r} is no host name")
        for network in self.trusted_proxies:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(f"trusted_proxies: {error}") from None
        for host in self.registration_domains:
            if not HOST.fullmatch(host) or "." not in host:
                raise ValueError(f"registration_domains: {host!r} is no domain")
        if self.registrations == "domain" and not (self.registration_domains and self.smtp_host):
            raise ValueError("registrations: domain asks for registration_domains and for smtp_host")
        for entry in self.fetch_allow:
            opening(entry)  # its text begins with the setting's name itself
        for name in ("media_url", "s3_endpoint"):
            if (address := getattr(self, name)) and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", address):
                raise ValueError(f"{name}: expected an address that begins with https:// or http://")
        if self.media_store == "s3" and not self.s3_bucket:
            raise ValueError("media_store: s3 asks for s3_bucket")
        if self.s3_bucket and not (self.s3_access_key and self.s3_secret_key):
            raise ValueError("s3_bucket: asks for s3_access_key and s3_secret_key")
        if self.ca_file and not Path(self.ca_file).is_file():
            raise ValueError(f"ca_file: there is no file {self.ca_file}")

    @property
    def node(self) -> Node:
        """Who we are, without a trailing slash and with the handle's domain filled in."""
        origin = self.origin.rstrip("/")
        return Node(origin, self.domain or origin.split("://", 1)[1])

    @property
    def data_path(self) -> Path:
        """The data folder, absolute."""
        return Path(self.data_dir).absolute()

    @property
    def media_origin(self) -> str:
        """Scheme and host of `media_url`, which pages may show pictures and films from; empty without one."""
        return "/".join(self.media_url.split("/")[:3]) if self.media_store == "s3" else ""

    @property
    def database(self) -> str:
        """The database's URL. May hold a password: never log it."""
        url = self.database_url or f"sqlite:///{self.data_path / 'torv.db'}"
        return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)

    @property
    def sqlite_path(self) -> Path | None:
        """The SQLite file; None on PostgreSQL."""
        return Path(self.database.removeprefix("sqlite:///")).absolute() if self.database.startswith("sqlite") else None

    @property
    def proxy_networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """`trusted_proxies`, parsed."""
        return _networks(tuple(self.trusted_proxies))


@cache
def _networks(written: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Asked for with each request."""
    return tuple(ipaddress.ip_network(network) for network in written)


def _is_host(text: str) -> bool:
    """Whether it is a host name in lower case, with a port perhaps."""
    _, colon, port = text.partition(":")
    return HOST.fullmatch(text) is not None and (not colon or 0 < int(port) < 65536)


def _require_address(name: str, host: str) -> None:
    """Raise ValueError unless one can listen there. An empty name would mean every address of the machine."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not HOST.fullmatch(host) or ":" in host or host.replace(".", "").isdigit():
            raise ValueError(f"{name}: expected an address of this machine, such as 127.0.0.1 or 0.0.0.0") from None


def _require_database(name: str, url: str) -> None:
    """Raise ValueError for what is no database of ours. The text never repeats the URL: a password may stand in it."""
    if not url:
        return
    try:
        read = make_url(re.sub(r"^postgres://", "postgresql://", url))
    except (ArgumentError, ValueError):
        raise ValueError(f"{name}: {DATABASE_FORM}") from None
    kind = read.get_backend_name()
    if kind not in {"sqlite", "postgresql"} or not read.database or (kind == "sqlite" and read.database == ":memory:"):
        raise ValueError(f"{name}: {DATABASE_FORM}")


def documented() -> dict[str, tuple[str, Any]]:
    """Every setting with its description and default, in the order of the class."""
    hints = get_type_hints(Settings, include_extras=True)
    described = {}
    for field in msgspec.structs.fields(Settings):
        metas = [meta for meta in getattr(hints[field.name], "__metadata__", ()) if isinstance(meta, Meta)]
        described[field.name] = (next(m.description for m in metas if m.description), field.default)
    return described


def load(environ: Mapping[str, str] | None = None, *, path: str | Path | None = None) -> Settings:
    """The settings of this process. Raises SettingsError, whose text names the setting at fault and where it stands."""
    environ = os.environ if environ is None else environ
    named = path or environ.get("TORV_CONFIG")
    file = Path(named or "torv.toml")
    values: dict[str, tuple[Any, str]] = {}
    if named or file.is_file():
        values |= _from_file(file)
    if environ.get("DATABASE_URL"):
        values["database_url"] = (environ["DATABASE_URL"], "DATABASE_URL")
    values |= _from_environment(environ)
    hints = get_type_hints(Settings, include_extras=True)
    known: dict[str, Any] = {}
    for name, (value, where) in values.items():
        if name not in hints:
            near = difflib.get_close_matches(name, hints, 1)
            raise SettingsError(f"{where}: there is no such setting{f'; did you mean {near[0]}?' if near else ''}")
        if where.startswith(PREFIX) and _is_list(hints[name]):
            value = [part.strip() for part in value.split(",") if part.strip()]
        try:
            known[name] = msgspec.convert(value, hints[name], strict=not where.startswith(PREFIX))
        except msgspec.ValidationError as error:
            raise SettingsError(f"{where}: {_expected(hints[name], error)}, not {value!r}") from None
    try:
        return Settings(**known)
    except ValueError as error:
        name = str(error).split(":", 1)[0]
        where = values[name][1] if name in values else name
        raise SettingsError(f"{where}: {str(error).removeprefix(f'{name}: ')}") from None


def _expected(hint: Any, error: msgspec.ValidationError) -> str:
    """What would have been taken, as one may write it."""
    kind = getattr(hint, "__origin__", hint)
    if get_origin(kind) is Literal:
        return f"expected one of {', '.join(get_args(kind))}"
    return str(error).split(", got")[0]


def _is_list(hint: Any) -> bool:
    return "tuple" in str(getattr(hint, "__origin__", hint))


def _from_file(file: Path) -> dict[str, tuple[Any, str]]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: {error}") from None
    return {name: (value, f"{name} in {file}") for name, value in content.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    return {
        name.removeprefix(PREFIX).lower(): (value, name)
        for name, value in environ.items()
        if name.startswith(PREFIX) and not name.startswith(NOT_SETTINGS)
    }
