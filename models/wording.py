"""A post's text as readers elsewhere get it: other servers, and apps. The pages here show title and tags in their own
way; everywhere else they stand in the text, because only text is shown everywhere."""

from collections.abc import Iterable
from dataclasses import dataclass

from models import text
from models.posts import Post


@dataclass(frozen=True)
class Accepted:
    """A question's accepted answer, as its text names it."""

    uri: str
    handle: str


@dataclass(frozen=True)
class Original:
    """The question that was asked before, as the text of the later one names it."""

    uri: str
    title: str


def whole(
    post: Post,
    *,
    origin: str,
    tags: Iterable[str] = (),
    accepted: Accepted | None = None,
    original: Original | None = None,
    endorse: bool = False,
) -> str:
    """Clean HTML: the title in bold, the text, those of `tags` that the text does not show, the question that asked
    the same before, the accepted answer, how it is endorsed."""
    text = title(post.title) + post.content + _missing(post.content, origin, tags)
    return text + _original(original) + _accepted(accepted) + (_endorse(post) if endorse else "")


def source(
    post: Post, *, accepted: Accepted | None = None, original: Original | None = None, endorse: bool = False
) -> str:
    """The Markdown with the same said below it: Lemmy, PieFed and NodeBB read it instead of the HTML. No title."""
    said = [post.source]
    if original is not None:
        said.append(f"↪ Spurgt før: {text.plain_words(original.title, 200)} <{original.uri}>")
    if accepted is not None:
        said.append(f"✅ Accepteret svar: {text.plain_words(accepted.handle, 300)} <{accepted.uri}>")
    if endorse:
        said.append(_endorse_words(post))
    return "\n\n".join(said)


def report(post: Post, facts: Iterable[tuple[str, str]] = ()) -> str:
    """A report of experience in short, for apps: the title in bold, its facts and abstract, and where it is read whole."""
    named = [f"<strong>{text.escape(name)}:</strong> {text.escape(said)}." for name, said in facts]
    short = " ".join([*named, text.escape(post.summary)]).strip()
    address = text.escape(post.url or post.uri)
    return f'{title(post.title)}{f"<p>{short}</p>" if short else ""}<p><a href="{address}">{address}</a></p>'


def meeting(post: Post) -> str:
    """A meeting, for apps: the title in bold, when and where, its text, and where one signs up."""
    address = text.escape(post.url or post.uri)
    said = f"<p>{text.escape(post.summary)}</p>" if post.summary else ""
    return f'{title(post.title)}{said}{post.content}<p><a href="{address}">{address}</a></p>'


def titled(name: str, said: str) -> str:
    """Clean HTML with its title in bold before it."""
    return title(name) + said


def title(words: str) -> str:
    """A title as the first paragraph; empty where there is none."""
    return f"<p><strong>{text.escape(words)}</strong></p>" if words else ""


def _missing(content: str, origin: str, tags: Iterable[str]) -> str:
    missing = [tag for tag in tags if f'href="{text.escape(text.tag_url(origin, tag))}"' not in content]
    return f"<p>{' '.join(text.tag_html(origin, tag) for tag in missing)}</p>" if missing else ""


def _original(question: Original | None) -> str:
    if question is None:
        return ""
    name = text.escape(text.one_line(question.title, 200))
    return f'<p>↪ Spurgt før: <a href="{text.escape(question.uri)}">{name}</a></p>'


def _endorse(post: Post) -> str:
    return f"<p>{_endorse_words(post)}</p>"


def _endorse_words(post: Post) -> str:
    if post.language == "en":
        return "♥ Endorse it by liking this post."
    return "♥ Tilslut dig ved at synes godt om dette opslag."


def _accepted(answer: Accepted | None) -> str:
    if answer is None:
        return ""
    return f'<p>✅ Accepteret svar: <a href="{text.escape(answer.uri)}">{text.escape(answer.handle)}</a></p>'
