"""Plain text from apps: what is written is what is read."""

import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import plain_text, text


@dataclass
class Somebody:
    """Whoever can be named."""

    id: int
    username: str
    url: str
    uri: str


ANNA = Somebody(1, "anna", "https://b.example/@anna", "https://b.example/users/1")


def render(source: str) -> text.Rendered[Somebody]:
    """With one known person, on our node."""
    return plain_text.render(
        source, resolve=lambda handle: ANNA if handle == "anna@b.example" else None, origin="https://a.example"
    )


def test_lines_and_paragraphs_stay() -> None:
    assert render("en\nto\n\n\ntre\r\nfire").html == "<p>en<br>to</p><p>tre<br>fire</p>"


@pytest.mark.parametrize(
    "source", ["*stjerne*", "_streg_", "# nummer", "1. et", "> citat", "`kode`", "[a](b)", "~~x~~"]
)
def test_marks_mean_themselves(source: str) -> None:
    assert render(source).html == f"<p>{text.escape(source)}</p>"


def test_mark_up_is_text() -> None:
    assert render("<script>alert(1)</script>").html == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"


def test_people_and_tags_and_addresses_become_links() -> None:
    made = render("@anna@b.example se https://c.example/a?b=1&c=2#d #Sommer (www.dr.dk).")
    assert 'href="https://b.example/@anna" class="u-url mention"' in made.html
    assert '<a href="https://c.example/a?b=1&amp;c=2#d"' in made.html
    assert '(<a href="http://www.dr.dk"' in made.html
    assert (made.mentions, made.tags) == ([ANNA], ["Sommer"])


@pytest.mark.parametrize(
    "source", ["@nobody@b.example", "javascript:alert(1)", "ftp://a.example/x", "file:///etc/passwd"]
)
def test_what_is_no_link_stays_text(source: str) -> None:
    assert "<a" not in render(source).html


@given(st.text(max_size=300))
def test_whatever_is_written_can_be_read_again(source: str) -> None:
    words = "".join(text.plain(render(source).html).split())
    assert words == "".join(text.plain(f"<p>{text.escape(source)}</p>").split())


@pytest.mark.parametrize("unit", ["http://", "https://a.dk/(", "a.", "@a", "#a", "a@b.", "a\n"])
def test_a_long_text_takes_no_longer_than_it_is_long(unit: str) -> None:
    began = time.process_time()
    render(unit * (50_000 // len(unit)))
    assert time.process_time() - began < 3
