"""Plain notes recorded many at once leave what they leave when each is recorded alone; what is not plain is left alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models import accounts, actors, arriving, base, communities, follows, memory, plain_notes
from models.actors import Actor, RemoteActor
from models.arriving import RemotePost
from models.base import clock, now
from models.database import Database
from models.polls import RemotePoll
from models.posts import Post, Visibility
from models.tables import metadata

AT = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


class _Undo(Exception):
    """Carries what the tables held, out of a transaction that is rolled back."""

    def __init__(self, rows: dict[str, Any]) -> None:
        super().__init__()
        self.rows = rows


@pytest.fixture
def town(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Anna follows Jonas and wants to hear of each of his posts, Carl follows Maria; all time stands still."""
    monkeypatch.setattr(clock, "time", AT.timestamp)
    monkeypatch.setattr(base.secrets, "randbits", lambda bits: 0)

    def settle(db: Session) -> None:
        for name in ("anna", "carl"):
            accounts.create(db, username=name, email=f"{name}@a.example", password="correct horse battery")
        for name in ("jonas", "maria", "stranger"):
            _remote(db, name)
        for follower, target in (("anna", "jonas"), ("carl", "maria")):
            row = follows.request(db, _local(db, follower), _their(db, target))
            follows.accept(db, row)
            row.notify = follower == "anna"
        communities.create(db, "torvet", "Torvet", creator=_local(db, "anna"))

    database.write(settle)
    return database


def _remote(db: Session, name: str) -> Actor:
    uri = f"https://m.example/users/{name}"
    more = {"followers_uri": f"{uri}/followers", "indexable": name == "jonas"}
    return actors.record_remote(
        db,
        RemoteActor(uri=uri, type="Person", username=name, domain="m.example", inbox=f"{uri}/inbox", **more),  # type: ignore[arg-type]
    )


def _their(db: Session, name: str) -> Actor:
    found = actors.by_uri(db, f"https://m.example/users/{name}")
    assert found is not None
    return found


def _local(db: Session, name: str) -> Actor:
    found = actors.by_handle(db, name)
    assert found is not None
    return found


def _note(db: Session, author: str, number: int, **more: Any) -> RemotePost:
    values: dict[str, Any] = {
        "visibility": Visibility.PUBLIC,
        "published": AT - timedelta(minutes=number),
        "content": f"<p>Nummer {number} om torvedage.</p>",
        "to": [actors.PUBLIC],
        "cc": [f"https://m.example/users/{author}/followers"],
    }
    return RemotePost(uri=f"https://m.example/p/{number}", author=_their(db, author), **(values | more))


def _notes(db: Session) -> list[RemotePost]:
    anna, maria = _local(db, "anna").uri, _their(db, "maria").uri
    picture = {"type": "Image", "url": "https://m.example/1.png", "name": "Et torv"}
    return [
        _note(db, "jonas", 1),
        _note(db, "jonas", 2, tags=["Torvet", "Mad", "torvet"], language="da", summary="Om mad", sensitive=True),
        _note(db, "jonas", 3, visibility=Visibility.FOLLOWERS, to=["https://m.example/users/jonas/followers"], cc=[]),
        _note(db, "jonas", 4, visibility=Visibility.UNLISTED, attachments=[picture], url="https://m.example/@jonas/4"),
        _note(db, "maria", 5, cc=[anna], mentions=[anna]),
        _note(db, "maria", 6, cc=[anna, maria, "https://n.example/users/nobody"], mentions=[maria]),
        _note(db, "stranger", 7, cc=[anna, _local(db, "carl").uri], mentions=[anna, _local(db, "carl").uri]),
        _note(db, "jonas", 8, published=AT - timedelta(days=2), context_uri="https://m.example/contexts/8"),
    ]


def _rows_after(town: Database, work: Callable[[Session], object]) -> dict[str, Any]:
    """What all tables would hold."""

    def tried(db: Session) -> None:
        base._last = 0
        work(db)
        db.flush()
        for handler in db.dispatch.before_commit:  # what is searched is kept in step just before the commit
            handler(db)
        rows: dict[str, Any] = {}
        for table in metadata.sorted_tables:
            columns = [column for column in table.columns if (table.name, column.name) != ("events", "id")]
            rows[table.name] = sorted((tuple(row) for row in db.execute(select(*columns))), key=repr)
        rows["post_index"] = sorted(map(repr, db.execute(text("SELECT * FROM post_index"))))
        raise _Undo(rows)

    with pytest.raises(_Undo) as undone:
        town.write(tried)
    return undone.value.rows


def test_many_at_once_leave_the_rows_that_each_alone_would(town: Database) -> None:
    def alone(db: Session) -> None:
        for note in _notes(db):
            arriving.record_remote(db, note)

    def at_once(db: Session) -> None:
        notes = _notes(db)
        assert plain_notes.record(db, notes) == {note.uri for note in notes}

    before, expected, found = _rows_after(town, _nothing), _rows_after(town, alone), _rows_after(town, at_once)
    changed = {name for name in expected if expected[name] != before[name]}
    assert {"posts", "recipients", "post_tags", "notifications", "events", "actor_figures", "post_index"} <= changed
    assert {"spelled_words"} <= changed
    for name in expected:
        if name == "notifications":  # several share a moment, so their numbers depend on who is told first
            assert [row[1:] for row in found[name]] == [row[1:] for row in expected[name]]
        elif name not in {"events", "jobs"}:
            assert found[name] == expected[name], name
    assert [row[0] for row in found["events"]] == [row[0] for row in expected["events"]]


def _nothing(db: Session) -> None:
    """The tables as they are."""


def _group(db: Session) -> str:
    return _local(db, "torvet").uri


@pytest.mark.parametrize(
    "change",
    [
        lambda db: {"in_reply_to_uri": "https://m.example/p/0"},
        lambda db: {"title": "Et torv"},
        lambda db: {"object_type": "Page"},
        lambda db: {"kind_hint": "question"},
        lambda db: {"extra": {"barriers": ["love"]}},
        lambda db: {"visibility": Visibility.DIRECT},
        lambda db: {"community": _local(db, "torvet")},
        lambda db: {"cc": [_group(db)]},
        lambda db: {"poll": RemotePoll((("Ja", 0), ("Nej", 0)), False, None, None)},
        lambda db: {"author": _their(db, "stranger")},
        lambda db: {"uri": "https://a.example/p/1"},
    ],
)
def test_what_is_not_plain_or_not_wanted_is_left_alone(
    town: Database, change: Callable[[Session], dict[str, Any]]
) -> None:
    def work(db: Session) -> set[str]:
        return plain_notes.record(db, [replace(_note(db, "jonas", 1), **change(db)), _note(db, "jonas", 2)])

    assert town.write(work) == {"https://m.example/p/2"}


def test_what_is_known_deleted_or_waited_for_is_left_alone(town: Database) -> None:
    def settle(db: Session) -> None:
        arriving.record_remote(db, _note(db, "jonas", 1))
        memory.remember(db, "deleted", "https://m.example/p/2", "https://m.example/users/jonas", 600)
        arriving.record_remote(db, _note(db, "maria", 4, in_reply_to_uri="https://m.example/p/3"))

    town.write(settle)
    assert town.write(lambda db: plain_notes.record(db, [_note(db, "jonas", n) for n in (1, 2, 3)])) == set()


def test_the_same_note_twice_at_once_is_recorded_once(town: Database) -> None:
    assert len(town.write(lambda db: plain_notes.record(db, [_note(db, "jonas", 1), _note(db, "jonas", 1)]))) == 1
    with town.reading() as db:
        assert db.query(Post).count() == 1
        assert now() == AT
