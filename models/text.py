"""Text that is safe to show: Markdown from our own people, HTML from everybody else, and what stands inside them."""

import html as stdlib_html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from urllib.parse import quote

import nh3

if TYPE_CHECKING:  # loaded where the first text is rendered: most of what a process reads is HTML already
    from markdown_it import MarkdownIt
    from markdown_it.token import Token


class Named(Protocol):
    """As much of an actor as a mention needs."""

    id: Any
    username: Any
    url: Any
    uri: Any


A = TypeVar("A", bound=Named)

MAX_HTML = 100_000
"""Characters of content kept after cleaning (longer remote posts are cut)."""

MAX_MARKUP = 20_000
"""More `<` or `&` than this is no text anybody wrote: it is shown as plain text, which is cheap however it nests."""

LINK_REL = "nofollow noopener noreferrer ugc"

# The set Mastodon 4.2+ lets through, plus small headings for reports.
TAGS = {
    *("p", "br", "span", "a", "del", "s", "pre", "code", "em", "strong", "b", "i", "u"),
    *("ul", "ol", "li", "blockquote", "h3", "h4", "h5", "h6", "ruby", "rt", "rp"),
}
ATTRIBUTES = {
    "a": {"href", "class", "rel", "translate"},
    "span": {"class", "translate"},
    "ol": {"start", "reversed"},
    "li": {"value"},
}
CLASSES = re.compile(r"^(?:mention|hashtag|ellipsis|invisible|[uhpe]-[a-z-]{1,20}|dt-[a-z-]{1,20})$")
SCHEMES = {"http", "https", "mailto"}

HANDLE = re.compile(
    r"(?<![\w/@.])@([A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?)(?:@([a-zA-Z0-9](?:[\w.-]{0,250}\w)?(?::\d{1,5})?))?"
)
HASHTAG = re.compile(r"(?<![\w/&#])#(\w{1,100})")


@dataclass(frozen=True)
class Rendered(Generic[A]):
    """What Markdown became: clean HTML, the actors it names, and its hashtags as written."""

    html: str
    mentions: list[A] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


def escape(text: str) -> str:
    """Plain text as HTML."""
    return stdlib_html.escape(text, quote=True)


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "class":
        kept = [word for word in value.split() if CLASSES.match(word)]
        return " ".join(kept) or None
    if name == "rel":
        return value if value in {"tag", LINK_REL} else None
    if name == "translate":
        return "no" if value == "no" else None
    return value


# Made once: what may stay is compiled, which takes several times as long as cleaning a post.
_FOREIGN = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags={"script", "style", "template", "iframe", "object", "svg", "math"},
    attributes={**ATTRIBUTES, "a": ATTRIBUTES["a"] - {"rel"}},
    attribute_filter=_attribute,
    url_schemes=SCHEMES,
    link_rel=LINK_REL,
)
_BARE = nh3.Cleaner(tags=set(), attributes={})
_OWN = nh3.Cleaner(
    tags=TAGS | {"hr"}, attributes=ATTRIBUTES, attribute_filter=_attribute, url_schemes=SCHEMES, link_rel=None
)


def _is_costly(html: str) -> bool:
    """More mark-up than anybody writes: parsing 300 000 bare `&` takes seconds."""
    return html.count("<") > MAX_MARKUP or html.count("&") > MAX_MARKUP


def clean(html: str) -> str:
    """HTML from another server, made inert: Mastodon's allow-list, links without trust, at most 100 kB.

    Never raises, and takes no more than milliseconds whatever it is given.
    """
    html = html[: MAX_HTML * 4].replace("\x00", "")
    if _is_costly(html):
        return f"<p>{escape(re.sub('<[^<>]{0,200}>', ' ', html)[: MAX_HTML // 5])}</p>"
    html = re.sub(r"<(/?)h[12](?=[\s>])", r"<\1h3", html, flags=re.IGNORECASE)
    cleaned = _FOREIGN.clean(html)
    if len(cleaned) > MAX_HTML:  # cut the text, not the mark-up
        return f"<p>{escape(plain(cleaned)[: MAX_HTML // 2])} …</p>"
    return cleaned


def clean_profile(html: str) -> str:
    """Like `clean`, but keeps `rel="me"` out of our hands: profile links say nothing about us either way."""
    return clean(html[:20_000])


def plain(html: str) -> str:
    """The text of HTML, paragraphs and line breaks as newlines."""
    html = re.sub(r"<br\s*/?>|</(?:p|li|h[1-6]|blockquote|pre)>", "\n", html, flags=re.IGNORECASE)
    bare = re.sub("<[^<>]{0,200}>", " ", html) if _is_costly(html) else _BARE.clean(html)
    text = stdlib_html.unescape(bare)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def is_address(written: str) -> bool:
    """Whether something that was typed is the whole address of a page."""
    fit = len(written) <= 2000 and written.startswith(("https://", "http://"))
    return fit and not any(c.isspace() or c in '<>"' for c in written)


def escape_markdown(plain: str) -> str:
    """Plain text as Markdown that says just that: what was typed for no Markdown makes no heading, link or mention."""
    return _MARKS.sub(r"\\\1", plain).replace("@", "@\u2060")  # which joins what stands beside it, and names nobody


_MARKS = re.compile(r"([!-/:-@\[-`{-~])")


def one_line(text: str, limit: int) -> str:
    """Plain text on one line without control or direction characters, at most `limit` characters."""
    text = "".join(" " if c in "\t\r\n" else c for c in text[: limit * 4])
    text = "".join(
        c
        for c in text
        if unicodedata.category(c) not in {"Cc", "Cs"}
        and c not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u2060\ufeff"
    )
    return " ".join(text.split())[:limit]


def plain_words(words: str, most: int) -> str:
    """Words on one line that mean nothing but themselves in Markdown, and mention nobody."""
    return one_line("".join(one for one in words if one not in "*_`[]<>#").replace("@", "＠"), most)


def slug(title: str) -> str:
    """A title as the readable end of an address, ASCII: `Hvem har fået jura` becomes `hvem-har-faaet-jura`."""
    text = title.lower().replace("æ", "ae").replace("ø", "oe").replace("å", "aa")
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", text)
    short = ""
    for word in words:
        if len(short) + len(word) > 60:
            break
        short = f"{short}-{word}" if short else word
    return short


def tag_key(tag: str) -> str:
    """A hashtag in the one form that is compared and looked up."""
    return unicodedata.normalize("NFKC", tag.lstrip("#")).casefold()[:100]


def is_tag(tag: str) -> bool:
    """A hashtag has at least one letter."""
    return any(c.isalpha() for c in tag)


def tag_url(origin: str, tag: str) -> str:
    """The address of a tag's page."""
    return f"{origin}/t/{quote(tag_key(tag))}"


def tag_html(origin: str, tag: str) -> str:
    """A hashtag as every server expects it in content."""
    return f'<a href="{escape(tag_url(origin, tag))}" class="mention hashtag" rel="tag">#<span>{escape(tag)}</span></a>'


def mention_html(actor: Named) -> str:
    """A mention as every server expects it in content."""
    href = escape(actor.url or actor.uri)
    return (
        f'<span class="h-card"><a href="{href}" class="u-url mention">@<span>{escape(actor.username)}</span></a></span>'
    )


def handles_in(source: str) -> list[str]:
    """The handles `name@domain` of other servers that a text names, each once, at most 50."""
    found = {f"{name}@{domain.lower()}": None for name, domain in HANDLE.findall(source) if domain}
    return list(found)[:50]


@lru_cache(maxsize=1)
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True, "maxNesting": 20})
    markdown.enable(["linkify", "strikethrough"])
    markdown.disable(["image"])  # a picture from elsewhere would tell its host who reads here
    return markdown


class Names(Generic[A]):
    """Finds mentions and hashtags in text tokens, and remembers them."""

    def __init__(self, resolve: Callable[[str], A | None], origin: str) -> None:
        self.resolve, self.origin = resolve, origin
        self.mentions: dict[int, A] = {}
        self.tags: dict[str, str] = {}

    def tokens(self, text: str) -> "list[Token]":
        """`text` cut into text and ready-made HTML."""
        pieces: list[Token] = []
        end = 0
        for match in sorted([*HANDLE.finditer(text), *HASHTAG.finditer(text)], key=lambda m: m.start()):
            if match.start() < end or (made := self.html(match)) is None:
                continue
            pieces.append(_token("text", text[end : match.start()]))
            pieces.append(_token("html_inline", made))
            end = match.end()
        pieces.append(_token("text", text[end:]))
        return [piece for piece in pieces if piece.content]

    def html(self, match: re.Match[str]) -> str | None:
        """The link for a handle or a hashtag; None for a name nobody has."""
        if match.re is HASHTAG:
            if not is_tag(match[1]):
                return None
            self.tags.setdefault(tag_key(match[1]), match[1])
            return tag_html(self.origin, match[1])
        actor = self.resolve(f"{match[1]}@{match[2]}" if match[2] else match[1])
        if actor is None:
            return None
        self.mentions.setdefault(actor.id, actor)
        return mention_html(actor)


def _token(kind: str, content: str) -> "Token":
    from markdown_it.token import Token

    return Token(kind, "", 0, content=content)


def render_markdown(source: str, *, resolve: Callable[[str], A | None], origin: str) -> Rendered[A]:
    """Markdown as clean HTML, with mentions and hashtags as links.

    `resolve` gets `name` or `name@domain` and returns the actor if it is known; unknown ones stay text.
    """
    markdown = _markdown()
    tokens = markdown.parse(source)
    names = Names(resolve, origin)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        if token.type != "inline":
            continue
        depth = 0
        children: list[Token] = []
        for child in token.children or []:
            if child.type == "link_open":
                depth += 1
                child.attrSet("rel", LINK_REL)
            elif child.type == "link_close":
                depth -= 1
            if child.type == "text" and not depth:
                children += names.tokens(child.content)
            else:
                children.append(child)
        token.children = children
    raw = markdown.renderer.render(tokens, markdown.options, {})
    html = _OWN.clean(raw)
    return Rendered(html.strip(), list(names.mentions.values()), list(names.tags.values()))


def strip_leading_mentions(html: str) -> str:
    """A reply without the mentions its client put before it (they say only whom it answers)."""
    mention = (
        r'(?:<span class="h-card"[^<>]{0,80}>\s*)?'
        r'<a [^<>]{0,2000}class="[^"<>]{0,100}mention[^"<>]{0,100}"[^<>]{0,300}>'
        r"@(?:<span>)?[^<]{0,200}(?:</span>)?</a>(?:\s*</span>)?\s*"
    )
    stripped = re.sub(rf"^\s*<p[^<>]{{0,100}}>\s*(?:{mention}){{1,50}}(?:<br>\s*)?", "<p>", html, count=1)
    return re.sub(r"^<p>\s*</p>", "", stripped) if stripped != html else html


def first_named(html: str) -> frozenset[str]:
    """The addresses of those a text begins with: whom it is put to."""
    rest = strip_leading_mentions(html)
    beginning = html[: len(html) - len(rest) + len("<p>")] if rest != html else ""
    return frozenset(stdlib_html.unescape(href) for href in re.findall(r'href="([^"]{1,2000})"', beginning))


def without_title(html: str, title: str) -> str:
    """Content without a first paragraph that only repeats the title."""
    match = re.match(r"\s*<(p|h3)>(.{0,5000}?)</\1>", html, flags=re.DOTALL)
    if title and match and " ".join(plain(match[2]).split()) == " ".join(title.split()):
        return html[match.end() :].strip()
    return html


def without_duplicate_line(html: str) -> str:
    """Content without the line that names the question that was asked before; pages show that in their own way."""
    return re.sub(r"<p>↪ [^<]{0,60}<a [^<>]{0,3000}>[^<]{0,300}</a></p>\s*$", "", html)


def without_endorse_line(html: str) -> str:
    """Content without the line that says how a dogma is endorsed; pages have a button for it."""
    return re.sub(r"<p>♥ [^<]{0,200}</p>\s*$", "", html)


def without_accepted_line(html: str) -> str:
    """Content without the line that names the accepted answer; pages show that in their own way."""
    return re.sub(r"<p>✅ [^<]{0,60}<a [^<>]{0,3000}>[^<]{0,300}</a></p>\s*$", "", html)
