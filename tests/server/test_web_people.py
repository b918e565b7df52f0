"""Profiles, following here and elsewhere, keeping people away, and the doors from and to other servers."""

import json
import re

import httpx
import pytest

from models import actors, follows
from models.actors import ActorType
from tests import keys
from tests.federation.elsewhere import Elsewhere, remote
from tests.server.visiting import ORIGIN, Browser, Visiting, person, question, words

pytestmark = pytest.mark.anyio

JONAS = "https://m.example/users/jonas"


NOTE = "https://m.example/notes/1"
THREAD = "https://m.example/topic/1"


def somebody_lives(elsewhere: Elsewhere, *, locked: bool = False, note_in: str = THREAD) -> None:
    """`jonas@m.example`, as his server shows him, and a thread that he began; `note_in` is what his post calls its thread."""
    document = {
        "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
        "id": JONAS,
        "type": "Person",
        "preferredUsername": "jonas",
        "name": "Jonas <script>alert(1)</script>",
        "summary": "<p>Løber. <img src=x onerror=alert(1)></p>",
        "inbox": f"{JONAS}/inbox",
        "outbox": f"{JONAS}/outbox",
        "followers": f"{JONAS}/followers",
        "manuallyApprovesFollowers": locked,
        "publicKey": {"id": f"{JONAS}#main-key", "owner": JONAS, "publicKeyPem": keys.draw()[1]},
    }
    jrd = {
        "subject": "acct:jonas@m.example",
        "links": [
            {"rel": "self", "type": "application/activity+json", "href": JONAS},
            {"rel": "http://ostatus.org/schema/1.0/subscribe", "template": "https://m.example/go?uri={uri}"},
        ],
    }

    note = {
        "id": NOTE, "type": "Note", "attributedTo": JONAS, "to": ["as:Public"], "context": note_in, "name": "Hvor?",
        "content": "<p>Hvor er det?</p>", "published": "2026-01-02T03:04:05Z",
    }  # fmt: skip
    thread = {"id": THREAD, "type": "OrderedCollection", "orderedItems": [NOTE, f"{NOTE}2"]}
    documents = {JONAS: document, NOTE: note, THREAD: thread, f"{THREAD}/hvor": thread}

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/.well-known/webfinger":
            if request.url.params.get("resource") == "acct:jonas@m.example":
                return httpx.Response(200, json=jrd, headers={"Content-Type": "application/jrd+json"})
            return httpx.Response(404)
        if (found := documents.get(str(request.url))) is not None:
            return httpx.Response(200, content=json.dumps(found), headers={"Content-Type": "application/activity+json"})
        return httpx.Response(404 if request.method == "GET" else 202)

    elsewhere.answers["m.example"] = answer


async def find(browser: Browser, wanted: str) -> httpx.Response:
    return await browser.send("/follow", uri=wanted)


@pytest.mark.parametrize("wanted", ["jonas@m.example", "@jonas@m.example", "acct:jonas@m.example", JONAS])
async def test_somebody_elsewhere_is_found_shown_and_followed(visiting: Visiting, wanted: str) -> None:
    somebody_lives(visiting.elsewhere)
    async with visiting.browser("anna") as browser:
        answer = await find(browser, wanted)
        assert answer.headers["location"] == "/@jonas@m.example"
        page = await browser.read("/@jonas@m.example")
        assert "<script>alert" not in page
        assert "onerror" not in page
        [number] = re.findall(r"/actors/(\d+)/follow\"", page)
        await browser.succeed(f"/actors/{number}/follow", next="/@jonas@m.example")
        assert "Du har bedt om at følge." in await browser.read("/@jonas@m.example")
        assert "Træk anmodningen tilbage" in await browser.read("/@jonas@m.example")


@pytest.mark.alike
@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ("nobody@m.example", 404),
        ("jonas@", 422),
        ("not a handle", 422),
        ("@", 422),
        ("", 422),
        ("https://127.0.0.1/users/x", 404),
        ("https://localhost/users/x", 404),
        ("http://m.example/users/jonas", 404),
        ("javascript:alert(1)", 422),
        ("jonas@169.254.169.254", 422),
        ("x" * 3000, 422),
        ("https://" + "a" * 3000, 422),
    ],
)
async def test_what_cannot_be_found_is_said_beside_the_field(visiting: Visiting, wanted: str, status: int) -> None:
    somebody_lives(visiting.elsewhere)
    async with visiting.browser("anna") as browser:
        answer = await find(browser, wanted)
        assert answer.status_code in {status, 404, 422}
        assert answer.status_code < 500
        assert 'class="form-error-message"' in answer.text


async def test_a_thread_is_found_by_the_address_that_its_page_has_elsewhere(visiting: Visiting) -> None:
    somebody_lives(visiting.elsewhere)
    async with visiting.browser("anna") as browser:
        answer = await find(browser, f"{THREAD}/hvor")
        assert "Hvor er det?" in await browser.read(answer.headers["location"])


async def test_a_collection_that_its_first_post_does_not_call_its_thread_is_none(visiting: Visiting) -> None:
    somebody_lives(visiting.elsewhere, note_in="")
    async with visiting.browser("anna") as browser:
        assert (await find(browser, THREAD)).status_code == 404


async def test_a_server_that_does_not_answer_is_named_as_the_reason(visiting: Visiting) -> None:
    visiting.elsewhere.dead("m.example")
    async with visiting.browser("anna") as browser:
        answer = await find(browser, "jonas@m.example")
        assert answer.status_code == 503
        assert "Den anden server svarer ikke." in answer.text
        assert 'value="jonas@m.example"' in answer.text


async def test_looking_up_is_for_people_who_are_signed_in(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        await browser.take_token("/sign-in")
        assert (await find(browser, "jonas@m.example")).status_code == 401
        assert not visiting.elsewhere.sent


async def test_a_locked_profile_is_asked_and_answers(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser("farid") as farid:
        await anna.succeed("/settings", name="Anna Holm", bio="x", language="da", locked="1")
        number = anna.do(lambda db: person(db, "anna").id)
        farid.do(lambda db: follows.undo(db, person(db, "farid"), person(db, "anna")))
        await farid.succeed(f"/actors/{number}/follow")
        page = await anna.read("/requests")
        assert "Farid Rahimi" in page
        [request] = re.findall(r'action="/requests/(\d+)"', page)
        assert (await farid.send(f"/requests/{request}", verdict="accept")).status_code == 404
        await anna.succeed(f"/requests/{request}", verdict="accept")
        assert "Farid Rahimi" not in await anna.read("/requests")
        assert anna.do(lambda db: follows.state(db, person(db, "farid").id, number)) == "accepted"


async def test_a_block_hides_both_from_each_other(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser("birk") as birk:
        number = anna.do(lambda db: person(db, "birk").id)
        await anna.succeed(f"/actors/{number}/block")
        assert (await birk.open("/u/anna")).status_code == 404
        assert "Birk" in await anna.read("/settings/blocks")
        await anna.succeed(f"/actors/{number}/block", undo="1")
        assert (await birk.open("/u/anna")).status_code == 200


async def test_a_mute_is_known_to_nobody_but_oneself(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser("birk") as birk:
        number = anna.do(lambda db: person(db, "birk").id)
        await anna.succeed(f"/actors/{number}/mute")
        assert "Se indlæg igen" in await anna.read("/u/birk")
        assert (await birk.open("/u/anna")).status_code == 200


async def test_who_hides_his_followers_shows_the_number_only(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna, visiting.browser() as nobody:
        number = anna.do(lambda db: person(db, "anna").id)
        assert "Farid" in await nobody.read(f"/actors/{number}/followers")
        await anna.succeed("/settings", name="Anna Holm", bio="x", language="da", hides_followers="1")
        assert (await nobody.open(f"/actors/{number}/followers")).status_code == 404
        assert "Farid" in await anna.read(f"/actors/{number}/followers")


async def test_the_profile_form_changes_what_others_see(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        await browser.succeed("/settings", name="Birk S.", bio="Løber *stadig*.", language="en")
        page = await browser.read("/u/birk")
        assert "Birk S." in page
        assert "<em>stadig</em>" in page
        assert '<html lang="en">' in page
        answer = await browser.send("/settings", name="x" * 101, bio="y" * 5001, language="da")
        assert answer.status_code == 422
        assert "y" * 5001 in answer.text


@pytest.mark.parametrize("what", ["follow", "object"])
async def test_a_link_from_elsewhere_asks_before_it_does_anything(visiting: Visiting, what: str) -> None:
    somebody_lives(visiting.elsewhere)
    async with visiting.browser("anna") as browser, visiting.browser() as nobody:
        path = f"/intents/{what}?uri={JONAS}"
        assert (await nobody.open(path)).headers["location"].startswith("/sign-in?next=%2Fintents")
        page = await browser.read(path)
        assert JONAS in page
        assert "Du er logget ind som @anna@a.example." in words(page)
        assert not visiting.elsewhere.sent
        where = await browser.succeed(f"/intents/{what}", uri=JONAS)
        assert where == "/@jonas@m.example"


@pytest.mark.alike
@pytest.mark.parametrize("back", ["javascript:alert(1)", "//evil.example", "http://evil.example/", "/settings"])
async def test_only_an_https_address_is_offered_as_the_way_back(visiting: Visiting, back: str) -> None:
    somebody_lives(visiting.elsewhere)
    async with visiting.browser("anna") as browser:
        page = (await browser.http.get("/intents/follow", params={"uri": JONAS, "on-success": back})).text
        assert 'name="return_to" value=""' in page
        assert await browser.succeed("/intents/follow", uri=JONAS, return_to=back) == "/@jonas@m.example"


async def test_the_way_back_is_a_link_on_a_page_and_never_a_redirect(visiting: Visiting) -> None:
    somebody_lives(visiting.elsewhere)
    async with visiting.browser("anna") as browser:
        answer = await browser.send("/intents/follow", uri=JONAS, return_to="https://m.example/done")
        assert answer.status_code == 200
        assert 'href="https://m.example/done"' in answer.text
        assert "Gå tilbage til m.example" in answer.text


async def test_a_reader_from_elsewhere_is_shown_the_way_to_his_own_server(visiting: Visiting) -> None:
    somebody_lives(visiting.elsewhere)
    async with visiting.browser() as browser:
        asked = visiting.database.write(lambda db: question(db, "Hvordan fik I"))
        await browser.take_token(f"/posts/{asked.id}/from-home")
        answer = await browser.send(f"/posts/{asked.id}/from-home", handle="@jonas@m.example")
        assert answer.status_code == 200
        expected = f"https://m.example/go?uri={ORIGIN.replace('://', '%3A%2F%2F')}%2Fp%2F{asked.id}"
        assert f'href="{expected}"' in answer.text
        wrong = await browser.send(f"/posts/{asked.id}/from-home", handle="nobody@m.example")
        assert wrong.status_code == 422
        assert asked.uri in wrong.text


async def test_a_mention_of_somebody_elsewhere_is_looked_up_and_linked(visiting: Visiting) -> None:
    somebody_lives(visiting.elsewhere)
    async with visiting.browser("anna") as browser:
        where = await browser.succeed("/post", text="Hej @jonas@m.example!", visibility="public", language="da")
        assert f'href="{JONAS}" class="u-url mention"' in await browser.read(where)


async def test_a_mention_of_nobody_stays_text_and_does_not_stop_the_post(visiting: Visiting) -> None:
    visiting.elsewhere.dead("m.example")
    async with visiting.browser("anna") as browser:
        where = await browser.succeed("/post", text="Hej @jonas@m.example!", visibility="public", language="da")
        assert "Hej @jonas@m.example!" in await browser.read(where)


async def test_names_that_turn_text_around_are_shown_without_their_tricks(visiting: Visiting) -> None:
    def arrive(db: object) -> None:
        remote(db, "m.example", name="x", shared=False).name = "gnp.\u202eexe\u2066 @anna\u200b"  # type: ignore[arg-type]

    visiting.database.write(arrive)
    async with visiting.browser() as browser:
        page = await browser.read("/@x@m.example")
        assert "<bdi>gnp.exe @anna</bdi>" in page
        assert "@m.example" in words(page).replace(" ", "")
        for sign in "\u202e\u2066\u200b":
            assert sign not in page


async def test_the_nodes_own_actor_and_suspended_people_have_no_page(visiting: Visiting) -> None:
    def lock_out(db: object) -> None:
        actors.suspend(db, person(db, "birk"))  # type: ignore[arg-type]

    visiting.database.write(lock_out)
    async with visiting.browser("anna") as browser:
        assert (await browser.open("/u/birk")).status_code == 404
        assert (await browser.open("/@nobody@m.example")).status_code == 404
        assert (await browser.open("/@birk")).status_code == 404
        assert browser.do(lambda db: actors.node_actor(db).type) == ActorType.APPLICATION


async def test_nobody_who_is_suspended_is_among_the_followers(visiting: Visiting) -> None:
    async with visiting.browser("birk") as browser:
        path = f"/actors/{browser.do(lambda db: person(db, 'anna').id)}/followers"
        assert "Farid Rahimi" in words(await browser.read(path))
        browser.do(lambda db: actors.suspend(db, person(db, "farid")))
        assert "Farid Rahimi" not in words(await browser.read(path))
