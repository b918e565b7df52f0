"""Lists brought along from another server: read, taken in one by one, and what could not be."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models import (
    account_domains,
    actors,
    blocks,
    bookmarks,
    composing,
    exports,
    follows,
    imports,
    lists,
    notifications,
)
from models.actors import Actor
from models.base import clock
from models.database import Database
from models.errors import Conflict, Invalid, NotFound
from models.imports import Import
from models.posts import Draft
from tests.dumping import dumped
from tests.federation.elsewhere import remote
from tests.server.visiting import question
from tests.world import DAY

Do = Callable[[Callable[[Session], Any]], Any]
FOLLOWS = b"""Account address,Show boosts,Notify on new posts,Languages
tove@m.example,false,true,"da, en"
@anna@a.example,true,false,
"""


@pytest.fixture
def do(lived_in: Database) -> Do:
    return lived_in.write


def local(db: Session, name: str) -> Actor:
    found = actors.by_handle(db, name)
    assert found is not None
    return found


def begin(db: Session, kind: str, data: bytes, who: str = "birk") -> Import:
    return imports.start(db, local(db, who).id, kind, imports.read(kind, data))


def test_a_list_of_follows_is_read_as_mastodon_writes_it() -> None:
    assert imports.read("follows", FOLLOWS) == [
        {"address": "tove@m.example", "boosts": False, "notify": True, "languages": ["da", "en"]},
        {"address": "@anna@a.example", "boosts": True, "notify": False, "languages": []},
    ]


def test_lists_of_blocks_and_mutes_too_and_those_of_windows() -> None:
    assert imports.read("blocks", b"\xef\xbb\xbfa@b.example\r\nc@d.example\r\n\r\n") == [
        {"address": "a@b.example"},
        {"address": "c@d.example"},
    ]
    assert imports.read("mutes", b"Account address,Hide notifications\na@b.example,false\n") == [
        {"address": "a@b.example", "notices": False}
    ]


def test_lists_bookmarks_and_servers_as_mastodon_and_we_write_them() -> None:
    assert imports.read("lists", "Løbere,birk@a.example\nLøbere,tove@m.example\n".encode()) == [
        {"address": "birk@a.example", "list": "Løbere"},
        {"address": "tove@m.example", "list": "Løbere"},
    ]
    assert imports.read("lists", b"List name,Account address\nEt,birk@a.example\nTo\n")[1:] == [
        {"address": "", "list": "To"}
    ]
    assert imports.read("bookmarks", b"https://m.example/p/1\n") == [{"address": "https://m.example/p/1"}]
    assert imports.read("domains", b"#domain\nevil.example\n") == [{"address": "evil.example"}]
    for kind in ("lists", "bookmarks", "domains"):
        with pytest.raises(Invalid):
            imports.read(kind, b"hello\nworld\n")


def test_lists_are_filled_and_who_is_on_one_is_followed(do: Do) -> None:
    def work(db: Session) -> None:
        birk, tove = local(db, "birk"), remote(db, "m.example", "tove")
        lists.create(db, birk.id, "Et")
        row = begin(db, "lists", b"Et,camilla@a.example\nTo,tove@m.example\nEt,camilla@a.example\nEt,nobody\n")
        for number, who in enumerate((local(db, "camilla"), tove, local(db, "camilla"))):
            imports.take(db, row.id, number, who)
        assert (row.done, row.failed) == (3, 0)
        named = {one.title: [who.username for who in lists.all_members(db, one)] for one in lists.mine(db, birk.id)}
        assert named == {"Et": ["camilla"], "To": ["tove"]}
        assert follows.state(db, birk.id, tove.id) == "pending"

    do(work)


def test_bookmarks_are_of_what_one_may_see_and_servers_are_blocked(do: Do) -> None:
    def work(db: Session) -> None:
        birk = local(db, "birk")
        open_post = question(db, "Må vi")
        private = composing.note(db, local(db, "anna"), Draft("@camilla psst", visibility="direct"))
        row = begin(db, "bookmarks", f"{open_post.uri}\n{private.uri}\n".encode())
        imports.take(db, row.id, 0, open_post)
        imports.take(db, row.id, 1, private)
        assert [post.id for _, post in bookmarks.page(db, birk)] == [open_post.id]
        assert [why for _, why in row.errors] == ["There is no such post, or you may not see it."]
        imports.finish(db, row.id)
        servers = begin(db, "domains", b"evil.example\na.example\n")
        imports.take(db, servers.id, 0, "evil.example")
        imports.take(db, servers.id, 1, "a.example")
        assert account_domains.blocks(db, birk.id, "evil.example")
        assert servers.failed == 1

    do(work)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"Account address\n", "file_empty"),
        (b"hello\nworld\n", "file_empty"),
        (b"\xff\xfe\x00a", "file_kind"),
        (b"a@b.example\x00", "file_kind"),
        (b'a@b.example,"' + b"x" * 200_000, "file_kind"),
        (b"a@b.example\n" * 5001, "file_long"),
        (b"a@b.example\n" * 100_000, "file_large"),
    ],
)
def test_what_is_no_such_list_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        imports.read("follows", data)
    assert refused.value.code == code


def test_rows_are_done_in_order_and_what_fails_is_told(do: Do) -> None:
    def work(db: Session) -> None:
        birk, tove = local(db, "birk"), remote(db, "m.example", "tove")
        row = begin(db, "follows", FOLLOWS + b"birk@a.example\nnobody@x.example\n")
        assert imports.upcoming(db, row.id) == ("follows", 0, row.rows[0])
        imports.take(db, row.id, 0, tove)
        imports.take(db, row.id, 1, local(db, "anna"))
        imports.take(db, row.id, 2, birk)
        imports.take(db, row.id, 3, None, "unknown")
        assert imports.upcoming(db, row.id) is None
        imports.finish(db, row.id)
        follow = follows.find(db, birk.id, tove.id)
        assert follow is not None
        assert (follow.show_boosts, follow.notify, follow.languages) == (False, True, ["da", "en"])
        assert follows.state(db, birk.id, local(db, "anna").id) == "accepted"
        assert row.errors == [["birk@a.example", "You cannot follow yourself."], ["nobody@x.example", "unknown"]]
        assert (row.done, row.failed, row.rows) == (4, 2, [])
        assert notifications.of(db, birk.id)[0][0].kind == "import"

    do(work)


def test_a_row_counts_once_however_often_the_job_comes_again(do: Do) -> None:
    def work(db: Session) -> None:
        row = begin(db, "blocks", b"tove@m.example\n")
        for _ in range(2):
            imports.take(db, row.id, 0, None, "unknown")
            imports.finish(db, row.id)
        assert (row.done, row.failed) == (1, 1)
        kinds = [notice.kind for notice, _, _ in notifications.of(db, row.account_id)]
        assert kinds.count("import") == 1

    do(work)


def test_blocks_and_mutes_are_taken_in(do: Do) -> None:
    def work(db: Session) -> None:
        eva, tove = local(db, "eva"), remote(db, "m.example", "tove")
        one = begin(db, "blocks", b"tove@m.example\n", "eva")
        imports.take(db, one.id, 0, tove)
        imports.finish(db, one.id)
        assert blocks.has_blocked(db, eva.id, tove.id)
        two = begin(db, "mutes", b"Account address,Hide notifications\nbirk@a.example,false\n", "eva")
        imports.take(db, two.id, 0, local(db, "birk"))
        assert blocks.has_muted(db, eva.id, local(db, "birk").id)
        mute = db.get(blocks.Mute, (eva.id, local(db, "birk").id))
        assert mute is not None
        assert not mute.hide_notifications

    do(work)


def test_one_list_at_a_time_and_no_other_kinds(lived_in: Database) -> None:
    lived_in.write(lambda db: begin(db, "blocks", b"tove@m.example\n").id)
    before = dumped(lived_in)
    with pytest.raises(Conflict):
        lived_in.write(lambda db: begin(db, "mutes", b"tove@m.example\n"))
    with pytest.raises(Invalid):
        lived_in.write(lambda db: imports.start(db, local(db, "eva").id, "friends", []))
    assert dumped(lived_in) == before


def test_only_the_last_ten_are_remembered(do: Do) -> None:
    def work(db: Session) -> None:
        for _ in range(12):
            row = begin(db, "blocks", b"tove@m.example\n")
            imports.take(db, row.id, 0, None, "unknown")
            imports.finish(db, row.id)
        assert len(imports.of(db, local(db, "birk").id)) == 10

    do(work)


# Copies to take along


def test_a_copy_is_made_once_a_day_and_only_its_owner_gets_it(do: Do) -> None:
    def work(db: Session) -> None:
        birk, eva = local(db, "birk"), local(db, "eva")
        row = exports.request(db, birk.id)
        with pytest.raises(Conflict):
            exports.request(db, birk.id)
        with pytest.raises(NotFound):
            exports.get_mine(db, birk.id, row.id)
        assert exports.finish(db, row.id, "0" * 48 + ".zip", 17)
        assert not exports.finish(db, row.id, "1" * 48 + ".zip", 17)
        assert notifications.of(db, birk.id)[0][0].kind == "export"
        assert exports.get_mine(db, birk.id, row.id).size == 17
        with pytest.raises(NotFound):
            exports.get_mine(db, eva.id, row.id)
        with pytest.raises(Conflict):
            exports.request(db, birk.id)
        clock.offset += 2 * DAY
        exports.request(db, birk.id)

    do(work)


def test_a_copy_expires_and_its_file_goes(do: Do) -> None:
    def work(db: Session) -> None:
        from models.jobs import Job

        birk = local(db, "birk")
        row = exports.request(db, birk.id)
        exports.finish(db, row.id, "0" * 48 + ".zip", 17)
        assert exports.sweep(db, 10) == 0
        clock.offset += 8 * DAY
        with pytest.raises(NotFound):
            exports.get_mine(db, birk.id, row.id)
        assert exports.sweep(db, 10) == 1
        gone = [job.payload for job in db.query(Job) if job.kind == "export_gone"]
        assert gone == [{"files": ["0" * 48 + ".zip"]}]

    do(work)
