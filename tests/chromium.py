"""The browser that tests open pages in: the system's Chromium, without windows of its own where it comes that way.

`chromium-headless-shell` is the same engine and leaves out everything around a page, which takes a third of the time.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.missing import missing

PROGRAMS = ("chromium-headless-shell", "chromium")
"""The first that is there is taken."""

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--font-render-hinting=none",  # letters are as wide as they are, which the shell alone would round
)


@contextmanager
def running(*arguments: str) -> Iterator[Browser]:
    """The browser for the length of a block; the test is skipped, or in CI failed, where there is none."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *arguments])
        yield browser
        browser.close()
