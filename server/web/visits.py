"""A visit: who asks for a page, in which language, and the way to read, write and answer.

@page
async def about(visit: Visit) -> Response:
    return visit.page("about.html")

@action
async def vote(visit: Visit, form: Form) -> Response:
    ...
    return visit.go("/p/17", said="voted")
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import quote

from markupsafe import Markup
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from federation.crossing import reading
from models import accounts, notifications
from models.accounts import Account, Role
from models.actors import Actor
from models.database import Node
from models.errors import Forbidden, NotFound, Unauthenticated
from server import i18n, sessions
from server.asking import Asker
from server.forms import Form
from server.i18n import later
from server.limits import WRITES_BY_ACCOUNT
from server.security import check_origin, local_path
from server.settings import Settings
from server.site import Site, style_version
from server.web.rendering import paragraphs, render
from server.web.said import SAID

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]

FORM_FIELD = "token"

MAX_FILES = 6
"""Most files of one form; fields left empty count too."""


@dataclass
class Visit(Asker):
    """One request for a page. `account` and `actor` are both set for people who are signed in, else both None."""

    NOBODY = later("Sign in first.")

    request: Request
    language: str
    account: Account | None = None
    actor: Actor | None = None
    unread: int = 0
    newcomer: Account | None = None
    """Whose account waits to be let in: he is nobody yet, but can read how it stands."""
    secret: str = ""
    """What the form tokens of this visitor are made from."""
    _new_secret: bool = field(default=False, init=False)

    @classmethod
    async def of(cls, request: Request) -> "Visit":
        """Find out who is asking; one look into the database, none for visitors without a session."""
        settings: Settings = request.app.state.settings
        node: Node = request.app.state.database.node
        chosen = sessions.read(request, node, sessions.LANGUAGE)
        visit = cls(request, i18n.known(chosen, language_asked(request, settings)))
        request.state.visit = visit
        await visit.site.current()
        if token := sessions.read(request, node, sessions.SESSION):
            found = await reading(visit.database, lambda db: _who(db, token))
            if found is not None and found[0].waits_for:
                visit.newcomer = found[0]
            elif found is not None:
                visit.account, visit.actor, visit.unread = found
                visit.language = i18n.known(visit.account.language)
                visit.secret = token
        if not visit.secret:
            visit.secret = sessions.read(request, node, sessions.FORM)
        return visit

    @property
    def here(self) -> str:
        """The path of this page with its query: where to come back to."""
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    def is_at_least(self, role: str) -> bool:
        """Whether the visitor has this role on the node, or a higher one."""
        order = [Role.MEMBER, Role.MODERATOR, Role.ADMIN]
        return self.account is not None and order.index(Role(self.account.role)) >= order.index(Role(role))

    def require(self, role: str) -> None:
        """Hide a page from everybody below `role`: they hear the same NotFound as for a page that does not exist."""
        if not self.is_at_least(role):
            raise NotFound("There is no such page.")

    def path(self, name: str) -> int:
        """A number from the address. Raises NotFound if no id can be that large."""
        value = int(self.request.path_params[name])
        if value >= 2**63:
            raise NotFound("There is no such page.")
        return value

    def query(self, name: str) -> str:
        """A word from the query; empty if it is missing or absurd."""
        value = self.request.query_params.get(name, "")
        return value if len(value) <= 2000 and "\x00" not in value and value.isprintable() else ""

    def cursor(self, name: str = "before") -> int | None:
        """The id to continue a list from; None at its beginning, and for anything that is no id."""
        value = self.query(name)
        return int(value) if value.isascii() and value.isdigit() and len(value) < 20 and int(value) < 2**63 else None

    def speak(self, language: str) -> None:
        """Show this page in a language that a link asks for, if we have it: `da`, `en-GB`."""
        self.language = i18n.known(language.lower().split("-")[0], self.language)

    def say(self, text: str) -> str:
        """A text in the visitor's language."""
        return i18n.translator(self.language)(text)

    def token(self) -> str:
        """The token for a form on this page; a visitor without a session gets a cookie to go with it."""
        if not self.secret:
            self.secret = sessions.new_secret()
            self._new_secret = True
        return sessions.form_token(self.secret)

    def page(self, template: str, *, status: int = 200, alternate: str = "", **values: Any) -> Response:
        """A template as answer. `alternate`: the id of the ActivityPub object this page shows."""
        said = SAID.get(sessions.read(self.request, self.node, sessions.SAID), "")
        values = {**self.common(), "said": said, "alternate": alternate, **values}
        html = render(template, self.language, self.settings.time_zone, values)
        headers = {
            "Cache-Control": "private, no-cache",
            "Vary": "Accept, Accept-Language, Cookie",
            "Content-Language": self.language,
        }
        if alternate:
            headers["Link"] = f'<{alternate}>; rel="alternate"; type="application/activity+json"'
        response = HTMLResponse(html, status_code=status, headers=headers)
        if self._new_secret:
            sessions.put(response, self.node, sessions.FORM, self.secret)
        if said:
            sessions.drop(response, self.node, sessions.SAID)
        return response

    def part(self, template: str, **values: Any) -> Response:
        """A piece of a page, for a script that puts it into one that is open."""
        html = render(template, self.language, self.settings.time_zone, {**self.common(), "tag_names": {}, **values})
        return HTMLResponse(html, headers={"Cache-Control": "no-store", "Content-Language": self.language})

    def common(self) -> Mapping[str, Any]:
        """What every template may use."""
        return {
            **common(self.request, self),
            "me": self.actor,
            "account": self.account,
            "unread": self.unread,
            "form_token": lambda: Markup('<input type="hidden" name="{}" value="{}">').format(FORM_FIELD, self.token()),
        }

    def go(self, path: str, *, said: str = "") -> Response:
        """Send the visitor on after a deed (303), with a word on what was done from `SAID`."""
        response = RedirectResponse(quote(local_path(path), safe="/?&=%#@:+,;!~*'()$-._"), status_code=303)
        if said:
            assert said in SAID
            sessions.put(response, self.node, sessions.SAID, said, seconds=60)
        return response

    def back(self, form: Form, fallback: str, *, said: str = "") -> Response:
        """Send the visitor to where the form stood."""
        return self.go(local_path(form.raw("next"), fallback), said=said)


def common(request: Request, visit: Visit | None) -> dict[str, Any]:
    """What the frame of every page needs, also where nobody could be asked who the visitor is."""
    settings: Settings = request.app.state.settings
    node: Node = request.app.state.database.node
    site: Site = request.app.state.site
    return {
        "node": node,
        "settings": settings,
        "site": site.known,
        "policy": site.policy,
        "logo": site.known.logo_address(""),
        "colours": f"/colours/{style_version(site.known)}.css" if site.known.accent else "",
        "picture": site.links.icon if site.links else lambda actor: "",
        "path": request.url.path,
        "here": visit.here if visit else request.url.path,
        "visit": visit,
        "me": None,
        "account": None,
        "unread": 0,
        "said": "",
        "alternate": "",
        "feed": "",
        "paragraphs": paragraphs,
        "form_token": lambda: "",
    }


def language_asked(request: Request, settings: Settings) -> str:
    """The language a browser asks for."""
    return i18n.accepted(request.headers.get("accept-language", ""), settings.default_language)


def _who(db: Session, token: str) -> tuple[Account, Actor, int] | None:
    found = accounts.behind(db, token)
    if found is None:
        return None
    account, actor = found
    if account.waits_for:
        return account, actor, 0
    return (account, actor, notifications.unread(db, account.id)) if actor.active else None


def page(endpoint: Callable[[Visit], Awaitable[Response]]) -> Endpoint:
    """A page anybody may ask for; what it shows depends on who asks."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        return await endpoint(await Visit.of(request))

    return answer


def own_page(endpoint: Callable[[Visit], Awaitable[Response]]) -> Endpoint:
    """A page for people who are signed in; others are sent to sign in and come back."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        visit = await Visit.of(request)
        if visit.newcomer is not None:
            return RedirectResponse("/waiting", status_code=303)
        if visit.actor is None:
            return RedirectResponse(f"/sign-in?next={quote(visit.here, safe='')}", status_code=303)
        return await endpoint(visit)

    return answer


def action(endpoint: Callable[[Visit, Form], Awaitable[Response]]) -> Endpoint:
    """What a form of a signed-in visitor does. The form must come from our own page and carry its token."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        visit, form = await _form_of(request, files=MAX_FILES)
        if visit.actor is None:
            raise Unauthenticated("You are not signed in any more. What you wrote is below; nothing was lost.")
        _check_token(visit, form)
        await visit.limits.count(WRITES_BY_ACCOUNT, str(visit.actor.id))
        try:
            return await endpoint(visit, form)
        finally:
            await request.close()  # the files that came with the form

    return answer


def open_action(endpoint: Callable[[Visit, Form], Awaitable[Response]]) -> Endpoint:
    """`action` for visitors who need not be signed in: to sign in, or to take up an invitation."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        visit, form = await _form_of(request)
        _check_token(visit, form)
        return await endpoint(visit, form)

    return answer


def tokenless_action(endpoint: Callable[[Visit, Form], Awaitable[Response]]) -> Endpoint:
    """For the one form that stands on every page of every visitor and can do no harm: the choice of language."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        visit, form = await _form_of(request)
        return await endpoint(visit, form)

    return answer


async def _form_of(request: Request, files: int = 0) -> tuple[Visit, Form]:
    check_origin(request, request.app.state.database.node)
    visit = await Visit.of(request)
    form = await Form.read(request, files=files if visit.actor is not None else 0)
    request.state.typed = form
    return visit, form


def _check_token(visit: Visit, form: Form) -> None:
    if not sessions.form_token_holds(visit.secret, form.raw(FORM_FIELD)):
        raise Forbidden("The form was too old, or did not come from this site. Go back, reload the page and try again.")
