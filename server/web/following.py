"""Following a thread, and the list of those one follows."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, thread_follows
from models.actors import Actor
from models.posts import Post
from models.windows import Window
from server.forms import Form
from server.web.rendering import post_path
from server.web.showing import Shown, show
from server.web.visits import Visit, action, own_page

PAGE = 30


@own_page
async def index(visit: Visit) -> Response:
    """`GET /followed?before=`: the threads one follows, the last followed first."""

    def look(db: Session) -> tuple[Shown, int | None]:
        found = thread_follows.of(db, visit.me, Window(visit.cursor(), limit=PAGE + 1))
        more = found[PAGE - 1][0] if len(found) > PAGE else None
        return show(db, visit.actor, [post for _, post in found[:PAGE]]), more

    shown, more = await visit.read(look)
    return visit.page("followed.html", shown=shown, following=more)


@action
async def follow(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/follow`: be told of new answers in a post's thread; with `undo` no longer."""
    undo = form.flag("undo")

    def write(db: Session, me: Actor) -> str:
        post = access.access_post(db, me, visit.path("id"))
        root = db.get(Post, post.thread_id)
        if root is None or not access.may_see(db, me, root):
            root = post
        (thread_follows.unfollow if undo else thread_follows.follow)(db, me.id, root.id)
        return post_path(root)

    where = await visit.write(write)
    return visit.back(form, where, said="thread-unfollowed" if undo else "thread-followed")
