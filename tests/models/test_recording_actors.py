"""Actors of other servers, several at once: as if each had come by itself."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors
from models.actor_keys import Key
from models.actors import Actor, RemoteActor
from models.database import Database


def remote(uri: str, name: str, *key_ids: str) -> RemoteActor:
    return RemoteActor(
        uri=uri,
        type="Person",
        username=name,
        domain="m.example",
        inbox=f"{uri}/inbox",
        keys=[(key_id, f"PEM of {uri}") for key_id in key_ids],
    )


def record(db: Session, *remotes: RemoteActor) -> list[Actor]:
    return actors.record_all(db, remotes, {"m.example": ""})


def keys_of(db: Session, actor: Actor) -> dict[str, str]:
    return {key.uri: key.public_pem for key in db.scalars(select(Key).where(Key.actor_id == actor.id))}


def test_of_two_with_one_handle_the_later_has_it_and_both_are_kept(database: Database) -> None:
    old, new = (f"https://m.example/users/{number}" for number in (1, 2))
    database.write(lambda db: record(db, remote(old, "jonas"), remote(new, "Jonas")))
    with database.reading() as db:
        found = actors.by_handle(db, "jonas", "m.example")
        assert found is not None and found.uri == new
        assert actors.by_uri(db, old) is not None


def test_a_handle_that_changed_hands_is_the_new_ones(database: Database) -> None:
    database.write(lambda db: record(db, remote("https://m.example/users/1", "jonas")))
    database.write(lambda db: record(db, *(remote(f"https://m.example/users/{n}", "jonas" * n) for n in (1, 2, 3))))
    database.write(lambda db: record(db, remote("https://m.example/users/4", "jonas")))
    with database.reading() as db:
        found = actors.by_handle(db, "jonas", "m.example")
        assert found is not None and found.uri == "https://m.example/users/4"
        assert len(db.scalars(select(Actor.id).where(Actor.domain == "m.example")).all()) == 4


def test_each_has_the_keys_that_he_shows_and_nobody_takes_anothers(database: Database) -> None:
    a, b = "https://m.example/users/a", "https://m.example/users/b"

    def both(db: Session) -> tuple[dict[str, str], dict[str, str]]:
        first, second = record(db, remote(a, "a", f"{a}#1", f"{b}#1"), remote(b, "b", f"{b}#1", f"{b}#2"))
        return keys_of(db, first), keys_of(db, second)

    database.write(lambda db: record(db, remote(b, "b", f"{b}#1")))
    assert database.write(both) == ({f"{a}#1": f"PEM of {a}"}, {f"{b}#1": f"PEM of {b}", f"{b}#2": f"PEM of {b}"})
    database.write(lambda db: record(db, remote(b, "b", f"{b}#2")))
    with database.reading() as db:
        owner = actors.by_uri(db, b)
        assert owner is not None and keys_of(db, owner) == {f"{b}#2": f"PEM of {b}"}
