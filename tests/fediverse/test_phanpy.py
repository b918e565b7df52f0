"""A real client on two real nodes: Phanpy in Chromium over TLS. Anna and Carl live on A, Bodil on B.

    TORV_PHANPY=/path/to/phanpy/dist pytest tests/fediverse/test_phanpy.py

`dist` is what `npm run build` of its repository makes. With `TORV_PHANPY_SHOTS=folder` it leaves pictures.
"""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import select

from models import follows
from models.posts import Post
from models.reactions import Boost, Vote
from tests.fediverse.front import StaticFront
from tests.fediverse.ground import Ground
from tests.fediverse.nodes import PASSWORD
from tests.fediverse.towns import Towns, local, remote

pytestmark = [pytest.mark.interop, pytest.mark.slow, pytest.mark.browser]
CHROMIUM = "/usr/bin/chromium"
CLIENT = "phanpy.torv.test"
WAIT = 20_000
NEWS = "Festen er på fredag."


def built() -> Path:
    folder = os.environ.get("TORV_PHANPY", "")
    if not folder:
        pytest.skip("set TORV_PHANPY to the folder `dist` of a built Phanpy")
    return Path(folder)


class Phanpy:
    """The client, signed in as Anna at A."""

    def __init__(self, page: Page, towns: Towns) -> None:
        self.page = page
        self.towns = towns
        self.host = towns.a.host

    def open(self, path: str) -> None:
        self.page.goto(f"https://{CLIENT}/#{path}")

    def status(self, number: int) -> None:
        """Open a post of A."""
        self.open(f"/{self.host}/s/{number}")
        self.page.wait_for_selector(".status.large", timeout=WAIT)

    def shot(self, name: str) -> None:
        if folder := os.environ.get("TORV_PHANPY_SHOTS"):
            self.page.wait_for_timeout(600)
            self.page.screenshot(path=f"{folder}/{name}.png")

    def sign_in(self) -> None:
        self.open(f"/login?instance={self.host}")
        self.page.fill("#instanceURL", self.host)
        with self.page.expect_popup(timeout=WAIT) as opened:
            self.page.keyboard.press("Enter")
        popup = opened.value
        popup.fill("input#login", "anna", timeout=WAIT)
        popup.fill("#password", PASSWORD)
        popup.click("main form button[type=submit]")
        popup.wait_for_selector("button[name=decision][value=allow]", timeout=WAIT)
        popup.click("button[name=decision][value=allow]")
        self.page.wait_for_selector("#home-page, .timeline-deck", timeout=WAIT)

    def compose(self, text: str) -> None:
        self.page.fill("#compose-container textarea", text)

    def send(self) -> None:
        self.page.click("#compose-container button[type=submit]")
        self.page.wait_for_selector("#compose-container", state="detached", timeout=WAIT)


def something_to_read(towns: Towns) -> None:
    """Anna follows Carl, who writes."""
    carl = towns.a.read(lambda db: local(db, "carl").id)
    towns.anna.do(f"/actors/{carl}/follow")
    towns.carl.post(NEWS)


@pytest.fixture(scope="module")
def phanpy(ground: Ground, towns: Towns) -> Iterator[Phanpy]:
    folder = built()
    if ground.port != 443:
        pytest.skip("Phanpy speaks https on port 443 only: run this test as root")
    ground.settle(CLIENT)
    front = StaticFront(ground, CLIENT, folder)
    rules = ",".join(f"MAP {name} {address}" for name, address in ground.addresses.items())
    arguments = ["--no-sandbox", "--disable-gpu", "--ignore-certificate-errors", f"--host-resolver-rules={rules}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-GB", ignore_https_errors=True)
        made = Phanpy(page, towns)
        try:
            something_to_read(
                towns
            )  # before the page is open: reloaded, this client asks for notices and opens no stream
            made.sign_in()
            yield made
        except BaseException:
            made.shot("broken")
            raise
        finally:
            browser.close()
            front.close()


def test_somebody_signs_in_and_sees_his_home(phanpy: Phanpy) -> None:
    home = phanpy.page.locator("#home-page")
    expect(home).to_contain_text(NEWS, timeout=WAIT)
    expect(home).to_contain_text("Carl")
    phanpy.shot("1-home")


def test_a_question_is_read_answered_liked_and_boosted(phanpy: Phanpy) -> None:
    page, towns = phanpy.page, phanpy.towns
    number = towns.carl.ask(towns.torvet, "Hvem låner os et telt?", "Til **sommerfesten**.")
    phanpy.status(number)
    shown = page.locator(".status.large .content")
    expect(shown).to_contain_text("Hvem låner os et telt?")
    expect(shown.locator("strong").first).to_have_text("Hvem låner os et telt?")
    phanpy.shot("2-question")

    page.click(".status.large .favourite-button")
    towns.a.until("the vote", lambda db: db.scalar(select(Vote.id).where(Vote.post_id == number)))
    page.click(".status.large .reblog-button")
    page.get_by_role("menuitem", name="Boost", exact=True).click()
    towns.a.until("the boost", lambda db: db.scalar(select(Boost.id).where(Boost.post_id == number)))
    page.click(".status.large .reply-button")
    phanpy.compose("@carl Spejderne har to.")
    phanpy.shot("3-answering")
    phanpy.send()
    answer = towns.a.until("the answer", lambda db: db.scalar(select(Post).where(Post.in_reply_to_id == number)))
    assert answer.kind == "answer"
    expect(page.locator(".status-deck")).to_contain_text("Spejderne har to.", timeout=WAIT)
    phanpy.shot("4-answered")


def test_somebody_of_another_server_is_found_and_followed(phanpy: Phanpy) -> None:
    page, towns = phanpy.page, phanpy.towns
    phanpy.open(f"/search?q=@bodil@{towns.b.host}&type=accounts")
    page.locator(".account-block", has_text="bodil").first.click(timeout=WAIT)
    page.get_by_role("button", name="Follow", exact=True).click(timeout=WAIT)
    me, there = towns.a.read(lambda db: (local(db, "anna").id, remote(db, "bodil", towns.b.host)))
    assert there is not None
    towns.a.until("the follow", lambda db: follows.state(db, me, there.id) == "accepted")
    phanpy.shot("5-followed")


def test_a_picture_is_posted_with_its_alternative_text(phanpy: Phanpy, tmp_path: Path) -> None:
    from PIL import Image

    page, towns = phanpy.page, phanpy.towns
    Image.new("RGB", (800, 500), (30, 120, 90)).save(tmp_path / "telt.png")
    phanpy.open("/")
    page.click("#compose-button")
    phanpy.compose("Her er teltet.")
    page.set_input_files("#compose-container input[type=file]:not([capture])", tmp_path / "telt.png")
    page.locator(
        "#compose-container .media-attachment textarea, #compose-container .media-attachment .media-desc"
    ).first.click()
    page.fill("#media-sheet textarea, #compose-container .media-attachment textarea", "Et grønt telt på en plæne.")
    page.wait_for_timeout(1000)  # it takes the words over a quarter of a second later, and asks whoever sends before
    phanpy.shot("6-picture")
    if page.locator("#media-sheet").count():
        page.get_by_role("button", name="Done").click()
        page.wait_for_selector("#media-sheet", state="detached", timeout=WAIT)
    phanpy.send()
    post = towns.a.until(
        "the picture", lambda db: db.scalar(select(Post).where(Post.content.contains("Her er teltet")))
    )
    assert post.attachments[0]["name"] == "Et grønt telt på en plæne."
    phanpy.status(post.id)
    expect(page.locator(".status.large .media img")).to_be_visible(timeout=WAIT)
    phanpy.shot("7-pictured")


def test_a_notice_comes_by_stream_in_two_seconds(phanpy: Phanpy) -> None:
    page, towns = phanpy.page, phanpy.towns
    phanpy.open("/")
    page.wait_for_selector("#home-page", timeout=WAIT)
    page.wait_for_timeout(6000)  # it opens its stream a few seconds after the page
    began = time.monotonic()
    towns.carl.post("@anna Har du set nøglen?")
    page.wait_for_selector(".button-notifications.has-badge, .has-badge", timeout=WAIT)
    assert time.monotonic() - began < 3, "a stream, not a poll"
    phanpy.shot("8-notified")


def test_a_post_is_edited_and_deleted(phanpy: Phanpy) -> None:
    page, towns = phanpy.page, phanpy.towns
    phanpy.open("/")
    page.click("#compose-button")
    phanpy.compose("Mødet er klokken fem.")
    phanpy.send()
    post = towns.a.until("the post", lambda db: db.scalar(select(Post).where(Post.content.contains("klokken fem"))))
    phanpy.status(post.id)
    page.click(".status.large .more-button")
    page.get_by_role("menuitem", name="Edit", exact=True).click()
    expect(page.locator("#compose-container textarea")).to_have_value("Mødet er klokken fem.", timeout=WAIT)
    phanpy.compose("Mødet er klokken seks.")
    phanpy.send()
    towns.a.until("the edit", lambda db: "klokken seks" in db.get_one(Post, post.id).content)
    phanpy.status(post.id)
    expect(page.locator(".status.large .content")).to_contain_text("klokken seks", timeout=WAIT)
    phanpy.shot("9-edited")
    page.click(".status.large .more-button")
    page.get_by_role("menuitem", name=re.compile("Delete")).click()
    page.get_by_role("menuitem", name=re.compile("Delete")).last.click()
    towns.a.until("it is gone", lambda db: db.get_one(Post, post.id).deleted_at)
