"""`torv`: people, communities, writing, domains and queues from the shell."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models import (
    accounts,
    actors,
    deliveries,
    domains,
    follows,
    invitations,
    jobs,
    kle,
    moderation,
    oauth,
    organizations,
    outbox,
    peers,
    posts,
    threads,
)
from models.actors import Actor
from models.database import Database
from models.errors import Unauthenticated
from models.organizations import Facts
from models.outbox import Activity
from models.posts import Post
from server.cli import COMMANDS, main
from server.commands.opening import running
from server.settings import Settings
from tests import world
from tests.conftest import Templates
from tests.models.search.looking import kept
from tests.server.commands import LOCAL, Torv, fill
from tests.server.mailing import smtp_server


@pytest.fixture
def torv(templates: Templates, tmp_path: Path) -> Iterator[Torv]:
    """The command, on a node with the world."""
    url, drop = templates.fresh("commands", LOCAL, fill)
    database = Database(url, LOCAL)
    yield Torv({"TORV_DATABASE_URL": url, "TORV_DATA_DIR": str(tmp_path), "TORV_ADMIN_PORT": "0"}, database)
    database.close()
    drop()


def test_help_is_quick_and_names_every_command() -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    program = "from server.cli import main; main()"
    subprocess.run([sys.executable, "-c", program, "--help"], env=environ, check=True, capture_output=True)
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", program, "--help"], env=environ, check=True, capture_output=True, text=True)  # fmt: skip
    assert time.monotonic() - began < 3
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    loaded = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"sqlalchemy", "starlette", "httpx", "structlog", "cryptography", "alembic"}


def test_a_person_is_added_and_can_sign_in(torv: Torv) -> None:
    said = json.loads(
        torv.good("user", "add", "gerda", "gerda@havby.example", "--generate", "--role", "moderator", "--json")
    )
    assert said["handle"] == "gerda@localhost:8000"
    with torv.database.reading() as db:
        assert accounts.check_password(db, "gerda", said["password"]).role == "moderator"


def test_a_password_is_read_from_standard_input_or_asked_for_twice(torv: Torv) -> None:
    torv.good("user", "password", "birk", "--password-stdin", input="et nyt langt ord\n")
    torv.good("user", "password", "eva", input="et andet langt ord\net andet langt ord\n")
    with torv.database.reading() as db:
        accounts.check_password(db, "birk", "et nyt langt ord")
        accounts.check_password(db, "eva", "et andet langt ord")


@pytest.mark.alike
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("user", "add", "anna", "ny@x.example", "--generate"), 4, "taken"),
        (("user", "add", "Ås!", "ny@x.example", "--generate"), 2, "user name"),
        (("user", "add", "ny", "ny@x.example", "--generate", "--password-stdin"), 2, "exclude"),
        (("user", "password", "nobody", "--generate"), 3, "no such account"),
        (("user", "role", "nobody", "admin"), 3, "no such account"),
        (("user", "role", "anna", "king"), 2, "king"),
        (("user", "role", "anna", "member"), 4, "administrator"),
        (("community", "add", "udfordrere", "Igen", "--moderator", "anna"), 4, "taken"),
        (("community", "add", "ny", "Ny", "--moderator", "nobody"), 3, "nobody"),
        (("ask", "nowhere", "T", "x", "--as", "anna"), 3, "nowhere"),
        (("ask", "udfordrere", "", "x", "--as", "anna"), 2, ""),
        (("answer", "123", "x", "--as", "anna"), 3, ""),
        (("answer", "9" * 30, "x", "--as", "anna"), 3, "no post"),
        (("answer", "9" * 5000, "x", "--as", "anna"), 3, "no post"),
        (("answer", "https://b.example/p/1", "x", "--as", "anna"), 3, "no post"),
        (("post", "\udcff", "--as", "anna"), 2, "UTF-8"),
        (("user", "role", "\udcff", "admin"), 2, "UTF-8"),
        (("user", "invite", "--email", "anna"), 2, "e-mail"),
        (("post", "x", "--as", "nobody"), 3, "nobody"),
        (("post", "", "--as", "anna"), 2, ""),
        (("follow", "nobody", "--as", "anna"), 3, "nobody"),
        (("domain", "block", "not a domain"), 2, ""),
        (("domain", "block", "https://b.example/"), 2, "domain name"),
        (("domain", "remove", "https://b.example/"), 2, "domain name"),
        (("domain", "remove", "b.example"), 3, "no rule"),
        (("peer", "b.example"), 3, "Nothing is known"),
        (("jobs", "retry"), 2, "Say which"),
        (("jobs", "retry", "1"), 1, "no dead letters"),
        (("jobs", "retry", "9" * 30), 2, "range"),
        (("migrate", "--to", "9999"), 2, "this release knows 0001"),
        (("nonsense",), 2, "nonsense"),
    ],
)  # fmt: skip
def test_bad_input_ends_with_a_sentence_and_the_right_code(
    torv: Torv, arguments: tuple[str, ...], code: int, said: str
) -> None:
    with torv.database.reading() as db:
        before = len(db.scalars(select(Activity.id)).all())
    done = torv(*arguments)
    assert done.exit_code == code, done.output
    assert said in done.output
    assert "Traceback" not in done.output
    with torv.database.reading() as db:
        assert len(db.scalars(select(Activity.id)).all()) == before


def test_a_suspended_person_cannot_sign_in_until_it_is_lifted(torv: Torv) -> None:
    torv.good("user", "suspend", "birk")
    with torv.database.reading() as db, pytest.raises(Unauthenticated):
        accounts.check_password(db, "birk", world.PASSWORD)
    torv.good("user", "suspend", "birk", "--lift")
    with torv.database.reading() as db:
        accounts.check_password(db, "birk", world.PASSWORD)


def test_an_invitation_may_say_what_its_taker_is_to_an_organisation(torv: Torv) -> None:
    torv.database.write(lambda db: organizations.create(db, None, "firma", Facts("Firma", kind="supplier")).id)
    token = torv.good("user", "invite", "--organization", "firma").strip().rsplit("/", 1)[1]
    assert torv.database.write(lambda db: invitations.find(db, token).affiliation_class) == "supplier"
    count = "SELECT count(*) FROM invitations"
    before = torv.database.write(lambda db: db.scalar(text(count)))
    for wrong in (("firma", "--citizen"), ("nowhere",)):
        done = torv("user", "invite", "--organization", *wrong)
        assert done.exit_code != 0
        assert "Traceback" not in done.output
    assert torv.database.write(lambda db: db.scalar(text(count))) == before


def test_an_invitation_makes_one_account(torv: Torv) -> None:
    token = torv.good("user", "invite", "--role", "moderator").strip().rsplit("/", 1)[1]

    def work(db: Session) -> str:
        made = invitations.use(
            db,
            token,
            username="ny",
            email="ny@x.example",
            password="langt nok ord",
            name="",
            language="da",
        )
        return made.role

    assert torv.database.write(work) == "moderator"


def test_people_are_listed_for_scripts(torv: Torv) -> None:
    found = json.loads(torv.good("user", "list", "--json"))
    assert {one["username"] for one in found} == {person.username for person in world.PEOPLE}


def test_a_question_is_asked_and_answered(torv: Torv) -> None:
    said = json.loads(
        torv.good("ask", "udfordrere", "Hvem gør hvad?", "-", "--as", "birk", "--json", input="Vi ved det ikke.")
    )
    answer = torv.good("answer", said["id"], "Spørg Eva.", "--as", "camilla").strip()
    with torv.database.reading() as db:
        question = posts.by_uri(db, said["uri"])
        assert question is not None
        assert (question.title, question.answer_count) == ("Hvem gør hvad?", 1)
        answered = posts.by_uri(db, answer)
        assert answered is not None
        assert threads.question_of(db, answered) == question


def test_a_note_is_written_with_its_visibility(torv: Torv) -> None:
    uri = torv.good("post", "Kun for jer", "--as", "anna", "--visibility", "followers").strip()
    with torv.database.reading() as db:
        note = posts.by_uri(db, uri)
        assert note is not None
        assert note.visibility == "followers"


def test_following_somebody_here_needs_no_network(torv: Torv) -> None:
    torv.good("user", "add", "gerda", "gerda@havby.example", "--generate")
    torv.good("follow", "@anna", "--as", "gerda")
    with torv.database.reading() as db:
        gerda, anna = actors.by_handle(db, "gerda"), actors.by_handle(db, "anna")
        assert gerda is not None
        assert anna is not None
        assert follows.state(db, gerda.id, anna.id) == "accepted"


def test_a_community_is_added_with_its_rules(torv: Torv) -> None:
    uri = torv.good("community", "add", "haver", "Skolehaver", "--moderator", "eva", "--rule", "Del frø.").strip()
    assert uri == "http://localhost:8000/c/haver"
    assert "haver" in {one["username"] for one in json.loads(torv.good("community", "list", "--json"))}


def test_domain_rules_are_set_listed_and_removed(torv: Torv) -> None:
    torv.good("domain", "block", "EVIL.example.", "--reason", "spam")
    torv.good("domain", "limit", "noisy.example")
    torv.good("domain", "allow", "b.example")
    found = json.loads(torv.good("domain", "list", "--json"))
    assert {one["domain"]: one["action"] for one in found["rules"]} == {
        "evil.example": "block", "noisy.example": "limit", "b.example": "allow",
    }  # fmt: skip
    with torv.database.reading() as db:
        assert domains.is_blocked(db, "sub.evil.example")
        assert not domains.is_blocked(db, "other.example")
    torv.good("domain", "allow-list", "on")
    with torv.database.reading() as db:
        assert domains.is_blocked(db, "other.example")
        assert not domains.is_blocked(db, "b.example")
    torv.good("domain", "allow-list", "off")
    torv.good("domain", "remove", "evil.example")
    with torv.database.reading() as db:
        assert not domains.is_blocked(db, "evil.example")


def _queue_something(torv: Torv) -> tuple[int, int]:
    """One dead job and one dead delivery to a failing host; their ids."""

    def work(db: Session) -> tuple[int, int]:
        jobs.enqueue(db, "nodeinfo", {"host": "b.example"})
        job = jobs.claim(db, 1, 60)[0]
        jobs.fail(db, job.id, "went wrong", permanent=True)
        activity = db.scalars(select(Activity)).first()
        deliveries.add_batch(db, activity, [("https://b.example/inbox", "b.example")])
        row = db.scalars(select(outbox.Delivery)).one()
        deliveries.dead(db, row.id, "refused", 400)
        for _ in range(5):
            peers.failed(db, "b.example", "no answer")
        return job.id, row.id

    return torv.database.write(work)


def test_dead_letters_are_shown_and_tried_again(torv: Torv) -> None:
    job, delivery = _queue_something(torv)
    found = json.loads(torv.good("jobs", "--json"))
    assert found["queues"]["deliveries"]["dead"] == 1
    assert found["hosts"][0] == {"host": "b.example", "waiting": 0, "dead": 1, "state": "open", "error": "no answer"}
    dead = json.loads(torv.good("jobs", "dead", "--json"))
    assert {one["id"] for one in dead} == {str(job), str(delivery)}
    assert {one["error"] for one in dead} == {"went wrong", "refused"}
    torv.good("jobs", "retry", str(job))
    torv.good("jobs", "retry", "--host", "b.example")
    assert json.loads(torv.good("jobs", "dead", "--json")) == []


def test_a_peer_says_why_it_fails_and_is_unparked(torv: Torv) -> None:
    _queue_something(torv)
    found = json.loads(torv.good("peer", "B.example", "--json"))
    assert (found["state"], found["last_error"], found["given_up"]) == ("open", "no answer", 1)
    torv.good("peer", "b.example", "--unpark")
    found = json.loads(torv.good("peer", "b.example", "--json"))
    assert (found["state"], found["waiting"], found["given_up"]) == ("ok", 1, 0)


def test_another_name_than_the_databases_is_refused(torv: Torv) -> None:
    done = torv("jobs", TORV_ORIGIN="https://other.example")
    assert done.exit_code == 4
    assert "cannot change" in done.output


def test_a_wrong_setting_is_named_and_ends_with_2(torv: Torv) -> None:
    done = torv("jobs", TORV_LISTEN_PORT="abc")
    assert done.exit_code == 2
    assert "TORV_LISTEN_PORT" in done.output


def test_doctor_finds_a_healthy_local_node_and_warns_of_what_is_unusual(torv: Torv) -> None:
    found = json.loads(torv.good("doctor", "--json"))
    states = {one["name"]: one["state"] for one in found}
    assert states["database"] == states["disk"] == states["clock"] == states["schema"] == states["key"] == "ok"
    warned = torv("doctor", TORV_FETCH_ALLOW="127.0.0.0/8").output
    assert "no public https origin" in warned
    assert "fetch_allow opens 127.0.0.0/8" in warned


def test_doctor_says_whether_the_mail_server_lets_us_in(torv: Torv) -> None:
    assert "no smtp_host" in torv("doctor").output
    with smtp_server() as server:
        asked = {"TORV_SMTP_HOST": "127.0.0.1", "TORV_SMTP_PORT": str(server.port), "TORV_SMTP_SECURITY": "none"}
        found = json.loads(torv("doctor", "--json", **asked).stdout)
        assert {one["name"]: one["state"] for one in found}["mail"] == "ok"
        refused = torv("doctor", TORV_SMTP_USER="torv", TORV_SMTP_PASSWORD="wrong", **asked)
        assert "✗ mail" in refused.output
        assert "wrong" not in refused.output
    away = torv("doctor", **asked)
    assert away.exit_code == 1
    assert "✗ mail" in away.output


def test_doctor_fails_when_the_nodes_key_is_another_than_the_published(torv: Torv) -> None:
    def swap(db: Session) -> None:
        key, _ = actors.key_by_uri(db, "http://localhost:8000/actor#main-key") or (None, None)
        anna = actors.key_by_uri(db, "http://localhost:8000/u/anna#main-key")
        assert key is not None
        assert anna is not None
        key.public_pem = anna[0].public_pem

    torv.database.write(swap)
    done = torv("doctor")
    assert done.exit_code == 1
    assert "✗ key" in done.output


def test_without_a_database_the_way_on_is_said(tmp_path: Path) -> None:
    bare = Torv({"TORV_DATA_DIR": str(tmp_path)}, Database(f"sqlite:///{tmp_path}/none.db", LOCAL))
    done = bare("jobs")
    assert done.exit_code == 3
    assert "torv init" in done.output


@pytest.mark.parametrize("command", ["jobs", "serve", "init", "migrate"])
def test_a_file_that_is_no_database_is_said_and_left_alone(tmp_path: Path, command: str) -> None:
    file = tmp_path / "torv.db"
    file.write_bytes(b"a shopping list " * 500)
    done = Torv({"TORV_DATA_DIR": str(tmp_path), "TORV_DATABASE_URL": ""}, Database(f"sqlite:///{file}", LOCAL))(
        command
    )
    assert done.exit_code == 1
    assert "file is not a database" in done.output
    assert file.read_bytes() == b"a shopping list " * 500


def test_doctor_says_what_is_wrong_with_the_database_and_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "torv.db"
    bare = Torv({"TORV_DATA_DIR": str(tmp_path), "TORV_DATABASE_URL": ""}, Database(f"sqlite:///{file}", LOCAL))
    for content, said in ((b"", "no tables yet"), (b"a shopping list " * 500, "file is not a database")):
        file.write_bytes(content)
        done = bare("doctor")
        assert done.exit_code == 1
        assert said in done.output
        assert "disk" in done.output


def test_a_database_that_does_not_answer_is_worth_another_try() -> None:
    nobody = "postgresql://torv:hemmelig@127.0.0.1:1/torv"
    for command in ("jobs", "backup", "migrate", "init", "serve"):
        arguments = (command, "copy") if command == "backup" else (command,)
        done = Torv({"TORV_DATABASE_URL": nobody}, Database(nobody, LOCAL))(*arguments)
        assert done.exit_code == 5, done.output
        assert "refused" in done.output
        assert "hemmelig" not in done.output


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_text("a file in the folder's place")
    bare = Torv({"TORV_DATA_DIR": str(file), "TORV_DATABASE_URL": ""}, Database(f"sqlite:///{file}/torv.db", LOCAL))
    for command in ("init", "serve", "demo"):
        done = bare(command)
        assert done.exit_code == 1
        assert f"{file}: File exists" in done.output


def test_text_that_is_not_utf_8_is_refused(torv: Torv) -> None:
    with torv.database.reading() as db:
        before = len(db.scalars(select(Activity.id)).all())
    done = CliRunner().invoke(main, ["post", "-", "--as", "anna"], input=b"bl\xe5b\xe6r", env=torv.environ)
    assert done.exit_code == 2
    assert "UTF-8" in done.output
    with torv.database.reading() as db:
        assert len(db.scalars(select(Activity.id)).all()) == before


def test_the_demo_world_is_not_mixed_with_people_who_are_there(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/torv.db", LOCAL)
    own = Torv({"TORV_DATA_DIR": str(tmp_path), "TORV_DATABASE_URL": ""}, database)
    own.good("init")
    own.good("user", "add", "gerda", "gerda@havby.example", "--generate")
    done = own("demo")
    assert done.exit_code == 4
    assert "empty node" in done.output
    with database.reading() as db:
        assert [row.username for row in db.scalars(select(Actor).where(Actor.type == "Person"))] == ["gerda"]
    database.close()


def test_tables_are_not_changed_under_a_running_node(torv: Torv) -> None:
    def older(db: Session) -> None:
        db.execute(text("DELETE FROM alembic_version"))

    torv.database.write(older)
    with running(Settings(data_dir=torv.environ["TORV_DATA_DIR"])):
        for command in ("migrate", "init"):
            done = torv(command)
            assert done.exit_code == 4
            assert "running" in done.output


def test_a_token_for_a_script_holds_until_its_owner_takes_it_back(torv: Torv) -> None:
    made = torv.good("token", "birk", "--scopes", "read write:statuses", "--name", "natlig rapport").strip()
    known = torv.database.write(lambda db: oauth.who(db, made))
    assert known is not None
    assert (known.token.scopes, known.app.name) == ("read write:statuses", "natlig rapport")
    assert known.account is not None
    torv.database.write(lambda db: oauth.revoke_app(db, accounts.by_username(db, "birk"), known.app.id))
    assert torv.database.write(lambda db: oauth.who(db, made)) is None
    assert json.loads(torv.good("token", "birk", "--json"))["scope"] == "read"


@pytest.mark.parametrize("wanted", ["", "everything", "admin:read", "read offline_access"])
def test_a_token_has_scopes_that_there_are(torv: Torv, wanted: str) -> None:
    done = torv("token", "birk", "--scopes", wanted)
    assert done.exit_code == 2
    assert "read:statuses" in done.output
    assert torv("token", "nobody").exit_code == 3


def test_what_is_searched_can_be_made_anew(torv: Torv) -> None:
    with torv.database.reading() as db:
        before = kept(db)

    def spoil(db: Session) -> None:
        db.execute(text("DELETE FROM post_index"))
        db.execute(text("DELETE FROM actor_index"))
        db.execute(text("DELETE FROM spelled_words"))

    torv.database.write(spoil)
    said = torv.good("search", "rebuild")
    with torv.database.reading() as db:
        assert kept(db) == before
        posts_and_actors = len(list(db.scalars(select(Post.id)))) + len(list(db.scalars(select(Actor.id))))
        assert db.scalar(text("SELECT count(*) FROM spelled_words WHERE word = 'brandhaner'")) == 1
    assert said == f"{posts_and_actors} posts, people and communities were read.\n"


def test_the_command_line_changes_a_role_and_leaves_its_mark(torv: Torv) -> None:
    torv.good("user", "role", "birk", "moderator")
    with torv.database.reading() as db:
        assert accounts.by_username(db, "birk").role == "moderator"
        [entry] = moderation.audit_log(db, action="account.role")
        assert entry.actor_id is None


def test_the_list_of_service_areas_is_brought_from_a_file(torv: Torv, tmp_path: Path) -> None:
    table, wrong = tmp_path / "kle.csv", tmp_path / "other.csv"
    table.write_text("05;Veje\n05.04;Vinter\n")
    wrong.write_text("intet")
    assert "2 service areas were read." in torv.good("kle", "import", str(table))
    assert torv("kle", "import", str(wrong)).exit_code == 2
    with torv.database.reading() as db:
        assert kle.title(db, "05.04") == "Vinter"
