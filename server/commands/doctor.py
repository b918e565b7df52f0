"""`torv doctor`: looks for what is wrong or missing, and says what to do about it."""

import asyncio
import json
import secrets
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import click
from sqlalchemy.exc import SQLAlchemyError

from models import actor_keys, actors, migrating, queues
from models.database import Database, complaint
from models.errors import DomainError
from server import health
from server.cli import FAILED, Failed
from server.commands.opening import as_json, connect, require_same_name, show
from server.settings import Settings, load

LONG_WAIT = 3600.0
CERTIFICATE_DAYS = 14
TLS_SECONDS = 10.0


@dataclass(frozen=True)
class Finding:
    """What one look found: `ok`, `warning` (works, but should not stay so) or `failed`."""

    name: str
    state: str
    text: str


@click.command()
@click.option("--offline", is_flag=True, help="Leave out what asks the network.")
@as_json
def doctor(offline: bool, as_json: bool) -> None:
    """Look for what is wrong or missing. Ends with code 1 if something does not work."""
    chosen = load()
    looks = [*_local_looks(chosen)]
    if not offline and chosen.smtp_host:
        looks.append(lambda: [mail_look(chosen)])
    if not offline and chosen.s3_bucket:
        looks.append(lambda: [bucket_look(chosen)])
    if not offline and chosen.node.federates:
        looks.append(lambda: asyncio.run(from_outside(chosen)))
    found: list[Finding] = []
    for look in looks:
        for finding in look():
            found.append(finding)
            if not as_json:
                sign = {"ok": "✓", "warning": "!", "failed": "✗"}[finding.state]
                click.echo(f"{sign} {finding.name:<12} {finding.text}")
    failed = [finding for finding in found if finding.state == "failed"]
    if as_json:
        show([{"name": one.name, "state": one.state, "text": one.text} for one in found])
    if failed:
        raise Failed(f"{len(failed)} of {len(found)} checks failed.", FAILED)


def _local_looks(chosen: Settings) -> Iterator[Callable[[], list[Finding]]]:
    yield lambda: settings_look(chosen)
    yield lambda: stored_look(chosen)


def settings_look(chosen: Settings) -> list[Finding]:
    """Settings that work but should not stay so."""
    found = []

    def warn(text: str) -> None:
        found.append(Finding("settings", "warning", text))

    if not chosen.node.federates:
        warn(f"{chosen.node.origin} is no public https origin: no other server can reach this node. Set TORV_ORIGIN.")
    elif not chosen.trusted_proxies:
        warn("no trusted_proxies: behind a proxy all visitors look like one. Set TORV_TRUSTED_PROXIES.")
    if chosen.fetch_allow:
        warn(f"fetch_allow opens {', '.join(chosen.fetch_allow)}: strangers can make the node fetch from there.")
    if chosen.ca_file:
        warn(f"ca_file is {chosen.ca_file}: the system's certificate authorities are not used.")
    if not chosen.smtp_host:
        warn("no smtp_host: no address is confirmed, and who loses a password needs you. Set TORV_SMTP_HOST.")
    elif chosen.smtp_security == "none" and chosen.smtp_user:
        warn("smtp_security is none: the password to the mail server can be read on its way.")
    if not chosen.contact_email:
        warn("no contact_email: nobody can tell the administrator of a problem. Set TORV_CONTACT_EMAIL.")
    return found or [Finding("settings", "ok", "nothing unusual")]


def mail_look(chosen: Settings) -> Finding:
    """Whether the mail server lets us in; no letter is sent."""
    import smtplib

    from server import mail

    where = f"{chosen.smtp_host}:{chosen.smtp_port}"
    try:
        with mail.connected(chosen) as server:
            server.noop()
    except smtplib.SMTPResponseException as error:
        return Finding("mail", "failed", f"{where} does not let us in ({error.smtp_code})")
    except (OSError, smtplib.SMTPException) as error:
        return Finding("mail", "failed", f"{where}: {type(error).__name__}: {error}")
    return Finding("mail", "ok", f"{where} lets us in; letters come from {mail.sender(chosen)}")


def bucket_look(chosen: Settings) -> Finding:
    """Whether a file can be put into the bucket, read and removed again."""
    import tempfile
    from pathlib import Path

    from server.media import bucket as buckets

    try:
        bucket = buckets.Bucket.of(chosen)
        assert bucket is not None
        key = f"{buckets.UPLOADS}doctor-{secrets.token_hex(8)}"
        with tempfile.NamedTemporaryFile() as sample:
            sample.write(b"torv")
            sample.flush()
            bucket.put(key, Path(sample.name))
        read = b"".join(bucket.read(key))
        bucket.remove([key])
        if read != b"torv" or bucket.size(key) is not None:
            return Finding("files", "failed", f"{chosen.s3_bucket}: what is put there is not what is read")
    except DomainError as error:
        cause = buckets.first_line(error.__cause__) if error.__cause__ else error.text
        return Finding("files", "failed", f"{chosen.s3_bucket}: {cause}")
    where = "files are kept there" if chosen.media_store == "s3" else "but media_store is disk"
    return Finding("files", "ok", f"bucket {chosen.s3_bucket} can be written, read and emptied; {where}")


def stored_look(chosen: Settings) -> list[Finding]:
    """Database, schema, disk, clock, key and queues."""
    if chosen.sqlite_path and not chosen.sqlite_path.exists():
        return [Finding("database", "failed", f"there is no {chosen.sqlite_path}: run `torv init`")]
    database = connect(chosen)
    try:
        try:
            migrating.require(database)
            with database.reading() as db:
                require_same_name(db, chosen)
        except DomainError as error:
            return [Finding("schema", "failed", error.text), _from_check(health.check_disk(chosen))]
        except SQLAlchemyError as error:
            if not (said := complaint(error)):
                raise
            return [Finding("database", "failed", said), _from_check(health.check_disk(chosen))]
        found = [_from_check(check) for check in health.checks(database, chosen)]
        if found[0].state == "failed":
            return found
        return [*found, Finding("schema", "ok", migrating.head()), key_look(database), *queue_look(database)]
    finally:
        database.close()


def _from_check(check: health.Check) -> Finding:
    return Finding(check.name, "ok" if check.ok else "failed", check.text)


def key_look(database: Database) -> Finding:
    """Whether the node's own key is there and its halves belong together."""
    from federation import signatures

    try:
        with database.reading() as db:
            key_uri, private_pem = actor_keys.private_key(db, actors.node_actor(db).id)
            known = actors.key_by_uri(db, key_uri)
        private = signatures.private_key(private_pem)
    except (DomainError, ValueError) as error:
        return Finding("key", "failed", f"the node's key cannot be read: {error}")
    if known is None or not _belong_together(private.public_key(), known[0].public_pem):
        return Finding("key", "failed", "the public half of the node's key is another's: others will refuse us")
    return Finding("key", "ok", key_uri)


def _belong_together(public: Any, pem: str) -> bool:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return bool(load_pem_public_key(pem.encode()) == public)


def queue_look(database: Database) -> Iterator[Finding]:
    """Queues that do not get shorter, and what was given up."""
    with database.reading() as db:
        overview, states = queues.overview(db), queues.peer_states(db)
    for queue in overview:
        if queue.name != "deliveries" and queue.age > LONG_WAIT:
            text = f"the oldest of {queue.waiting} has waited {queue.age / 3600:.1f} h: does a worker run?"
            yield Finding(queue.name, "warning", text)
        if queue.dead:
            yield Finding(queue.name, "warning", f"{queue.dead} were given up: see `torv jobs dead`")
    trouble = ", ".join(f"{number} {state}" for state, number in states.items() if number and state != "ok")
    yield Finding("peers", "ok", f"{states['ok']} in good standing" + (f", {trouble}" if trouble else ""))


async def from_outside(chosen: Settings) -> list[Finding]:
    """Ask ourselves as another server would: by public name, over TLS, with all its suspicion."""
    from federation import media_types
    from federation.client import FetchError
    from server.federating import federation_for

    node = chosen.node
    found = [await certificate_look(chosen)]
    database = connect(chosen)
    fed = federation_for(chosen, database)
    try:
        resource = quote(f"acct:{node.domain}@{node.domain}", safe=":@")
        try:
            answer = await fed.client.get(
                f"https://{node.domain}/.well-known/webfinger?resource={resource}", accept="application/jrd+json"
            )
            problem = webfinger_problem(answer.status, answer.media_type, answer.body, f"{node.origin}/actor")
        except FetchError as error:
            problem = str(error)
        found.append(_outside("webfinger", problem, f"acct:{node.domain}@{node.domain} leads to {node.origin}/actor"))
        try:
            answer = await fed.client.get(f"{node.origin}/actor", content_types=media_types.is_activity_type)
            problem = (
                "" if answer.ok and answer.hops == 0 else f"answered {answer.status} after {answer.hops} redirects"
            )
        except FetchError as error:
            problem = str(error)
        found.append(_outside("actor", problem, f"{node.origin}/actor is served as an ActivityPub object"))
    finally:
        await fed.client.aclose()
        database.close()
    return found


def _outside(name: str, problem: str, good: str) -> Finding:
    return Finding(name, "failed", f"from outside: {problem}") if problem else Finding(name, "ok", good)


def webfinger_problem(status: int, media_type: str, body: bytes, actor: str) -> str:
    """What another server would object to in our WebFinger answer; empty if nothing."""
    if status != 200:
        return f"WebFinger answered {status}; does the proxy pass /.well-known/ on?"
    if not media_type.startswith("application/jrd+json"):
        return f"WebFinger came as {media_type or 'nothing'}, not application/jrd+json"
    try:
        links = json.loads(body).get("links", [])
    except (ValueError, AttributeError):
        return "WebFinger answered something that is no JSON"
    own = [link.get("href") for link in links if isinstance(link, dict) and link.get("rel") == "self"]
    return "" if own == [actor] else f"WebFinger leads to {own or 'nobody'} instead of {actor}"


async def certificate_look(chosen: Settings) -> Finding:
    """Whether TLS works by the public name, and for how long."""
    host, _, port = chosen.node.host.partition(":")
    context = ssl.create_default_context(cafile=chosen.ca_file or None)
    try:
        async with asyncio.timeout(TLS_SECONDS):
            _, writer = await asyncio.open_connection(host, int(port or 443), ssl=context, server_hostname=host)
    except (OSError, TimeoutError) as error:
        return Finding("tls", "failed", f"no TLS connection to {host}: {error or 'it does not answer'}")
    certificate = writer.get_extra_info("peercert") or {}
    writer.close()
    days = (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / 86400
    if days < CERTIFICATE_DAYS:
        return Finding("tls", "warning", f"the certificate of {host} ends in {days:.0f} days: is it renewed by itself?")
    return Finding("tls", "ok", f"certificate of {host} good for {days:.0f} days")
