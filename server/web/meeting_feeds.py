"""Meetings as calendar files: one to put into a calendar, and many to subscribe to, the same for everybody."""

from collections.abc import Callable, Iterable
from datetime import timedelta

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from federation.crossing import reading
from models import access, actors, agenda, attendance, calendar_links, meetings, municipalities, text
from models.actors import Actor
from models.agenda import Choice
from models.base import now
from models.database import Database
from models.errors import NotFound
from models.meetings import Meeting
from models.posts import Post
from server import i18n
from server.calendars import writing
from server.calendars.writing import Entry
from server.i18n import later
from server.site import Site
from server.web.feeds import told
from server.web.rendering import outside, post_path, profile_path
from server.web.visits import Endpoint, Visit, page

BACK = timedelta(days=60)
"""What was held so long ago is in no feed any more."""

MAX_TEXT = 2000


def entries(db: Session, found: Iterable[tuple[Post, Meeting]], origin: str, viewer: Actor | None) -> list[Entry]:
    """Meetings as calendar entries; the link to take part only where `viewer` may have it."""
    rows = list(found)
    people = actors.many(db, [post.author_id for post, _ in rows])
    standing = attendance.standing(db, viewer, [post for post, _ in rows])
    return [_entry(post, row, people[post.author_id], origin, standing.sees_link(post, row)) for post, row in rows]


def _entry(post: Post, row: Meeting, author: Actor, origin: str, link: bool) -> Entry:
    address = origin + post_path(post) if post.local else outside(post)
    changed = post.updated or post.published
    online = row.online_url if link else ""
    said = text.plain(post.content)[:MAX_TEXT].strip()
    place = ", ".join(one for one in (row.place, row.address) if one)
    return Entry(
        uid=post.uri,
        sequence=max(0, int((changed - post.published).total_seconds())),
        begins=row.starts_at,
        ends=row.ends_at,
        zone=row.timezone,
        title=post.title,
        description="\n\n".join(one for one in (said, online, address) if one),
        url=address,
        created=post.published,
        changed=changed,
        place=place or online,
        latitude=row.latitude,
        longitude=row.longitude,
        online=online,
        cancelled=row.cancelled,
        organizer=(author.display_name, origin + profile_path(author) if author.local else author.uri),
    )


@page
async def one(visit: Visit) -> Response:
    """`GET /posts/{id}/meeting.ics`: a meeting to put into one's calendar."""

    def look(db: Session) -> list[Entry]:
        post = access.access_post(db, visit.actor, visit.path("id"))
        row = meetings.find(db, post)
        if row is None:
            raise NotFound("There is no such meeting.")
        return entries(db, [(post, row)], visit.node.origin, visit.actor)

    file = writing.calendar(await visit.read(look))
    name = f'attachment; filename="meeting-{visit.path("id")}.ics"'
    headers = {"Content-Disposition": name, "Cache-Control": "private, no-cache", "Vary": "Cookie"}
    return Response(file, media_type=writing.MEDIA_TYPE, headers=headers)


Gather = Callable[[Session, Request], tuple[str, list[tuple[Post, Meeting]], Actor | None]]


def _feed(gather: Gather, *, private: bool = False) -> Endpoint:
    """A calendar to subscribe to. `gather` says its name, what stands in it, and who reads it; it raises NotFound."""

    async def answer(request: Request) -> Response:
        database: Database = request.app.state.database
        origin = database.node.origin

        def look(db: Session) -> tuple[str, list[Entry]]:
            name, found, reader = gather(db, request)
            return name, entries(db, found, origin, reader)

        name, found = await reading(database, look)
        say = i18n.translator(request.app.state.settings.default_language)
        site: Site = request.app.state.site
        await site.current()
        title = f"{say(name)} – {site.known.name}"
        newest = max((entry.changed for entry in found), default=None)
        return told(request, writing.calendar(found, name=title), writing.MEDIA_TYPE, newest, private=private)

    return answer


def _recent(db: Session, **chosen: object) -> list[tuple[Post, Meeting]]:
    return agenda.find(db, None, Choice(since=now() - BACK, **chosen))  # type: ignore[arg-type]


def _everything(db: Session, request: Request) -> tuple[str, list[tuple[Post, Meeting]], None]:
    return later("Meetings"), _recent(db), None


def _community(db: Session, request: Request) -> tuple[str, list[tuple[Post, Meeting]], None]:
    group = access.access_actor(db, None, request.path_params["name"])
    if not group.is_community:
        raise NotFound("There is no such community.")
    return group.display_name, _recent(db, community_id=group.id), None


def _municipality(db: Session, request: Request) -> tuple[str, list[tuple[Post, Meeting]], None]:
    code = str(request.path_params["code"])
    if not municipalities.name(code):
        raise NotFound("There is no such municipality.")
    return municipalities.name(code), _recent(db, municipality=code), None


def _mine(db: Session, request: Request) -> tuple[str, list[tuple[Post, Meeting]], Actor]:
    actor = calendar_links.behind(db, str(request.path_params["token"]))
    found = [*attendance.mine(db, actor, limit=500), *attendance.mine(db, actor, past=True, limit=100)]
    return later("My meetings"), [(post, row) for post, row, _ in found if row.ends_at > now() - BACK], actor


everything = _feed(_everything)
community = _feed(_community)
municipality = _feed(_municipality)
mine = _feed(_mine, private=True)
