"""OAuth's apps, codes and tokens: what is given to whom, how often, and how it ends (T101, T105 to T107)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from models import accounts, actors, leaving, moderation, oauth, oauth_apps, oauth_sweeping, oauth_use
from models.accounts import Account
from models.base import clock, new_id, now
from models.database import Database
from models.errors import Invalid, NotFound
from models.oauth import AccessToken, Grant, Issued, Reused
from models.oauth_apps import App, OAuthError
from models.push import Subscription
from models.redirects import OUT_OF_BAND
from models.tables import metadata

BACK = "https://client.example/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = oauth.challenge_of(VERIFIER)
DAY = 86_400.0


@dataclass
class Desk:
    """The lived-in node and one registered app with everything it can be given."""

    database: Database
    app_id: int = 0
    secret: str = ""

    def __post_init__(self) -> None:
        def make(db: Session) -> tuple[int, str]:
            app, secret = oauth_apps.register(
                db, name="Phanpy", redirect_uris=[BACK], wanted="read write follow push profile offline_access"
            )
            return app.id, secret

        self.app_id, self.secret = self.database.write(make)

    def app(self, db: Session) -> App:
        return db.get_one(App, self.app_id)

    def account(self, db: Session, username: str = "anna") -> Account:
        return accounts.by_username(db, username)

    def code(self, wanted: str = "read write", *, challenge: str = "", username: str = "anna") -> str:
        """Somebody says yes; the code."""

        def say_yes(db: Session) -> str:
            return oauth.grant(
                db,
                self.account(db, username),
                self.app(db),
                redirect_uri=BACK,
                wanted=wanted,
                challenge=challenge,
            )

        return self.database.write(say_yes)

    def exchange(self, code: str, *, app_id: int = 0, redirect_uri: str = BACK, **how: Any) -> Issued | Reused:
        given: dict[str, Any] = {"verifier": "", "proven": True, **how}
        return self.database.write(
            lambda db: oauth.exchange(
                db, db.get_one(App, app_id or self.app_id), code=code, redirect_uri=redirect_uri, **given
            )
        )

    def token(self, wanted: str = "read write", username: str = "anna") -> Issued:
        """A token by the whole way."""
        issued = self.exchange(self.code(wanted, username=username))
        assert isinstance(issued, Issued)
        return issued

    def refresh(self, token: str, wanted: str = "", *, proven: bool = True) -> Issued | Reused:
        return self.database.write(lambda db: oauth.refresh(db, self.app(db), token, wanted, proven=proven))

    def who(self, token: str) -> str | None:
        """The name of the person a token acts for; empty for an app by itself; None for a token that does not hold."""
        with self.database.reading() as db:
            found = oauth.who(db, token)
            if found is None:
                return None
            return found.actor.username if found.actor else ""

    def other_app(self) -> int:
        return self.database.write(
            lambda db: oauth_apps.register(db, name="Anden", redirect_uris=[BACK], wanted="read")[0].id
        )

    @contextmanager
    def refused(self, code: str) -> Iterator[None]:
        with pytest.raises(OAuthError) as caught:
            yield
        assert caught.value.code == code


@pytest.fixture
def desk(lived_in: Database) -> Desk:
    return Desk(lived_in)


# Registering


def test_an_app_has_a_name_a_secret_and_a_place_to_come_back_to(desk: Desk) -> None:
    with desk.database.reading() as db:
        app = desk.app(db)
        assert (app.name, app.redirect_uris) == ("Phanpy", [BACK])
        assert oauth_apps.proven(db, app.client_id, desk.secret).id == app.id


@pytest.mark.alike
@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"name": "  "}, "name_unfit"),
        ({"name": "x" * 101}, "name_unfit"),
        ({"redirect_uris": []}, "redirect_unfit"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "redirect_unfit"),
        ({"redirect_uris": [f"https://a.example/{n}" for n in range(21)]}, "redirect_unfit"),
        ({"wanted": "read everything"}, "scope_unknown"),
        ({"wanted": "admin:read"}, "scope_unknown"),
        ({"website": "javascript:alert(1)"}, "website_unfit"),
    ],
)
def test_what_cannot_be_registered(database: Database, how: dict[str, Any], code: str) -> None:
    given: dict[str, Any] = {"name": "App", "redirect_uris": [BACK], **how}
    with pytest.raises(Invalid) as caught:
        database.write(lambda db: oauth_apps.register(db, **given))
    assert caught.value.code == code


def test_an_app_that_names_no_scopes_may_read(database: Database) -> None:
    assert database.write(lambda db: oauth_apps.register(db, name="App", redirect_uris=[BACK])[0].scopes) == "read"


def test_an_unknown_app_and_a_wrong_secret_hear_the_same(desk: Desk) -> None:
    heard = set()
    with desk.database.reading() as db:
        for client_id, secret in (("nobody", "x"), (desk.app(db).client_id, "x"), (desk.app(db).client_id, "")):
            with pytest.raises(OAuthError) as caught:
                oauth_apps.proven(db, client_id, secret)
            heard.add((caught.value.code, caught.value.status, caught.value.text))
    assert len(heard) == 1
    assert next(iter(heard))[:2] == ("invalid_client", 401)


def test_nothing_that_opens_a_door_stands_in_the_database(desk: Desk) -> None:
    code = desk.code("read offline_access")
    issued = desk.exchange(code)
    assert isinstance(issued, Issued)
    with desk.database.reading() as db:
        kept = repr([list(map(tuple, db.execute(select(table)))) for table in metadata.sorted_tables])
    for secret in (desk.secret, code, issued.secret, issued.refresh):
        assert secret
        assert secret not in kept


# Codes


def test_a_code_becomes_a_token_of_the_one_who_said_yes(desk: Desk) -> None:
    issued = desk.token("read write:statuses", "birk")
    assert desk.who(issued.secret) == "birk"
    assert issued.row.scopes == "read write:statuses"
    assert (issued.refresh, issued.row.expires_at) == (None, None)


def test_a_code_works_once_and_a_second_use_takes_the_token_back(desk: Desk) -> None:
    code = desk.code()
    issued = desk.exchange(code)
    assert isinstance(issued, Issued)
    assert isinstance(desk.exchange(code), Reused)
    assert desk.who(issued.secret) is None


def test_a_code_used_twice_takes_refreshed_tokens_back_too(desk: Desk) -> None:
    code = desk.code("read offline_access")
    first = desk.exchange(code)
    assert isinstance(first, Issued)
    second = desk.refresh(first.refresh or "")
    assert isinstance(second, Issued)
    desk.exchange(code)
    assert desk.who(second.secret) is None


def test_a_code_holds_ten_minutes(desk: Desk) -> None:
    early, late = desk.code(), desk.code()
    clock.offset = 9.5 * 60
    assert isinstance(desk.exchange(early), Issued)
    clock.offset = 10.5 * 60
    with desk.refused("invalid_grant"):
        desk.exchange(late)


def test_a_code_is_worth_nothing_to_another_app_and_stays_good_for_its_own(desk: Desk) -> None:
    code, other = desk.code(), desk.other_app()
    with desk.refused("invalid_grant"):
        desk.exchange(code, app_id=other)
    assert isinstance(desk.exchange(code), Issued)


def test_a_code_belongs_to_the_place_it_was_asked_for(desk: Desk) -> None:
    code = desk.code()
    with desk.refused("invalid_grant"):
        desk.exchange(code, redirect_uri=BACK + "/")


@pytest.mark.alike
@pytest.mark.parametrize(
    ("challenge", "verifier"),
    [
        (CHALLENGE, ""),
        (CHALLENGE, VERIFIER[:-1] + "x"),
        (CHALLENGE, CHALLENGE),
        (CHALLENGE, "æøå" * 15),
        ("", VERIFIER),
    ],
    ids=["no verifier", "another", "plain", "not ASCII", "verifier without challenge"],
)
@pytest.mark.parametrize("proven", [True, False])
def test_challenge_and_verifier_come_together_and_fit(
    desk: Desk, challenge: str, verifier: str, *, proven: bool
) -> None:
    code = desk.code(challenge=challenge)
    with desk.refused("invalid_grant"):
        desk.exchange(code, verifier=verifier, proven=proven)


def test_the_challenge_is_made_as_the_standard_makes_it() -> None:
    assert CHALLENGE == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B


def test_an_app_without_a_secret_proves_itself_by_the_verifier(desk: Desk) -> None:
    code = desk.code(challenge=CHALLENGE)
    assert isinstance(desk.exchange(code, verifier=VERIFIER, proven=False), Issued)


def test_an_app_with_neither_secret_nor_verifier_gets_nothing(desk: Desk) -> None:
    code = desk.code()
    with desk.refused("invalid_client"):
        desk.exchange(code, proven=False)


def test_a_code_dies_with_the_suspension_of_the_one_who_said_yes(desk: Desk) -> None:
    code = desk.code(username="eva")
    desk.database.write(lambda db: accounts.suspend(db, desk.account(db, "eva")))
    with desk.refused("invalid_grant"):
        desk.exchange(code)


@pytest.mark.alike
@pytest.mark.parametrize("wanted", ["read admin:read", "admin:write", "read nonsense"])
def test_unknown_scopes_are_refused(desk: Desk, wanted: str) -> None:
    with desk.refused("invalid_scope"):
        desk.code(wanted)


def test_nobody_gives_an_app_more_than_it_registered_for(desk: Desk) -> None:
    other = desk.other_app()
    with desk.database.reading() as db, desk.refused("invalid_scope"):
        oauth_apps.asked_scopes(db.get_one(App, other), "read write:statuses")


def _at_once(what: Callable[[], Issued | Reused]) -> tuple[list[Issued], int]:
    """Eight try it in the same moment: what was issued, and how many heard that it was used before."""

    def attempt(_: int) -> Issued | Reused | None:
        try:
            return what()
        except OAuthError:
            return None

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(attempt, range(8)))
    return [one for one in done if isinstance(one, Issued)], sum(isinstance(one, Reused) for one in done)


def test_of_many_who_come_with_one_code_in_the_same_moment_one_gets_a_token_and_loses_it(desk: Desk) -> None:
    code = desk.code()
    issued, reused = _at_once(lambda: desk.exchange(code))
    assert (len(issued), reused) == (1, 7)
    assert desk.who(issued[0].secret) is None


# Refreshing


def test_only_apps_that_ask_for_it_get_something_to_refresh_with_and_their_tokens_end(desk: Desk) -> None:
    issued = desk.token("read offline_access")
    assert issued.refresh
    clock.offset = oauth.EXPIRES_WITH_REFRESH.total_seconds() + 1
    assert desk.who(issued.secret) is None
    again = desk.refresh(issued.refresh)
    assert isinstance(again, Issued)
    assert desk.who(again.secret) == "anna"


def test_refreshing_ends_the_token_before(desk: Desk) -> None:
    first = desk.token("read offline_access")
    second = desk.refresh(first.refresh or "")
    assert isinstance(second, Issued)
    assert desk.who(first.secret) is None
    assert second.refresh != first.refresh


def test_a_refresh_token_used_twice_ends_the_whole_chain(desk: Desk) -> None:
    first = desk.token("read offline_access")
    second = desk.refresh(first.refresh or "")
    assert isinstance(second, Issued)
    third = desk.refresh(second.refresh or "")
    assert isinstance(third, Issued)
    assert isinstance(desk.refresh(first.refresh or ""), Reused)
    assert desk.who(third.secret) is None
    with desk.refused("invalid_grant"):
        desk.refresh(third.refresh or "")


def test_of_many_who_refresh_in_the_same_moment_one_does_and_the_chain_ends(desk: Desk) -> None:
    first = desk.token("read offline_access")
    issued, reused = _at_once(lambda: desk.refresh(first.refresh or ""))
    assert (len(issued), reused) == (1, 7)
    assert desk.who(issued[0].secret) is None


def test_refreshing_gives_less_if_asked_but_never_more(desk: Desk) -> None:
    issued = desk.token("read:statuses write offline_access")
    with desk.refused("invalid_scope"):
        desk.refresh(issued.refresh or "", "read write offline_access")
    less = desk.refresh(issued.refresh or "", "read:statuses offline_access")
    assert isinstance(less, Issued)
    assert less.row.scopes == "read:statuses offline_access"


def test_what_was_given_for_a_secret_is_refreshed_for_a_secret(desk: Desk) -> None:
    issued = desk.token("read offline_access")
    with desk.refused("invalid_client"):
        desk.refresh(issued.refresh or "", proven=False)


def test_a_public_app_refreshes_without_a_secret(desk: Desk) -> None:
    code = desk.code("read offline_access", challenge=CHALLENGE)
    issued = desk.exchange(code, verifier=VERIFIER, proven=False)
    assert isinstance(issued, Issued)
    assert isinstance(desk.refresh(issued.refresh or "", proven=False), Issued)


@pytest.mark.parametrize("token", ["", "nonsense"])
def test_an_unknown_refresh_token_is_refused(desk: Desk, token: str) -> None:
    desk.token("read")  # its row has no refresh token, which must not be found by an empty one
    with desk.refused("invalid_grant"):
        desk.refresh(token)


def test_a_refresh_token_of_another_app_is_refused(desk: Desk) -> None:
    issued, other = desk.token("read offline_access"), desk.other_app()
    with desk.refused("invalid_grant"):
        desk.database.write(lambda db: oauth.refresh(db, db.get_one(App, other), issued.refresh or "", proven=True))
    assert desk.who(issued.secret) == "anna"


# For itself


def test_an_app_acts_for_itself_as_nobody(desk: Desk) -> None:
    issued = desk.database.write(lambda db: oauth.for_itself(db, desk.app(db), "read"))
    assert desk.who(issued.secret) == ""


def test_an_app_holds_so_many_tokens_of_its_own_and_no_more(desk: Desk) -> None:
    made = [
        desk.database.write(lambda db: oauth.for_itself(db, desk.app(db), "read").secret)
        for _ in range(oauth.MAX_OWN_TOKENS + 2)
    ]
    assert [desk.who(token) for token in made] == [None, None] + [""] * oauth.MAX_OWN_TOKENS


# How it ends (T101)


def _change_password(db: Session, account: Account) -> None:
    accounts.set_password(db, account, "en helt ny adgangskode")


def _moderate(db: Session, account: Account) -> None:
    moderation.suspend(db, actors.get(db, account.id), by=None)


def _leave(db: Session, account: Account) -> None:
    leaving.delete_local(db, actors.get(db, account.id))


ENDINGS = {
    "password changed": _change_password,
    "account suspended": accounts.suspend,
    "suspended by a moderator": _moderate,
    "account ended": _leave,
}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS.keys())
def test_what_happens_to_the_account_happens_to_its_tokens_at_once(desk: Desk, end: Any) -> None:
    issued, other = desk.token("read", "eva"), desk.token("read", "birk")
    desk.database.write(lambda db: end(db, desk.account(db, "eva")))
    assert desk.who(issued.secret) is None
    with desk.database.reading() as db:
        assert oauth.still_hold(db, [issued.row.id, other.row.id]) == {other.row.id}


def test_a_refresh_token_does_not_survive_a_new_password(desk: Desk) -> None:
    issued = desk.token("read offline_access")
    desk.database.write(lambda db: _change_password(db, desk.account(db)))
    with desk.refused("invalid_grant"):
        desk.refresh(issued.refresh or "")


def test_codes_do_not_survive_a_new_password(desk: Desk) -> None:
    code = desk.code()
    desk.database.write(lambda db: _change_password(db, desk.account(db)))
    with desk.refused("invalid_grant"):
        desk.exchange(code)


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS.keys())
def test_whoever_listens_for_tokens_is_woken(desk: Desk, end: Any) -> None:
    heard: list[set[str]] = []
    desk.token("read", "eva")
    desk.database.listen(heard.append)
    desk.database.write(lambda db: end(db, desk.account(db, "eva")))
    assert any("tokens" in topics for topics in heard)


def test_revoking_ends_a_token_and_is_no_error_the_second_time(desk: Desk) -> None:
    issued = desk.token()
    for _ in range(2):
        desk.database.write(lambda db: oauth.revoke(db, desk.app(db), issued.secret))
        assert desk.who(issued.secret) is None


def test_revoking_by_the_refresh_token_ends_the_access_token(desk: Desk) -> None:
    issued = desk.token("read offline_access")
    desk.database.write(lambda db: oauth.revoke(db, desk.app(db), issued.refresh or ""))
    assert desk.who(issued.secret) is None


def test_another_app_revokes_nothing(desk: Desk) -> None:
    issued, other = desk.token(), desk.other_app()
    with pytest.raises(OAuthError) as caught:
        desk.database.write(lambda db: oauth.revoke(db, db.get_one(App, other), issued.secret))
    assert caught.value.status == 403
    assert desk.who(issued.secret) == "anna"


def test_taking_back_an_apps_rights_ends_all_its_tokens_of_this_person_alone(desk: Desk) -> None:
    mine, too, theirs = desk.token("read"), desk.token("write"), desk.token("read", "birk")
    desk.database.write(lambda db: oauth.revoke_app(db, desk.account(db), desk.app_id))
    assert [desk.who(one.secret) for one in (mine, too, theirs)] == [None, None, "birk"]


def test_taking_back_an_apps_rights_ends_codes_on_their_way(desk: Desk) -> None:
    desk.token()
    code = desk.code()
    desk.database.write(lambda db: oauth.revoke_app(db, desk.account(db), desk.app_id))
    with desk.refused("invalid_grant"):
        desk.exchange(code)


def test_only_an_app_with_access_can_be_revoked(desk: Desk) -> None:
    desk.token("read", "birk")
    with pytest.raises(NotFound):
        desk.database.write(lambda db: oauth.revoke_app(db, desk.account(db), desk.app_id))


def test_apps_are_listed_with_the_tokens_that_hold(desk: Desk) -> None:
    first, second = desk.token("read"), desk.token("write")
    desk.database.write(lambda db: oauth.revoke(db, desk.app(db), first.secret))
    with desk.database.reading() as db:
        [(app, tokens)] = oauth.apps_of(db, desk.account(db))
        assert (app.name, [token.id for token in tokens]) == ("Phanpy", [second.row.id])
        assert oauth.apps_of(db, desk.account(db, "birk")) == []


# The hot path


def test_who_is_behind_a_token_is_one_query(desk: Desk) -> None:
    issued = desk.token()
    asked: list[str] = []
    with desk.database.reading() as db:
        listen = lambda *args: asked.append(args[2])  # noqa: E731
        event.listen(db.get_bind(), "before_cursor_execute", listen)
        try:
            found = oauth.who(db, issued.secret)
            assert found is not None
            assert (found.app.name, found.account and found.account.id) == ("Phanpy", found.actor and found.actor.id)
        finally:
            event.remove(db.get_bind(), "before_cursor_execute", listen)
    assert len([statement for statement in asked if statement.startswith("SELECT")]) == 1


@pytest.mark.parametrize("token", ["", "nonsense", "æ" * 50, "x" * 100_000])
def test_nonsense_is_nobodys_token(desk: Desk, token: str) -> None:
    assert desk.who(token) is None


def test_the_last_use_is_known_to_the_hour_and_written_no_oftener(desk: Desk) -> None:
    issued = desk.token()

    def used() -> Any:
        with desk.database.reading() as db:
            row = db.get_one(AccessToken, issued.row.id)
            return oauth_use.use_is_due(row), row.used_at

    due, first = used()
    desk.database.write(lambda db: oauth_use.note_use(db, issued.row.id))
    assert (due, used()) == (False, (False, first))
    clock.offset = 2 * 3600
    assert used()[0]
    desk.database.write(lambda db: oauth_use.note_use(db, issued.row.id))
    assert used()[1] - first > timedelta(hours=1)


# Keeping house


def test_the_house_forgets_what_is_long_over_and_keeps_what_holds(desk: Desk) -> None:
    desk.code()
    old, held = desk.token("read", "birk"), desk.token("read")
    unused = desk.other_app()
    desk.database.write(lambda db: oauth.revoke(db, desk.app(db), old.secret))
    clock.offset = 31 * DAY
    while desk.database.write(lambda db: oauth_sweeping.sweep(db, 2)):
        pass
    with desk.database.reading() as db:
        assert list(db.scalars(select(Grant))) == []
        assert list(db.scalars(select(AccessToken.id))) == [held.row.id]
        assert db.get(App, unused) is None
        assert db.get(App, desk.app_id) is not None
    assert desk.who(held.secret) == "anna"


def test_the_house_keeps_what_can_still_be_refreshed(desk: Desk) -> None:
    issued = desk.token("read offline_access")
    clock.offset = 100 * DAY
    desk.database.write(lambda db: oauth_sweeping.sweep(db, 100))
    assert isinstance(desk.refresh(issued.refresh or ""), Issued)


def test_a_used_code_is_recognised_as_long_as_it_could_be_tried_again(desk: Desk) -> None:
    code = desk.code()
    desk.exchange(code)
    clock.offset = 3600.0
    desk.database.write(lambda db: oauth_sweeping.sweep(db, 100))
    assert isinstance(desk.exchange(code), Reused)


def test_devices_that_may_hear_nothing_any_more_are_forgotten(desk: Desk) -> None:
    first, taken_back = desk.token("read push offline_access"), desk.token("read push")

    def listen(family_id: int) -> Any:
        device = {"endpoint": "https://push.example/1", "p256dh": "", "auth": ""}
        return lambda db: db.add(
            Subscription(id=new_id(), family_id=family_id, account_id=desk.account(db).id, **device)
        )

    for one in (first, taken_back):
        desk.database.write(listen(one.row.family_id))
    desk.refresh(first.refresh or "")
    desk.database.write(lambda db: oauth.revoke(db, desk.app(db), taken_back.secret))
    desk.database.write(lambda db: oauth_sweeping.sweep(db, 100))
    with desk.database.reading() as db:
        assert list(db.scalars(select(Subscription.family_id))) == [first.row.family_id]


def test_a_token_for_a_script_is_made_without_a_browser(desk: Desk) -> None:
    made = desk.database.write(lambda db: oauth.issue_for(db, desk.account(db), "read write:statuses", app_name="cron"))
    with desk.database.reading() as db:
        found = oauth.who(db, made)
        assert found is not None
        assert (found.app.name, found.app.redirect_uris, found.token.scopes) == (
            "cron",
            [OUT_OF_BAND],
            "read write:statuses",
        )
        assert found.token.created_at <= now()
