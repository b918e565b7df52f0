"""The node as apps see it: every documented field, and figures that are those the node goes by."""

import io
import re
from typing import Any

import msgspec
import pytest
from PIL import Image
from sqlalchemy.orm import Session

from models import composing, house, moderation, polls, push
from models.actors import Actor
from models.database import Database
from models.domains import DomainAction
from models.house import Page, Shown
from server.api.entities.instance import Instance, V1Instance
from server.api.show_instance import BLURHASH, ICON_SIZES
from server.media.limits import limits as media_limits
from tests.federation.elsewhere import remote
from tests.server.apps import Api, ApiWorld
from tests.server.visiting import person

pytestmark = pytest.mark.anyio

V2 = {
    *("domain", "title", "version", "source_url", "description", "usage", "thumbnail", "icon", "languages"),
    *("configuration", "registrations", "api_versions", "wrapstodon", "contact", "rules"),
}
V1 = {
    *(
        "uri",
        "title",
        "short_description",
        "description",
        "email",
        "version",
        "urls",
        "stats",
        "thumbnail",
        "languages",
    ),
    *("registrations", "approval_required", "invites_enabled", "configuration", "contact_account", "rules"),
}
CONFIGURATION = {
    "urls": {"streaming", "status", "about", "privacy_policy", "terms_of_service"},
    "vapid": {"public_key"},
    "accounts": {
        *("max_display_name_length", "max_note_length", "max_avatar_description_length"),
        *("max_header_description_length", "max_featured_tags", "max_pinned_statuses", "max_profile_fields"),
        *("profile_field_name_limit", "profile_field_value_limit"),
    },
    "statuses": {"max_characters", "max_media_attachments", "characters_reserved_per_url", "supported_mime_types"},
    "media_attachments": {
        *("supported_mime_types", "description_limit", "image_size_limit", "image_matrix_limit", "video_size_limit"),
        *("video_frame_rate_limit", "video_matrix_limit"),
    },
    "polls": {"max_options", "max_characters_per_option", "min_expiration", "max_expiration"},
    "translation": {"enabled"},
    "timelines_access": {"live_feeds", "hashtag_feeds", "trending_link_feeds"},
}


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


async def test_the_second_version_has_every_documented_field(world: ApiWorld) -> None:
    async with world.client() as api:
        found = await api.get("/api/v2/instance")
        assert set(found) == V2
        msgspec.convert(found, Instance)
        limits = found["configuration"]
        assert {name: set(inner) for name, inner in limits.items() if isinstance(inner, dict)} == CONFIGURATION
        assert limits["limited_federation"] is False
        assert set(found["registrations"]) == {
            *("enabled", "approval_required", "reason_required", "message", "min_age", "url"),
        }
        assert set(found["thumbnail"]) == {"url", "blurhash", "versions", "description"}
        assert set(found["thumbnail"]["versions"]) == {"@1x", "@2x"}


async def test_who_cannot_make_an_account_reads_in_his_language_how_to_get_one(world: ApiWorld) -> None:
    async with world.client() as api:
        answer = await api.call("GET", "/api/v2/instance", headers={"Accept-Language": "da"})
        assert answer.json()["registrations"]["message"].startswith("<p>Her får man en konto")
        answer = await api.call("GET", "/api/v2/instance", headers={"Accept-Language": "en-GB"})
        assert answer.json()["registrations"]["message"].startswith("<p>Accounts here are by invitation.")


async def test_the_first_version_has_every_documented_field(world: ApiWorld) -> None:
    async with world.client() as api:
        found = await api.get("/api/v1/instance")
        assert set(found) == V1
        msgspec.convert(found, V1Instance)
        assert (found["uri"], found["urls"]) == ("a.example", {"streaming_api": "wss://a.example"})
        assert found["stats"]["user_count"] == 6
        newer = (await api.get("/api/v2/instance"))["configuration"]
        assert found["configuration"] == {name: newer[name] for name in found["configuration"]}


async def test_the_version_is_read_by_clients_and_true_to_people(world: ApiWorld) -> None:
    async with world.client() as api:
        found = await api.get("/api/v2/instance")
        assert re.fullmatch(r"4\.5\.0 \(compatible; Torv \d+\.\d+\.\d+\)", found["version"])
        assert found["api_versions"] == {"mastodon": 6}
        assert found["source_url"] == "https://a.example/about"


async def test_the_limits_are_those_the_node_goes_by(world: ApiWorld) -> None:
    async with world.client("anna") as api:
        limits = (await api.get("/api/v2/instance"))["configuration"]
        assert limits["statuses"]["max_characters"] == composing.MAX_TEXT
        assert limits["polls"]["max_options"] == polls.MAX_OPTIONS
        assert limits["urls"]["streaming"] == "wss://a.example"
        files = media_limits(world.settings)
        assert limits["statuses"]["max_media_attachments"] == files.files
        assert limits["media_attachments"]["image_size_limit"] == files.image_bytes
        assert "image/png" in limits["media_attachments"]["supported_mime_types"]
        assert limits["vapid"]["public_key"] == world.database.write(push.vapid_public_key)
        await api.refused(422, "POST", "/api/v1/statuses", data={"status": "x" * (composing.MAX_TEXT + 1)})


async def test_the_contact_is_the_first_administrator(world: ApiWorld) -> None:
    async with world.client() as api:
        found = await api.get("/api/v2/instance")
        assert found["contact"]["email"] == "t@a.example"
        assert found["contact"]["account"]["username"] == "anna"
        assert (await api.get("/api/v1/instance"))["contact_account"] == found["contact"]["account"]


async def test_its_pictures_are_there_in_the_sizes_they_say(world: ApiWorld) -> None:
    async with world.client() as api:
        found = await api.get("/api/v2/instance")
        assert len(found["icon"]) == len(ICON_SIZES)
        for icon in found["icon"]:
            assert f"{'x'.join(map(str, (await picture(api, icon['src'])).size))}" == icon["size"]
        thumbnail = found["thumbnail"]
        assert (await picture(api, thumbnail["versions"]["@2x"])).size == (1200, 630)
        import blurhash_rs

        drawn = await picture(api, thumbnail["url"])
        assert blurhash_rs.blurhash_encode(drawn.convert("RGB"), 4, 3) == thumbnail["blurhash"] == BLURHASH


async def picture(api: Api, address: str) -> Image.Image:
    answer = await api.call("GET", address)
    assert answer.headers["content-type"] == "image/png"
    return Image.open(io.BytesIO(answer.content))


async def test_rules_and_texts_are_what_the_administrators_wrote(world: ApiWorld) -> None:
    async with world.client() as api:
        base = "/api/v1/instance"
        assert await api.get(f"{base}/rules") == []
        assert await api.get(f"{base}/extended_description") == {"updated_at": None, "content": ""}
        await api.refused(404, "GET", f"{base}/privacy_policy")
        await api.refused(404, "GET", f"{base}/terms_of_service")

        def work(db: Session) -> None:
            house.set_rules(db, ["Gå efter bolden."])
            for which in Page:
                house.set_page(db, which, "Sådan *er* det.")

        world.database.write(work)
        rule = {"id": "1", "text": "Gå efter bolden.", "hint": "", "translations": {}}
        assert await api.get(f"{base}/rules") == [rule]
        html = "<p>Sådan <em>er</em> det.</p>"
        said = await api.get(f"{base}/extended_description")
        assert set(said) == {"updated_at", "content"}
        assert said["content"] == html
        assert (await api.get(f"{base}/privacy_policy"))["content"] == html
        terms = await api.get(f"{base}/terms_of_service")
        assert set(terms) == {"effective_date", "effective", "content", "succeeded_by"}
        assert (terms["content"], terms["effective"]) == (html, True)
        found = await api.get("/api/v2/instance")
        assert found["rules"] == [rule]
        assert found["configuration"]["urls"]["privacy_policy"] == "https://a.example/privacy-policy"
        assert found["configuration"]["urls"]["terms_of_service"] == "https://a.example/terms-of-service"


async def test_peers_are_the_servers_we_met_and_do_not_block(world: ApiWorld) -> None:
    def meet(db: Session) -> None:
        remote(db, "b.example")
        remote(db, "evil.example")
        moderation.set_rule(db, "evil.example", DomainAction.BLOCK, "Reklamer", by=person(db, "anna"))

    world.database.write(meet)
    async with world.client() as api:
        assert await api.get("/api/v1/instance/peers") == ["b.example"]
        world.database.write(lambda db: moderation.use_allow_list(db, True, by=person(db, "anna")))
        await api.refused(404, "GET", "/api/v1/instance/peers")
        assert (await api.get("/api/v2/instance"))["configuration"]["limited_federation"] is True


async def test_twelve_weeks_in_figures(world: ApiWorld) -> None:
    async with world.client() as api:
        weeks = await api.get("/api/v1/instance/activity")
        assert len(weeks) == 12
        assert all(set(week) == {"week", "statuses", "logins", "registrations"} for week in weeks)
        assert all(isinstance(value, str) and value.isdigit() for week in weeks for value in week.values())
        starts = [int(week["week"]) for week in weeks]
        assert starts == [starts[0] - 7 * 86400 * back for back in range(12)]
        assert sum(int(week["registrations"]) for week in weeks) == 6
        assert sum(int(week["statuses"]) for week in weeks) == 17


@pytest.mark.parametrize(
    ("shown", "anybody", "member"), [(Shown.NOBODY, 404, 404), (Shown.USERS, 401, 200), (Shown.ALL, 200, 200)]
)
async def test_who_is_kept_out_is_told_to_whom_the_administrators_chose(
    world: ApiWorld, shown: Shown, anybody: int, member: int
) -> None:
    def decide(db: Session) -> None:
        by: Actor = person(db, "anna")
        moderation.set_rule(db, "evil.example", DomainAction.BLOCK, "Reklamer", by=by)
        moderation.set_rule(db, "loud.example", DomainAction.LIMIT, "", by=by)
        house.show_blocks_to(db, shown)

    world.database.write(decide)
    path = "/api/v1/instance/domain_blocks"
    async with world.client() as nobody, world.client("birk") as birk:
        assert (await nobody.call("GET", path)).status_code == anybody
        answer = await birk.call("GET", path)
        assert answer.status_code == member
        if member == 200:
            evil, loud = answer.json()
            assert {name: evil[name] for name in ("domain", "severity", "comment")} == {
                "domain": "evil.example", "severity": "suspend", "comment": "Reklamer",
            }  # fmt: skip
            assert len(evil["digest"]) == 64
            assert (loud["severity"], loud["comment"]) == ("silence", None)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/v1/custom_emojis", []),
        ("/api/v1/instance/translation_languages", {}),
        ("/api/v1/instance/languages", [{"code": "da", "name": "dansk"}, {"code": "en", "name": "English"}]),
    ],
)
async def test_small_truths(world: ApiWorld, path: str, answer: Any) -> None:
    async with world.client() as api:
        assert await api.get(path) == answer
        assert await api.get(f"{path}/") == answer


async def test_the_node_says_that_it_is_well(world: ApiWorld) -> None:
    async with world.client() as api:
        answer = await api.call("GET", "/health")
        assert (answer.status_code, answer.text) == (200, "OK")


async def test_nodeinfo_stands_where_old_clients_look(world: ApiWorld) -> None:
    async with world.client() as api:
        answer = await api.call("GET", "/nodeinfo/2.0")
        assert answer.status_code == 200
        assert answer.json()["software"]["name"] == "torv"
