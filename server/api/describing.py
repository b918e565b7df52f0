"""The client API described as OpenAPI 3.1, made from the table of routes, so that it cannot say anything else."""

import re
import types
from functools import lru_cache
from typing import Any, Union, get_args, get_origin

import msgspec
from starlette.responses import Response

from server.api.arguments import Nothing
from server.api.calls import Call, Endpoint, endpoint
from server.api.paging import Page
from server.oauth.words import BESIDES, READS, WRITES
from server.version import VERSION

TITLE = "Torv client API"
REFERENCE = "#/components/schemas/{name}"
ERRORS = {
    "401": "The access token is missing or not valid.",
    "403": "The token does not cover this, or the caller may not do it.",
    "404": "There is no such thing, or the caller may not see it.",
    "422": "An argument is missing or not what it should be.",
    "429": "Too many calls in a short time; `X-RateLimit-Reset` says when to go on.",
    "503": "The node is busy; try again.",
}
ERROR_SCHEMA = {
    "type": "object",
    "properties": {
        "error": {"type": "string"},
        "error_description": {"type": "string"},
        "code": {"type": "string"},
        "details": {"type": "object", "description": "What is wrong with which part of a form; when signing up."},
    },
    "required": ["error"],
}
FILES = {
    "media.upload": ("file", "thumbnail"),
    "media.upload_first": ("file", "thumbnail"),
    "media.change": ("thumbnail",),
    "profile.update_credentials": ("avatar", "header"),
}
"""What comes as a file, which only multipart can carry."""

WORDS = {**READS, **WRITES, **BESIDES}
"""What each scope is for."""

PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
IDS = {"id", "status_id", "account_id", "list_id", "filter_id"}


def describe(endpoints: list[Endpoint], *, origin: str, version: str) -> dict[str, Any]:
    """The whole description of the node at `origin`."""
    paths, schemas = _described(tuple(endpoints))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": version,
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
            "description": "Mastodon's client API as far as Torv speaks it, and Torv's own under `/api/torv/v1/`. "
            "Arguments may come as query, form, multipart or JSON.",
        },
        "servers": [{"url": origin}],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Error": ERROR_SCHEMA},
            "securitySchemes": {
                "token": {
                    "type": "oauth2",
                    "flows": {
                        "authorizationCode": {
                            "authorizationUrl": f"{origin}/oauth/authorize",
                            "tokenUrl": f"{origin}/oauth/token",
                            "scopes": _scopes(endpoints),
                        }
                    },
                }
            },
        },
    }


def _scopes(endpoints: list[Endpoint]) -> dict[str, str]:
    used = {scope for one in endpoints if one.described.scope for scope in one.described.scope.split("|")}
    return {scope: WORDS[scope] for scope in sorted(used)}


@lru_cache(maxsize=2)
def _described(endpoints: tuple[Endpoint, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    kinds: list[Any] = []
    for one in endpoints:
        kinds += [one.described.args, *_answers(one.described.answer)]
    unique = list({repr(kind): kind for kind in kinds}.values())
    made, schemas = msgspec.json.schema_components(unique, ref_template=REFERENCE)
    schema = {repr(kind): value for kind, value in zip(unique, made, strict=True)}
    paths: dict[str, Any] = {}
    for one in endpoints:
        path = PARAMETER.sub(r"{\1}", one.path)
        paths.setdefault(path, {})[one.method.lower()] = _operation(one, schema, schemas)
    return paths, dict(schemas)


def _operation(one: Endpoint, schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    described = one.described
    text = (described.function.__doc__ or "").strip()
    answers = [schema[repr(kind)] for kind in _answers(described.answer)]
    good = answers[0] if len(answers) == 1 else {"anyOf": answers} if answers else {}
    operation: dict[str, Any] = {
        "operationId": f"{one.method.lower()}.{described.name}.{len(one.path)}",
        "summary": text.split("\n", 1)[0],
        "parameters": _path_parameters(one.path),
        "responses": {
            "2XX": {"description": "Done.", "content": {"application/json": {"schema": good}}},
            **{status: _error(text) for status, text in ERRORS.items()},
        },
    }
    # a scope such as `a|b` is covered by either
    ways = [{"token": [scope]} for scope in described.scope.split("|")] if described.scope else [{"token": []}]
    operation["security"] = [{}, *ways] if described.who == "anybody" else ways
    arguments, required = _properties(schema[repr(described.args)], schemas)
    if arguments and one.method == "GET":
        operation["parameters"] += [
            {
                "name": name + ("[]" if _is_list(value) else ""),
                "in": "query",
                "required": name in required,
                "schema": value,
            }
            for name, value in arguments.items()
        ]
    elif arguments:
        body = {"schema": {"type": "object", "properties": arguments, "required": required}}
        operation["requestBody"] = {
            "required": bool(required),
            "content": {"application/json": body, "application/x-www-form-urlencoded": body},
        }
        if files := FILES.get(described.name):
            sent = {name: {"type": "string", "contentMediaType": "application/octet-stream"} for name in files}
            whole = {"type": "object", "properties": {**arguments, **sent}, "required": required}
            operation["requestBody"]["content"]["multipart/form-data"] = {"schema": whole}
    return operation


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", **({"pattern": "^[0-9]{1,19}$"} if name in IDS else {})},
        }
        for name in PARAMETER.findall(path)
    ]


def _properties(schema: dict[str, Any], schemas: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What an argument structure holds, and which of it has to be there."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return schema.get("properties", {}), schema.get("required", [])


def _is_list(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "array" or any(one.get("type") == "array" for one in schema.get("anyOf", []))


def _answers(answer: Any) -> list[Any]:
    """The types an endpoint answers with: a page is a list, and a union is several."""
    if answer is None:
        return []
    if get_origin(answer) is Page:
        return [list[get_args(answer)[0]]]  # type: ignore[misc]
    if get_origin(answer) in {Union, types.UnionType}:
        return [kind for kind in get_args(answer) if kind is not types.NoneType]
    return [answer]


def _error(text: str) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(name="Error")}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


@endpoint(None, Nothing, dict[str, Any], who="anybody")
async def description(call: Call, args: Nothing) -> Response | dict[str, Any]:
    """This API as OpenAPI 3.1."""
    from server.api import routes  # whose table it describes, this included

    return describe(routes.API, origin=call.node.origin, version=VERSION)
