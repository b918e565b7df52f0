"""Style sheets, fonts and icons: unchanged as their makers gave them, and kept by browsers until they change."""

import gzip
import hashlib
from pathlib import Path

import pytest

from server import static_files
from tests.server.visiting import Visiting

VENDOR = Path(static_files.FOLDER) / "vendor"


@pytest.mark.parametrize("folder", [path for path in VENDOR.iterdir() if path.is_dir()], ids=lambda path: path.name)
def test_what_others_made_is_as_they_made_it(folder: Path) -> None:
    listed = {}
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    assert there == set(listed)
    for name, digest in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


def test_the_design_system_is_the_released_one_with_its_licences_and_without_others_marks() -> None:
    folder = VENDOR / "dkfds-11.2.0"
    sheet = (folder / "css/dkfds.min.css").read_bytes()
    assert hashlib.sha256(sheet).hexdigest() == "a654037326b610cc3ef99cb16b0a8f8aabcbdf60da01632b2cad28b70214863f"
    assert "MIT license" in (folder / "LICENSE.md").read_text()
    assert "SIL Open Font License" in (folder / "fonts/IBMPlexSans/license.txt").read_text()
    assert not [
        path for path in folder.rglob("*") if "logo" in path.name or "virk" in path.name or "borger" in path.name
    ]


@pytest.mark.anyio
async def test_a_file_is_kept_for_a_year_under_an_address_that_changes_with_it(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        page = await browser.read("/")
        address = static_files.address("torv.css")
        assert f'<link rel="stylesheet" href="{address}">' in page
        answer = await browser.open(address)
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"] == "text/css; charset=utf-8"
        old = await browser.open("/static/000000000000/torv.css")
        assert old.headers["cache-control"] == "no-cache"


@pytest.mark.anyio
async def test_text_travels_packed_to_those_who_can_unpack_it(visiting: Visiting) -> None:
    async with visiting.browser() as browser:
        address = static_files.address("torv.css")
        packed = await browser.open(address, **{"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        plain = await browser.open(address, **{"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == packed.content == (static_files.FOLDER / "torv.css").read_bytes()
        assert len(gzip.compress(plain.content)) < len(plain.content) / 2


def test_nothing_in_our_pages_comes_from_elsewhere() -> None:
    for path in [*static_files.FOLDER.glob("*.css"), *(static_files.FOLDER.parent / "templates").glob("*.html")]:
        text = path.read_text()
        for script in text.split("<script")[1:]:  # files of our own, or data for search engines
            assert script.startswith((' type="module" src="{{ static(\'js/', ' type="application/ld+json">')), path
        assert "style=" not in text, path
        assert "<style" not in text, path
        for start in ('src="http', 'url("http', "url(http", '@import "http'):
            assert start not in text, path
