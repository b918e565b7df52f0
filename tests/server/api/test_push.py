"""Web Push: a device is told of what it asked for, in a form that only it can read, and never an address of ours."""

import base64
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import http_ece  # type: ignore[import-untyped]
import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.client import Client, Unreachable
from federation.context import Federation
from federation.working import Later
from models import accounts, composing, jobs, oauth, oauth_apps, push, reactions
from models.base import clock
from models.database import Database
from models.jobs import Job
from models.posts import Draft, Post
from server import pushing
from server.api.entities.notifications import WebPushSubscription
from server.worker import jobs as jobs_of
from tests.federation.elsewhere import Sent
from tests.server.apps import Api, ApiWorld
from tests.server.asking import local

pytestmark = pytest.mark.anyio

PATH = "/api/v1/push/subscription"
HOST = "push.example"


def plain(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Device:
    """Somebody's phone: it alone can read what comes."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))
    endpoint: str = f"https://{HOST}/send/1?k=v"

    @property
    def form(self) -> dict[str, str]:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "subscription[endpoint]": self.endpoint,
            "subscription[keys][p256dh]": plain(point),
            "subscription[keys][auth]": plain(self.auth),
        }

    def read(self, sent: Sent) -> dict[str, Any]:
        """What the message says; it has to be signed by the node."""
        version = sent.headers["content-encoding"]
        more: dict[str, Any] = {}
        if version == "aesgcm":
            crypto = dict(part.split("=", 1) for part in sent.headers["crypto-key"].split(";"))
            more = {"salt": raw(sent.headers["encryption"].removeprefix("salt=")), "dh": raw(crypto["dh"])}
        text = http_ece.decrypt(sent.body, private_key=self.key, auth_secret=self.auth, version=version, **more)
        found: dict[str, Any] = json.loads(text)
        return found


def signature_of(sent: Sent, server_key: str) -> dict[str, Any]:
    """The claims of the node's signature, which has to be by this key."""
    header = sent.headers["authorization"]
    if header.startswith("vapid "):
        token = header.removeprefix("vapid t=").split(",")[0]
        assert header.endswith(f"k={server_key}")
    else:
        token = header.removeprefix("WebPush ")
        assert f"p256ecdsa={server_key}" in sent.headers["crypto-key"]
    signed, _, signature = token.rpartition(".")
    r, s = (int.from_bytes(raw(signature)[i : i + 32], "big") for i in (0, 32))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(server_key))
    key.verify(encode_dss_signature(r, s), signed.encode(), ec.ECDSA(hashes.SHA256()))
    claims: dict[str, Any] = json.loads(raw(signed.split(".")[1]))
    return claims


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


@pytest.fixture
async def anna(world: ApiWorld) -> AsyncIterator[Api]:
    async with world.client("anna") as api:
        yield api


async def work_off(world: ApiWorld, fed: Federation | None = None) -> list[int]:
    """Do the promised sending, as the worker does; the ids of jobs that are left."""
    fed = fed or world.app.state.fed
    for job in world.database.write(lambda db: list(db.scalars(select(Job).where(Job.kind == "push")))):
        await jobs_of(world.settings)["push"](fed, dict(job.payload))
        world.database.write(partial(jobs.finish, job_id=job.id))
    return waiting(world)


def waiting(world: ApiWorld) -> list[int]:
    return world.database.write(lambda db: list(db.scalars(select(Job.id).where(Job.kind == "push"))))


def vote(world: ApiWorld, name: str = "birk", text: str = "Suppe **på** torsdag.") -> None:
    """Somebody votes for a fresh post of anna's."""

    def work(db: Session) -> None:
        post = composing.note(db, local(db, "anna"), Draft(text=text))
        reactions.vote(db, local(db, name), post)

    world.database.write(work)


async def test_a_device_is_told_of_what_it_asked_for_and_can_read_it(world: ApiWorld, anna: Api) -> None:
    device = Device()
    made = await anna.post(PATH, **device.form, **{"subscription[standard]": "true", "data[alerts][favourite]": "true"})
    assert set(made) == {one.encode_name for one in msgspec.structs.fields(WebPushSubscription)}
    assert made["endpoint"] == device.endpoint
    assert made["alerts"]["favourite"] is True
    assert made["alerts"]["mention"] is False
    assert made["policy"] == "all"
    vote(world)
    assert len(waiting(world)) == 1
    assert await work_off(world) == []
    (sent,) = world.elsewhere.posts(HOST)
    assert sent.url == device.endpoint
    message = device.read(sent)
    assert message["notification_type"] == "favourite"
    assert message["preferred_locale"] == "da"
    assert message["title"] == "Birk Sørensen stemte på dit indlæg"
    assert message["body"] == "Suppe på torsdag."
    assert message["icon"].startswith("https://a.example/")
    assert message["access_token"] == ""  # only its hash is known here
    newest = (await anna.get("/api/v1/notifications"))[0]
    assert message["notification_id"] == int(newest["id"])
    assert sent.headers["content-encoding"] == "aes128gcm"
    assert int(sent.headers["ttl"]) > 0
    assert len(sent.body) <= 4096
    claims = signature_of(sent, made["server_key"])
    assert claims["aud"] == f"https://{HOST}"
    assert claims["sub"] == "https://a.example"
    assert 0 < claims["exp"] - clock.time() < 24 * 3600


@pytest.mark.once
async def test_a_device_of_the_older_sort_is_told_in_the_older_form(world: ApiWorld, anna: Api) -> None:
    device = Device()
    made = await anna.post(PATH, **device.form, **{"data[alerts][favourite]": "true"})
    assert made["standard"] is False
    vote(world)
    await work_off(world)
    (sent,) = world.elsewhere.posts(HOST)
    assert sent.headers["content-encoding"] == "aesgcm"
    assert device.read(sent)["notification_type"] == "favourite"
    assert signature_of(sent, made["server_key"])["aud"] == f"https://{HOST}"


@pytest.mark.once
async def test_a_long_text_still_fits_into_a_message(world: ApiWorld, anna: Api) -> None:
    device = Device()
    await anna.post(PATH, **device.form, **{"subscription[standard]": "true", "data[alerts][favourite]": "1"})
    vote(world, text="Æ🧯" * 10_000)
    await work_off(world)
    (sent,) = world.elsewhere.posts(HOST)
    assert len(sent.body) <= 4096
    assert device.read(sent)["body"].startswith("Æ🧯")


@pytest.mark.once
async def test_what_stands_behind_a_warning_is_not_on_the_locked_screen(world: ApiWorld, anna: Api) -> None:
    device = Device()
    await anna.post_json(
        PATH,
        {
            "subscription": {
                "endpoint": device.endpoint,
                "keys": {"p256dh": device.form["subscription[keys][p256dh]"], "auth": plain(device.auth)},
                "standard": True,
            },
            "data": {"alerts": {"mention": True}},
        },
    )
    text = Draft(text="@anna Morderen er gartneren", summary="Slutningen", sensitive=True)
    world.database.write(lambda db: composing.note(db, local(db, "birk"), text))
    await work_off(world)
    assert device.read(world.elsewhere.posts(HOST)[0])["body"] == "Slutningen"


async def test_a_device_can_change_its_mind_and_leave(world: ApiWorld, anna: Api) -> None:
    await anna.refused(404, "GET", PATH)
    await anna.refused(404, "PUT", PATH, data={"data[alerts][mention]": "true"})
    made = await anna.post(PATH, **Device().form, **{"data[alerts][favourite]": "true"})
    assert await anna.get(PATH) == made
    changed = await anna.put(PATH, **{"data[alerts][mention]": "true", "data[policy]": "followed"})
    assert changed["alerts"]["mention"] is True
    assert changed["alerts"]["favourite"] is False
    assert changed["policy"] == "followed"
    again = await anna.post(PATH, **Device(endpoint=f"https://{HOST}/2").form)
    assert again["id"] != made["id"]
    assert (await anna.get(PATH))["endpoint"] == f"https://{HOST}/2"
    assert await anna.delete(PATH) == {}
    assert await anna.delete(PATH) == {}
    await anna.refused(404, "GET", PATH)


@pytest.mark.parametrize(
    ("policy", "told"),
    [("all", {"birk", "eva", "farid"}), ("followed", {"birk"}), ("follower", {"eva", "farid"}), ("none", set())],
)
async def test_only_those_from_whom_one_wants_to_hear_make_it_ring(
    world: ApiWorld, anna: Api, policy: str, told: set[str]
) -> None:
    device = Device()
    form = {"subscription[standard]": "true", "data[alerts][favourite]": "true", "data[policy]": policy}
    await anna.post(PATH, **device.form, **form)
    for name in ("birk", "eva", "farid"):  # anna follows birk; eva and farid follow anna
        vote(world, name)
    await work_off(world)
    names = {device.read(sent)["title"].split()[0].lower() for sent in world.elsewhere.posts(HOST)}
    assert names == told


async def test_a_subscription_belongs_to_one_token(world: ApiWorld, anna: Api) -> None:
    """T115."""
    await anna.post(PATH, **Device().form)
    async with world.client("anna") as other_phone, world.client("birk") as birk:
        for stranger in (other_phone, birk):
            await stranger.refused(404, "GET", PATH)
            await stranger.delete(PATH)
    assert (await anna.get(PATH))["endpoint"]


async def test_nothing_is_sent_any_more_once_the_token_is_revoked(world: ApiWorld, anna: Api) -> None:
    """T101."""
    await anna.post(PATH, **Device().form, **{"data[alerts][favourite]": "true"})
    vote(world)
    world.database.write(lambda db: oauth.revoke_all(db, accounts.by_username(db, "anna").id))
    await work_off(world)
    assert world.elsewhere.posts(HOST) == []


@pytest.mark.alike
@pytest.mark.parametrize("status", [400, 403, 404, 410])
async def test_a_device_that_is_gone_is_forgotten(world: ApiWorld, anna: Api, status: int) -> None:
    await anna.post(PATH, **Device().form, **{"data[alerts][favourite]": "true"})
    world.elsewhere.answer(HOST, status)
    vote(world)
    await work_off(world)
    await anna.refused(404, "GET", PATH)
    vote(world)
    assert waiting(world) == []


async def test_a_push_service_that_is_busy_is_asked_again(world: ApiWorld, anna: Api) -> None:
    await anna.post(PATH, **Device().form, **{"data[alerts][favourite]": "true"})
    vote(world)
    world.elsewhere.answer(HOST, 429, **{"Retry-After": "120"})
    with pytest.raises(Later) as later:
        await work_off(world)
    assert later.value.seconds == 120
    world.elsewhere.answer(HOST, 503)
    with pytest.raises(Unreachable):
        await work_off(world)
    world.elsewhere.answer(HOST, 201)
    assert await work_off(world) == []
    assert (await anna.get(PATH))["endpoint"]


async def test_what_could_not_be_sent_for_hours_is_let_go(world: ApiWorld, anna: Api) -> None:
    await anna.post(PATH, **Device().form, **{"data[alerts][favourite]": "true"})
    vote(world)
    clock.offset += pushing.WORTH_SENDING + 1
    await work_off(world)
    assert world.elsewhere.posts(HOST) == []


async def test_what_was_undone_meanwhile_is_not_told(world: ApiWorld, anna: Api) -> None:
    await anna.post(PATH, **Device().form, **{"data[alerts][favourite]": "true"})
    vote(world)

    def undo(db: Session) -> None:
        post = db.scalars(select(Post).order_by(Post.id.desc()).limit(1)).one()
        reactions.withdraw_vote(db, local(db, "birk"), post)

    world.database.write(undo)
    await work_off(world)
    assert world.elsewhere.posts(HOST) == []


@pytest.mark.alike
@pytest.mark.parametrize(
    "endpoint",
    [
        "https://127.0.0.1/send", "https://[::1]/send", "https://10.1.2.3/send", "https://169.254.169.254/latest",
        "https://localhost/send", "https://push.example:8443/send", "https://2130706433/send", "https://inside.lan/",
        "https://blocked.example/send",
    ],
)  # fmt: skip
async def test_an_endpoint_that_points_inside_is_never_asked_and_forgotten(
    world: ApiWorld, anna: Api, endpoint: str
) -> None:
    """T12: whatever a client claims, the node sends nothing to its own network."""

    async def resolve(host: str) -> list[str]:
        return ["192.168.1.10"]

    async def blocked(host: str) -> bool:
        return host == "blocked.example"

    client = Client(user_agent="Torv/test", resolver=resolve, blocked=blocked)
    await anna.post(PATH, **Device(endpoint=endpoint).form, **{"data[alerts][favourite]": "true"})
    vote(world)
    await work_off(world, Federation(world.database, client))
    await client.aclose()
    await anna.refused(404, "GET", PATH)


@pytest.mark.alike
@pytest.mark.parametrize(
    "change",
    [
        {"subscription[endpoint]": "http://push.example/1"},
        {"subscription[endpoint]": "javascript:alert(1)"},
        {"subscription[endpoint]": "https://"},
        {"subscription[endpoint]": "https://[::1/"},
        {"subscription[endpoint]": "https://push.example/" + "x" * 3000},
        {"subscription[endpoint]": "https://push.example/\r\nX: y"},
        {"subscription[keys][p256dh]": "AAAA"},
        {"subscription[keys][p256dh]": plain(b"\x04" + b"\x01" * 64)},
        {"subscription[keys][p256dh]": "æøå"},
        {"subscription[keys][auth]": "AAAA"},
        {"data[policy]": "some"},
        {"data[alerts][mention]": "perhaps"},
    ],
)
async def test_what_is_no_subscription_is_refused(anna: Api, change: dict[str, str]) -> None:
    await anna.refused(422, "POST", PATH, data={**Device().form, **change})
    await anna.refused(404, "GET", PATH)


@pytest.mark.once
async def test_keys_in_plain_base64_with_padding_are_understood(world: ApiWorld, anna: Api) -> None:
    device = Device()
    point = device.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    form = {
        "subscription[keys][p256dh]": base64.b64encode(point).decode(),
        "subscription[keys][auth]": base64.b64encode(device.auth).decode(),
        "subscription[standard]": "true",
        "data[alerts][favourite]": "on",
    }
    await anna.post(PATH, **{**device.form, **form})
    vote(world)
    await work_off(world)
    assert device.read(world.elsewhere.posts(HOST)[0])["notification_type"] == "favourite"


async def test_the_nodes_key_is_the_same_in_every_process_and_known_to_nobody_else(world: ApiWorld) -> None:
    again = Database(world.database.url.render_as_string(hide_password=False), world.database.node)
    with world.database.reading() as db, again.reading() as other:
        assert push.vapid_public_key(db) == push.vapid_public_key(other)
        assert raw(push.vapid_public_key(db))[0] == 4
        assert len(raw(push.vapid_public_key(db))) == 65
    again.close()


async def test_a_refreshed_token_keeps_its_device(world: ApiWorld) -> None:
    """Tokens of one family share a subscription: refreshing must not silence a phone."""

    def work(db: Session) -> tuple[str, str]:
        account = accounts.by_username(db, "anna")
        app, _ = oauth_apps.register(
            db, name="Fon", redirect_uris=["https://c.example/"], wanted="read push offline_access", website=""
        )
        code = oauth.grant(db, account, app, redirect_uri="https://c.example/", wanted="read push offline_access")
        first = oauth.exchange(db, app, code=code, redirect_uri="https://c.example/", verifier="", proven=True)
        assert isinstance(first, oauth.Issued)
        assert first.refresh
        push.subscribe(
            db,
            family_id=first.row.family_id,
            account_id=account.id,
            endpoint=f"https://{HOST}/1",
            p256dh=push.vapid_public_key(db),
            auth=plain(b"0" * 16),
            standard=True,
            alerts={"favourite": True},
            policy="all",
        )
        then = oauth.refresh(db, app, first.refresh, proven=True)
        assert isinstance(then, oauth.Issued)
        return first.secret, then.secret

    old, new = world.database.write(work)
    async with world.client() as api:
        api.token = new
        assert (await api.get(PATH))["endpoint"] == f"https://{HOST}/1"
        api.token = old
        await api.refused(401, "GET", PATH)
    vote(world)
    await work_off(world)
    assert len(world.elsewhere.posts(HOST)) == 1
