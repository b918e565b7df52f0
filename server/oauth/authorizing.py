"""`/oauth/authorize`: a person is asked whether an app may act for him, and says yes or no.

Everything the app asks for stands in the address, in the form's as in the page's, and is judged anew with the answer.
"""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.responses import RedirectResponse, Response

from models import oauth
from models.accounts import Account
from models.oauth_apps import OAuthError
from server.forms import Form
from server.oauth.answering import NOT_KEPT
from server.oauth.asking import Asked, Place, Refused, read
from server.oauth.words import rights
from server.web.visits import Visit, action, page

DONE = "force_login"
"""What is not asked again when the visitor comes back from signing in."""


@page
async def authorize_form(visit: Visit) -> Response:
    """`GET /oauth/authorize`: the question. Whoever is not signed in does that first; changes nothing."""
    visit.speak(visit.query("lang"))
    try:
        asked = await visit.read(lambda db: read(db, visit.request.query_params))
    except Refused as refused:
        return _refused(visit, refused)
    again = visit.query("force_login").lower() in {"true", "1", "t"}
    if visit.actor is None or again:
        return RedirectResponse(_sign_in(visit, again), 303, NOT_KEPT)
    place = asked.place
    answer = visit.page(
        "authorize.html",
        app=asked.app,
        rights=rights(asked.scopes),
        leads_to="" if place.is_page else _where(place.redirect_uri),
        other_account=_sign_in(visit, True),
    )
    answer.headers.update(NOT_KEPT)
    return answer


@action
async def authorize(visit: Visit, form: Form) -> Response:
    """`POST /oauth/authorize`: the answer. Yes gives the app a code, no an `access_denied`."""
    visit.speak(visit.query("lang"))
    try:
        asked = await visit.read(lambda db: read(db, visit.request.query_params))
    except Refused as refused:
        return _refused(visit, refused)
    if form.raw("decision") != "allow":
        return _refused(visit, Refused(asked.place, OAuthError("access_denied", "The person said no.")))
    code = await _grant(visit, asked)
    if asked.place.is_page:
        answer = visit.page("authorize_code.html", app=asked.app, code=code)
        answer.headers.update(NOT_KEPT)
        return answer
    return _go(asked.place, code=code)


async def _grant(visit: Visit, asked: Asked) -> str:
    return await visit.write(
        lambda db, me: oauth.grant(
            db,
            db.get_one(Account, me.id),
            asked.app,
            redirect_uri=asked.place.redirect_uri,
            wanted=asked.scopes,
            challenge=asked.challenge,
        )
    )


def _sign_in(visit: Visit, again: bool) -> str:
    """The way to the form of signing in and back here; `again` for who is signed in and may be somebody else."""
    kept = [item for item in parse_qsl(visit.request.url.query, keep_blank_values=True) if item[0] != DONE]
    back = f"/oauth/authorize?{urlencode(kept)}"
    lang = f"&lang={visit.language}" if visit.query("lang") else ""
    return f"/sign-in?next={quote(back, safe='')}{lang}{'&again=1' if again else ''}"


def _refused(visit: Visit, refused: Refused) -> Response:
    if refused.place.is_page:
        answer = visit.page("authorize_refused.html", status=400, error=refused.error)
        answer.headers.update(NOT_KEPT)
        return answer
    return _go(refused.place, error=refused.error.code, error_description=refused.error.text)


def _go(place: Place, **values: str) -> Response:
    # not RedirectResponse, which would write the address anew: the app's own scheme has to stay as it is
    return Response(status_code=303, headers={"Location": place.with_answer(**values), **NOT_KEPT})


def _where(redirect_uri: str) -> str:
    """What somebody reads who asks where he will end up: a host, or the scheme of a program on his device."""
    parts = urlsplit(redirect_uri)
    return parts.netloc if parts.scheme in {"http", "https"} else f"{parts.scheme}:"
