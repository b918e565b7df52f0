"""What apps look up before they ask: how this server does OAuth (RFC 8414), and who somebody is."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from models import scopes
from models.database import Node
from server.api.arguments import Nothing
from server.api.calls import Call, Endpoint, endpoint
from server.api.show_accounts import avatar
from server.media.links import links
from server.oauth.answering import program, told
from server.oauth.tokens import GRANTS

DOCUMENTATION = "https://docs.joinmastodon.org/"


class UserInfo(msgspec.Struct, kw_only=True):
    """Who the token's person is, in the words of OpenID Connect."""

    iss: str
    sub: str
    name: str
    preferred_username: str
    profile: str
    picture: str


async def metadata(request: Request) -> Response:
    """`GET /.well-known/oauth-authorization-server` (RFC 8414)."""
    node: Node = request.app.state.database.node
    origin = node.origin
    found = {
        "issuer": origin,
        "authorization_endpoint": f"{origin}/oauth/authorize",
        "token_endpoint": f"{origin}/oauth/token",
        "revocation_endpoint": f"{origin}/oauth/revoke",
        "userinfo_endpoint": f"{origin}/oauth/userinfo",
        "app_registration_endpoint": f"{origin}/api/v1/apps",
        "service_documentation": DOCUMENTATION,
        "scopes_supported": list(scopes.ALL),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "ui_locales_supported": ["da", "en"],
    }
    answer = told(found)
    answer.headers["Cache-Control"] = "public, max-age=3600"
    del answer.headers["Pragma"]
    return answer


@endpoint("profile", Nothing, UserInfo)
async def who_it_is(call: Call, _args: Nothing) -> UserInfo:
    """`GET` and `POST /oauth/userinfo`: the person a token acts for."""
    me = call.me
    picture = await call.read(lambda db: avatar(links(db), me))
    return UserInfo(
        iss=call.node.origin,
        sub=me.uri,
        name=me.display_name,
        preferred_username=me.username,
        profile=me.url or me.uri,
        picture=picture,
    )


_ASKED = Endpoint("GET", "/oauth/userinfo", who_it_is)


@program
async def userinfo(request: Request) -> Response:
    """The same by either method, with errors as OAuth says them."""
    return await _ASKED(request)
