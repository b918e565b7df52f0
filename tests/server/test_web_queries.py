"""What a page asks of the database does not grow with what it shows: for every page that there is."""

import pytest
from starlette.routing import Route

from tests.server.crowd import TAG, Crowd
from tests.server.page_queries import cost
from tests.server.visiting import Visiting

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ELSEWHERE = {
    "/@{handle}": "leads to the person's own page",
    "/p/{id:int}/{slug}": "leads to the thread",
    "/login": "leads to /sign-in",
    "/actor": "is /about",
    "/colours/{version}.css": "a style sheet",
    "/unsubscribe/{token}": "a form about one letter",
    "/confirm/{token}": "a form about one address",
    "/password/{token}": "a form about one account",
    "/invitations/{token}": "a form about one invitation",
    "/authorize_interaction": "leads to what is named in it",
    "/intents/object": "leads to what is named in it",
    "/settings/data/copy/{id:int}": "a file",
    "/sign-up": "is for visitors, where one may sign up",
    "/password": "is for visitors, where the node sends mail",
    "/admin/domains/import": "shows a file that was brought",
    "/terms-of-service": "is not there until it is written",
    "/waiting": "for who has not been let in",
    "/meetings/in/{code}.ics": "a calendar, as of a community",
    "/meetings/mine/{token}.ics": "a calendar, as of a community",
    "/posts/{id:int}/check-in/{code}": "a form about one person at one meeting",
}
"""Pages that show nothing of which there can be many, and why."""


def pages(visiting: Visiting) -> list[str]:
    """The addresses of all pages in the route table: where an object of that address goes to servers, the page counts."""
    routes = [route for route in visiting.app.routes if isinstance(route, Route)]
    return [
        route.path
        for route in routes
        if "GET" in (route.methods or ()) and route.endpoint.__module__.startswith("server.web.")
    ]


def asked(paths: list[str], crowd: Crowd) -> dict[str, list[str]]:
    """Where to look for every other route: with what is in it, and in the orders and with the filters it offers."""
    who = crowd.ids["person"]
    about = {
        "/actors/": "person", "/admin/people/": "person", "/admin/actors/": "person", "/admin/sign-ups": "person",
        "/posts/": "question", "/p/": "question", "/feeds/thread/": "question", "/sanctions/": "sanction",
        "/admin/reports/": "report", "/admin/announcements/": "announcement", "/admin/lists/": "list",
    }  # fmt: skip
    of_dogmas = ("/posts/{id:int}/version", "/posts/{id:int}/versions")
    of_meetings = tuple(path for path in paths if path.startswith("/posts/") and path.split("/")[-1] in MEETINGS)
    of_cases = ("/posts/{id:int}/experience", "/posts/{id:int}/since")
    own_only = ("/posts/{id:int}/edit", "/posts/{id:int}/delete", "/posts/{id:int}/history", "/posts/{id:int}/quotes")
    named = {
        "/u/": "camilla",
        "/org/{name}/members": "vesterlund",
        "/org/": "havby",
        "/c/": "udfordrere",
        "/feeds/community/": "udfordrere",
    }
    more = {
        "/": [],
        "/u/{name}": ["?replies=1"],
        "/c/{name}": ["?unanswered=1"],
        "/t/{tag}": ["?list=questions"],
        "/p/{id:int}": ["?sort=newest"],
        "/experience": ["?barrier=regler", "?outcome=lykkedes"],
        "/communities": ["?q=emne", "?order=active", "?mine=1"],
        "/questions": ["?order=unanswered", "?order=top", "?order=accepted", "?mine=1", "?barrier=regler"],
        "/search": ["?q=haver", "?q=have&order=new", "?q=havre", "?q=ny&what=people", "?q=emne&what=communities"],
        "/ask": ["?title=Hvordan+fik+kommunen+gang+i+en+byhave"],
        "/ask/similar": ["?title=Hvordan+fik+kommunen+gang+i+en+byhave"],
        "/posts/find": ["?q=have"],
        "/notifications": ["?show=answers"],
        "/admin/reports": ["?state=closed"],
        "/admin/people": ["?q=ny", "?role=member"],
        "/admin/audit": ["?action=report.close", "?who=camilla"],
        "/admin/letters/drop": ["?all=1"],
        "/c/{name}/bans/new": [f"?actor={who}"],
        "/intents/follow": ["?uri=birk"],
        "/posts/{id:int}/reply": ["?as=comment"],
    }
    found = {}
    for path in paths:
        if path in ELSEWHERE:
            continue
        kind = (
            "own"
            if path in own_only
            else "case"
            if path in of_cases
            else "meeting"
            if path in of_meetings
            else "dogma"
            if path in of_dogmas
            else "proposal"
            if path == "/posts/{id:int}/decide"
            else next((one for start, one in about.items() if path.startswith(start)), "")
        )
        number = crowd.ids.get(kind, 0)
        name = next((name for start, name in named.items() if path.startswith(start)), "camilla")
        filled = path.replace("{id:int}", str(number)).replace("{name}", name).replace("{tag}", TAG)
        assert "{" not in filled, f"{path} has no example here"
        if path in NEEDS_WORDS:
            found[path] = [filled + one for one in more[path]]
        else:
            found[path] = [filled, *(filled + one for one in more.get(path, []))]
    found["/p/{id:int}"] += [f"/p/{crowd.ids['case']}", f"/p/{crowd.ids['dogma']}", f"/p/{crowd.ids['meeting']}"]
    return found


MEETINGS = {"meeting", "meeting.ics", "cancel", "series", "door", "minutes", "attendees", "attendees.csv"}
"""What stands behind the number of a meeting."""

NEEDS_WORDS = {"/admin/letters/drop", "/c/{name}/bans/new", "/intents/follow"}
"""Forms about what the address names behind its question mark."""


STILL = {
    "/org/{name}", "/about", "/accessibility", "/contact", "/privacy-policy", "/ask/similar", "/posts/{id:int}/similar", "/posts/find", "/post", "/follow",
    "/notifications/count", "/notifications/aside", "/posts/{id:int}/reply", "/posts/{id:int}/duplicate", "/posts/{id:int}/edit",
    "/posts/{id:int}/delete", "/posts/{id:int}/report", "/posts/{id:int}/from-home", "/actors/{id:int}/report",
    "/intents/follow", "/communities/new", "/c/{name}/settings", "/c/{name}/close", "/c/{name}/bans/new", "/settings",
    "/settings/notices", "/settings/data", "/settings/delete", "/admin/actors/{id:int}/act", "/sanctions/{id:int}",
    "/dogma/new", "/posts/{id:int}/version", "/posts/{id:int}/decide", "/experience/new", "/posts/{id:int}/experience", "/posts/{id:int}/since", "/admin/kle",
    "/posts/{id:int}/meeting", "/posts/{id:int}/meeting.ics", "/posts/{id:int}/minutes", "/posts/{id:int}/series",
    "/admin/letters/drop", "/admin/registrations", "/admin/identity", "/admin/house", "/sign-in",
}  # fmt: skip
"""Pages about one thing, forms, and what stays short: all others get longer by what is added, or show nothing of it here."""


async def test_no_page_asks_more_of_the_database_because_there_is_more(visiting: Visiting) -> None:
    crowd = Crowd()
    async with visiting.browser("camilla") as camilla:
        camilla.do(crowd.begin)
        camilla.do(lambda db: crowd.grow(db, 1))
        wanted = {path: shown for shown, paths in asked(pages(visiting), crowd).items() for path in paths}
        few = {path: await cost(camilla, path) for path in wanted}
        camilla.do(lambda db: crowd.grow(db, 2))
        many = {path: await cost(camilla, path) for path in wanted}
    assert {path: (few[path][0], many[path][0]) for path in wanted if many[path][0] > few[path][0]} == {}
    longer = {wanted[path] for path in wanted if many[path][1] > few[path][1]}
    assert set(wanted.values()) - longer - STILL == set(), "nothing was added to what these show"
