"""What somebody may not see is not there for him, whichever way he asks (T115 and the rules of visibility)."""

import pytest
from sqlalchemy.orm import Session

from models import actors, composing
from models.database import Database
from models.posts import Draft, Visibility
from tests.server.apps import ApiWorld

pytestmark = pytest.mark.anyio

WORD = "hemmeligtord"

ABOUT_IT = [
    ("GET", "/api/v1/statuses/{id}"),
    ("GET", "/api/v1/statuses/{id}/context"),
    ("GET", "/api/v1/statuses/{id}/history"),
    ("GET", "/api/v1/statuses/{id}/favourited_by"),
    ("GET", "/api/v1/statuses/{id}/reblogged_by"),
    ("GET", "/api/v1/statuses/{id}/quotes"),
    ("GET", "/api/v1/polls/{id}"),
    ("GET", "/api/torv/v1/questions/{id}"),
    ("GET", "/api/torv/v1/experiences/{id}"),
    ("GET", "/api/torv/v1/meetings/{id}"),
]
BY_TOKEN = [
    ("GET", "/api/v1/statuses/{id}/source"),
    *[
        ("POST", f"/api/v1/statuses/{{id}}/{verb}")
        for verb in ("favourite", "reblog", "bookmark", "mute", "pin", "translate")
    ],
    ("PUT", "/api/v1/statuses/{id}"),
    ("DELETE", "/api/v1/statuses/{id}"),
]
LISTS = [
    "/api/v1/timelines/public",
    f"/api/v1/timelines/tag/{WORD}",
    "/api/v1/accounts/{author}/statuses",
    "/api/v1/accounts/{author}/statuses?pinned=true",
    "/api/v1/trends/statuses",
    "/api/v1/statuses?id[]={id}",
]
LISTS_BY_TOKEN = [
    "/api/v1/timelines/home",
    f"/api/v2/search?q={WORD}",
    f"/api/v2/search?q={WORD}&type=statuses&account_id={{author}}",
    "/api/v1/conversations",
    "/api/v1/notifications",
    "/api/v2/notifications",
    "/api/v1/bookmarks",
    "/api/v1/favourites",
]


@pytest.mark.parametrize(
    ("visibility", "name"),
    [
        (Visibility.FOLLOWERS, ""),
        (Visibility.FOLLOWERS, "anna"),
        (Visibility.DIRECT, ""),
        (Visibility.DIRECT, "anna"),
        (Visibility.NODE, ""),
    ],
)
async def test_a_post_one_may_not_see_is_nowhere(lived_in: Database, visibility: Visibility, name: str) -> None:
    world = ApiWorld(lived_in)

    def write(db: Session) -> tuple[int, int]:
        birk = actors.by_handle(db, "birk")
        assert birk is not None
        draft = Draft(text=f"{WORD} #{WORD}", visibility=visibility, may_name_nobody=True)
        return composing.note(db, birk, draft).id, birk.id

    post, author = world.database.write(write)
    async with world.client("birk") as own:
        assert WORD in (await own.get(f"/api/v1/statuses/{post}"))["content"]
    async with world.client(name) as api:
        if name:
            await api.post(f"/api/v1/accounts/{author}/unfollow")
        for method, path in [*ABOUT_IT, *(BY_TOKEN if name else [])]:
            body = {"status": "x"} if method == "PUT" else None
            await api.refused(404, method, path.format(id=post), json=body)
        for path in [*LISTS, *(LISTS_BY_TOKEN if name else [])]:
            answer = await api.call("GET", path.format(id=post, author=author))
            assert answer.status_code == 200, (path, answer.text)
            assert f"#{WORD}" not in answer.text, path
            assert str(post) not in answer.text, path
