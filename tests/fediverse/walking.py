"""Walking through the pages as somebody does: with a mouse, with the keyboard alone, or in a browser without scripts."""

from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Page

from tests.fediverse.nodes import RealNode

WAIT = 20_000
MOST_TABS = 250

FOCUSED = "wanted => document.activeElement === wanted"


@dataclass(frozen=True)
class Manner:
    """How somebody reads."""

    language: str = "da-DK"
    width: int = 1280
    scripts: bool = True
    keyboard: bool = False
    dark: bool = False


class Walker:
    """One person's browser at a node. What goes wrong on a page (a script error, a broken policy) is kept in `faults`."""

    def __init__(self, browser: Browser, node: RealNode, manner: Manner) -> None:
        self.node = node
        self.manner = manner
        self.faults: list[str] = []
        self.context: BrowserContext = browser.new_context(
            locale=manner.language,
            viewport={"width": manner.width, "height": 800},
            java_script_enabled=manner.scripts,
            color_scheme="dark" if manner.dark else "light",
            ignore_https_errors=True,
            accept_downloads=True,
        )
        self.context.set_default_timeout(WAIT)
        self.page: Page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)

    def open(self, path: str) -> None:
        """Open an address by typing it."""
        answer = self.page.goto(self.node.origin + path)
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        self.look()

    def look(self) -> None:
        """What must hold of every page that is come to."""
        page = self.page
        assert page.locator("h1").count() == 1, page.url
        assert page.locator("main").count() == 1, page.url
        assert page.title(), page.url
        assert page.locator("html").get_attribute("lang") == self.manner.language[:2], page.url
        if self.manner.scripts:
            over = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            assert not page.evaluate(over), f"{page.url} is wider than its window"

    def reach(self, selector: str) -> None:
        """Go to a field or button with the Tab key until it has the focus, which can be seen."""
        wanted = self.page.locator(selector).first
        wanted.wait_for()
        element = wanted.element_handle()
        for _ in range(MOST_TABS):
            if self.page.evaluate(FOCUSED, element):
                width = wanted.evaluate("e => parseFloat(getComputedStyle(e).outlineWidth)")
                assert width >= 2, f"the focus on {selector} cannot be seen"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {selector} on {self.page.url}")

    def press(self, selector: str, *, leads: bool = True) -> None:
        """Press a button or follow a link; `leads` to another page."""
        if not self.manner.keyboard:
            self._lead(lambda: self.page.locator(selector).first.click(), leads)
        else:
            self.reach(selector)
            self._lead(lambda: self.page.keyboard.press("Enter"), leads)
        if leads:
            self.look()

    def _lead(self, deed, leads: bool) -> None:  # type: ignore[no-untyped-def]
        if not leads:
            deed()
            return
        with self.page.expect_navigation(wait_until="load"):
            deed()

    def write(self, selector: str, text: str) -> None:
        """Fill a field."""
        if not self.manner.keyboard:
            self.page.locator(selector).first.fill(text)
            return
        self.reach(selector)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def tick(self, selector: str) -> None:
        """Tick a box that is not ticked."""
        if not self.manner.keyboard:
            self.page.locator(selector).first.check()
            return
        wanted = self.page.locator(selector).first
        if wanted.get_attribute("type") == "radio":
            # one stop for the whole group, on its chosen one or its ends; arrows go on from there
            name = wanted.get_attribute("name")
            stops = self.page.locator(f"input[name='{name}']:checked")
            self.reach(f"input[name='{name}']" + (":checked" if stops.count() else ""))
            for _ in range(MOST_TABS):
                if wanted.is_checked():
                    return
                self.page.keyboard.press("ArrowDown")
            raise AssertionError(f"the keyboard does not choose {selector}")
        self.reach(selector)
        if not wanted.is_checked():
            self.page.keyboard.press("Space")

    def choose(self, selector: str, label: str) -> None:
        """Choose from a list by what it says."""
        if not self.manner.keyboard:
            self.page.locator(selector).first.select_option(label=label)
            return
        self.reach(selector)
        self.page.keyboard.type(label, delay=20)
        chosen = self.page.locator(selector).first.evaluate("s => s.selectedOptions[0].label")
        assert chosen.strip() == label

    def sign_in(self, name: str, password: str) -> None:
        """Sign in on the page for it."""
        self.open("/sign-in")
        self.write("main #login", name)
        self.write("main #password", password)
        self.press("main form button[type=submit]")

    def close(self) -> None:
        """End; nothing may have gone wrong on the way."""
        self.context.close()
        assert not self.faults
