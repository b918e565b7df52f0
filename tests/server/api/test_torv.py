"""Torv's own namespace: questions, answers, votes, accepting, communities; and the description of the whole API."""

import pytest
from sqlalchemy.orm import Session

from models import affiliations, communities, duplicates, organizations
from models.communities import Ways
from models.database import Database
from models.organizations import Facts
from models.posts import Post
from tests.federation.elsewhere import remote
from tests.server.apps import ApiWorld
from tests.server.visiting import person, question

pytestmark = pytest.mark.anyio


@pytest.fixture
def world(lived_in: Database) -> ApiWorld:
    return ApiWorld(lived_in)


def accepted(world: ApiWorld) -> Post:
    """A question of the world that has an accepted answer."""
    with world.database.reading() as db:
        found = db.query(Post).filter(Post.accepted_id.is_not(None)).order_by(Post.id).first()
        assert found is not None
        return found


async def test_questions_are_listed_with_their_community_and_counts(world: ApiWorld) -> None:
    async with world.client() as api:
        found = await api.get("/api/torv/v1/questions", order="accepted")
        assert found
        assert all(one["kind"] == "question" and one["accepted_answer_id"] for one in found)
        assert {"answer_count", "community_id", "barriers", "votes_up"} <= set(found[0])


async def test_a_thread_shows_the_accepted_answer_first(world: ApiWorld) -> None:
    settled = accepted(world)
    async with world.client() as api:
        thread = await api.get(f"/api/torv/v1/questions/{settled.id}")
    assert thread["answers"][0]["id"] == str(settled.accepted_id)
    assert thread["answers"][0]["accepted"]
    assert thread["may_accept"] is False


async def test_a_question_is_asked_answered_voted_for_and_settled(world: ApiWorld) -> None:
    async with world.client("birk") as birk, world.client("eva") as eva:
        here = next(one for one in await birk.get("/api/torv/v1/communities") if not one["moderators_only"])
        asked = await birk.post_json(
            "/api/torv/v1/questions",
            {
                "community_id": here["id"],
                "title": "Hvem må åbne hallen om søndagen?",
                "text": "Vi er **tolv**.",
                "barriers": ["regler"],
            },
        )
        assert asked["content"] == "<p>Vi er <strong>tolv</strong>.</p>" or "<strong>tolv</strong>" in asked["content"]
        answer = await eva.post(f"/api/torv/v1/questions/{asked['id']}/answers", text="Pedellen.")
        assert (answer["kind"], answer["in_reply_to_id"]) == ("answer", asked["id"])
        voted = await birk.put(f"/api/torv/v1/posts/{answer['id']}/vote", value=1)
        assert (voted["votes_up"], voted["my_vote"]) == (1, 1)
        settled = await birk.put(f"/api/torv/v1/questions/{asked['id']}/accepted", answer_id=answer["id"])
        assert settled["question"]["accepted_answer_id"] == answer["id"]
        open_again = await birk.delete(f"/api/torv/v1/questions/{asked['id']}/accepted")
        assert open_again["question"]["accepted_answer_id"] is None
        under = await birk.post(f"/api/torv/v1/posts/{answer['id']}/comments", text="Hvilken?")
        assert under["kind"] == "comment"


async def test_only_who_asked_or_moderates_accepts(world: ApiWorld) -> None:
    settled = accepted(world)
    async with world.client("eva") as eva, world.client("birk") as birk, world.client("david") as david:
        for someone, name in ((eva, "eva"), (birk, "birk"), (david, "david")):
            with world.database.reading() as db:
                allowed = settled.author_id == person(db, name).id
            if not allowed:
                thread = await someone.get(f"/api/torv/v1/questions/{settled.id}")
                if not thread["may_accept"]:
                    await someone.refused(
                        403,
                        "PUT",
                        f"/api/torv/v1/questions/{settled.id}/accepted",
                        data={"answer_id": settled.accepted_id},
                    )
                    return
    pytest.fail("everybody may accept")


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/api/torv/v1/questions", {"title": "Hvad?"}, 422),
        ("/api/torv/v1/questions", {"community_id": "x", "title": "Hvad nu?"}, 422),
        ("/api/torv/v1/questions", {"community_id": "1", "title": "Hvad nu?"}, 404),
        ("/api/torv/v1/questions", {"community_id": "1", "title": "Hvad?", "barriers[]": "uvejr"}, 422),
        ("/api/torv/v1/questions/1/answers", {"text": "Ja."}, 404),
        ("/api/torv/v1/questions/1/answers", {"text": ""}, 422),
    ],
)
async def test_what_makes_no_sense_is_refused(world: ApiWorld, path: str, form: dict[str, str], status: int) -> None:
    async with world.client("birk") as birk:
        await birk.refused(status, "POST", path, data=form)


async def test_the_description_names_every_address(world: ApiWorld) -> None:
    from server.api.routes import API

    async with world.client() as api:
        described = await api.get("/api/torv/v1/openapi.json")
    assert described["openapi"].startswith("3.1")
    listed = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    assert listed == {(one.method, one.path) for one in API}


async def test_the_description_says_what_has_to_be_sent_and_which_scope_does(world: ApiWorld) -> None:
    async with world.client() as api:
        described = await api.get("/api/torv/v1/openapi.json")
    accept = described["paths"]["/api/torv/v1/questions/{id}/accepted"]["put"]["requestBody"]
    assert accept["required"]
    assert accept["content"]["application/json"]["schema"]["required"] == ["answer_id"]
    named = described["components"]["securitySchemes"]["token"]["flows"]["authorizationCode"]["scopes"]
    operations = [operation for methods in described["paths"].values() for operation in methods.values()]
    asked = {scope for one in operations for way in one["security"] for scope in way.get("token", [])}
    assert asked == set(named)
    assert all(named.values())


async def test_a_community_says_who_may_write_in_it_and_holds_apps_to_that(world: ApiWorld) -> None:
    def rule(db: Session) -> str:
        firm = organizations.create(db, None, "hydrant", Facts("Hydrant A/S", kind="supplier"))
        affiliations.accept_invited(db, person(db, "birk"), firm, "supplier")
        group = person(db, "udfordrere")
        Ways(answerers=("public-body",), wants_disclosure=True, max_links=3).put(communities.settings(db, group))
        return str(group.id)

    number = world.database.write(rule)
    asking = {"community_id": number, "title": "Hvem har brug for brandhaner?", "text": "x"}
    async with world.client("birk") as birk, world.client("eva") as eva:
        found = await birk.get(f"/api/torv/v1/communities/{number}")
        assert (found["may_ask"], found["may_answer"], found["max_links"]) == ([], ["public-body"], 3)
        assert (found["wants_disclosure"], found["closed"], found["askable"]) == (True, False, True)
        refused = await birk.refused(422, "POST", "/api/torv/v1/questions", json=asking)
        assert "commercial interest" in refused["error"]
        asked = await birk.post_json("/api/torv/v1/questions", {**asking, "disclosure": "Vi laver dem."})
        assert (asked["disclosure"], asked["waits"]) == ("Vi laver dem.", False)
        with world.database.reading() as db:
            other = db.query(Post).filter(Post.title.startswith("Lederen siger ja")).one().id
        await birk.refused(403, "POST", f"/api/torv/v1/questions/{other}/answers", json={"text": "Jo"})
        assert (await eva.post(f"/api/torv/v1/questions/{other}/answers", text="Jo"))["disclosure"] == ""


async def test_somebody_asks_anonymously_and_stays_so_below_unless_he_says_otherwise(world: ApiWorld) -> None:
    async with world.client("birk") as birk, world.client("eva") as eva, world.client() as anybody:
        here = next(one for one in await birk.get("/api/torv/v1/communities") if one["anonymity"])
        asked = await birk.post_json(
            "/api/torv/v1/questions",
            {"community_id": here["id"], "title": "Hvordan siger man fra?", "text": "Ja.", "anonymous": True},
        )
        assert (asked["anonymous"], asked["mine"], asked["source"]) == (True, True, "Ja.")
        assert asked["account"]["username"].startswith("anonym-")
        comments = f"/api/torv/v1/posts/{asked['id']}/comments"
        still = await birk.post(comments, text="Til chefen.")
        named = await birk.post(comments, text="Det gør jeg.", anonymous="false")
        assert [one["anonymous"] for one in (still, named)] == [True, False]
        for other, mine in ((eva, False), (anybody, None)):
            seen = await other.get(f"/api/torv/v1/questions/{asked['id']}")
            assert "birk" not in str(seen["question"])
            assert (seen["question"]["source"], seen["question"]["mine"]) == (None, mine)
        await eva.refused(403, "POST", comments, data={"text": "Også mig.", "anonymous": "true"})


async def test_anonymity_is_only_for_communities_of_the_node(world: ApiWorld) -> None:
    def elsewhere(db: Session) -> int:
        return remote(db, "by.example", "torvet", type="Group").id

    number = world.database.write(elsewhere)
    async with world.client("birk") as birk:
        asked = {"community_id": str(number), "title": "Hvordan siger man fra?", "anonymous": True}
        await birk.refused(422, "POST", "/api/torv/v1/questions", json=asked)


async def test_an_interest_is_disclosed_by_apps(world: ApiWorld) -> None:
    async with world.client("birk") as birk, world.client() as anybody:
        here = next(one for one in await birk.get("/api/torv/v1/communities") if not one["moderators_only"])
        asked = await birk.post_json(
            "/api/torv/v1/questions",
            {"community_id": here["id"], "title": "Hvem kender vores system?", "disclosure": "Jeg sælger det."},
        )
        comments = f"/api/torv/v1/posts/{asked['id']}/comments"
        await birk.post(comments, text="Det er godt.", disclosure="Stadig mig.")
        thread = await anybody.get(f"/api/torv/v1/questions/{asked['id']}")
        said = [one["disclosure"] for under in thread["comments"].values() for one in under]
        assert (thread["question"]["disclosure"], said) == ("Jeg sælger det.", ["Stadig mig."])


async def test_a_question_names_the_earlier_one_and_says_whether_they_are_merged(world: ApiWorld) -> None:
    def merge(db: Session) -> tuple[int, int]:
        later, earlier = question(db, "Lederen siger ja"), question(db, "Hvordan fik I")
        duplicates.mark(db, person(db, "camilla"), later, earlier)
        duplicates.merge(db, person(db, "camilla"), later)
        return later.id, earlier.id

    later, earlier = world.database.write(merge)
    async with world.client() as api:
        found = await api.get(f"/api/torv/v1/questions/{later}")
    assert (found["question"]["duplicate_of_id"], found["question"]["merged"]) == (str(earlier), True)
    assert found["answers"] == []


async def test_a_question_says_what_it_belongs_with_and_what_belongs_with_it(world: ApiWorld) -> None:
    async with world.client("birk") as birk:
        here = next(one for one in await birk.get("/api/torv/v1/communities") if not one["moderators_only"])
        before = (await birk.get("/api/torv/v1/questions"))[0]
        sent = {"community_id": here["id"], "title": "Og hvad så bagefter?", "link_ids": [before["id"]]}
        asked = await birk.post_json("/api/torv/v1/questions", sent)
        tied = {
            "tie": "related",
            "uri": before["uri"],
            "id": before["id"],
            "kind": "question",
            "title": before["title"],
        }
        assert asked["links"] == [tied]
        thread = await birk.get(f"/api/torv/v1/questions/{before['id']}")
        assert [one["id"] for one in thread["question"]["linked_from"]] == [asked["id"]]


async def test_what_nobody_may_see_is_nothing_to_belong_with(world: ApiWorld) -> None:
    async with world.client("birk") as birk:
        here = next(one for one in await birk.get("/api/torv/v1/communities") if not one["moderators_only"])
        sent = {"community_id": here["id"], "title": "Og hvad så bagefter?", "link_ids": ["1"]}
        await birk.refused(422, "POST", "/api/torv/v1/questions", json=sent)


async def test_a_question_calls_for_a_meeting_and_others_would_come(world: ApiWorld) -> None:
    async with world.client("birk") as birk, world.client("eva") as eva:
        here = next(one for one in await birk.get("/api/torv/v1/communities") if not one["moderators_only"])
        asked = await birk.post_json(
            "/api/torv/v1/questions", {"community_id": here["id"], "title": "Skal vi mødes om det?"}
        )
        assert asked["call"] is None
        path = f"/api/torv/v1/questions/{asked['id']}"
        await eva.refused(404, "PUT", f"{path}/coming")
        await eva.refused(403, "PUT", f"{path}/call")
        assert (await birk.call("PUT", f"{path}/call")).json()["call"]["coming"] == 0
        said = (await eva.call("PUT", f"{path}/coming")).json()["call"]
        assert (said["coming"], said["mine"]) == (1, True)
        sent = {"title": "Om det", "starts": "2031-12-02T16:00", "place": "Rådhuset", "link_ids": [asked["id"]]}
        planned = await birk.post_json("/api/torv/v1/meetings", sent)
        assert [one["id"] for one in planned["links"]] == [asked["id"]]
        thread = await eva.get(path)
        assert [(one["id"], one["kind"]) for one in thread["question"]["linked_from"]] == [(planned["id"], "event")]
        assert (await eva.call("DELETE", f"{path}/coming")).json()["call"]["coming"] == 0
        assert (await birk.call("DELETE", f"{path}/call")).json()["call"] is None
