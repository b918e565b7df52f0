"""What our code makes of a document that was fetched from a real server, in words."""

import json
from urllib.parse import unquote

import httpx

from federation import discovery, keys, reading, resolving
from federation.budget import Budget
from federation.client import Client
from federation.context import Federation
from federation.resolving import FetchFailed
from models.database import Database
from tests.fediverse.recordings import Origins, Recording


async def describe(database: Database, recording: Recording) -> str:
    """The typed value read from the document, or the reason for its refusal."""
    origins = Origins(recording.folder)
    client = Client(user_agent="Torv/test", transport_factory=_serving(origins, recording))
    fed = Federation(database, client)
    try:
        return await _describe(fed, recording)
    except FetchFailed as error:
        return f"{type(error).__name__}: {error}"
    finally:
        await client.aclose()


def _serving(origins: Origins, recording: Recording):  # type: ignore[no-untyped-def]
    url = str(httpx.URL(recording.content["fetch"]["url"]))
    answer = recording.content["response"]
    headers = [(name, value) for name, value in answer["headers"] if name.lower() == "content-type"]

    def transport(host: str) -> httpx.AsyncBaseTransport:
        others = origins.transport(host)

        async def handle(request: httpx.Request) -> httpx.Response:
            if str(request.url).rstrip("/") == url.rstrip("/"):
                return httpx.Response(answer["status"], headers=headers, content=(answer["body"] or "").encode())
            return await others.handle_async_request(request)

        return httpx.MockTransport(handle)

    return transport


async def _describe(fed: Federation, recording: Recording) -> str:
    url: str = recording.content["fetch"]["url"]
    budget = Budget()
    if "webfinger" in recording.name:
        jrd = await discovery.webfinger(fed, discovery.handle(unquote(url.partition("resource=")[2])), budget)
        return f"{jrd.subject} is {jrd.actor}"
    if "nodeinfo-links" in recording.name:
        name, version = await discovery.nodeinfo(fed, httpx.URL(url).host, budget)
        return f"runs {name} {version}" if name else "does not say what it runs"
    if "nodeinfo" in recording.name:
        return "says it is {} {}".format(*discovery.software_of(json.loads(recording.content["response"]["body"])))
    if "host-meta" in recording.name:
        return "not asked for: WebFinger is where it always is"
    if "key-document" in recording.name:
        found = await keys.fetched(fed, url)
        return f"a key of {found.owner.uri}"
    if "collection" in recording.name or "moderators" in recording.name:
        return _collection(await resolving.fetch_collection(fed, url, budget))
    if "actor" in recording.name:
        actor = await resolving.fetch_actor(fed, url, budget)
        return (
            f"{actor.type} @{actor.username}@{actor.domain}, {len(actor.keys)} key{'' if len(actor.keys) == 1 else 's'}"
        )
    post = await resolving.fetch_post(fed, url, budget)
    return f"{post.read.type} by @{post.remote.author.handle}, {post.remote.visibility}"


def _collection(found: reading.CollectionIn) -> str:
    page = found.first_page or found
    more = ", more at " + (page.next or found.first) if page.next or found.first else ""
    return f"collection of {found.total if found.total is not None else 'unsaid size'}: {len(page.items)} here{more}"
