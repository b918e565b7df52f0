"""OAuth in the database: which places can be registered, what covers what, and what is swept away."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import accounts, oauth, oauth_apps, scopes
from models.accounts import Account
from models.base import clock
from models.database import Database
from models.errors import Invalid, NotFound
from models.oauth import AccessToken, Grant, Issued
from models.oauth_apps import App
from models.oauth_sweeping import UNUSED_APP_DAYS, UNUSED_OWN_DAYS, sweep
from models.redirects import OUT_OF_BAND, redirect_fits

DAY = 24 * 3600
PLACE = "https://app.example/back"


def app_in(db: Session, **changed: str) -> App:
    return oauth_apps.register(db, name="App", redirect_uris=[PLACE], wanted="read write offline_access", **changed)[0]


def birk(db: Session) -> Account:
    return accounts.by_username(db, "birk")


def code_in(db: Session, app: App) -> str:
    return oauth.grant(db, birk(db), app, redirect_uri=PLACE, wanted="read offline_access")


def issued_in(db: Session, app: App) -> Issued:
    got = oauth.exchange(db, app, code=code_in(db, app), redirect_uri=PLACE, verifier="", proven=True)
    assert isinstance(got, Issued)
    return got


def count(db: Session, table: type) -> int:
    return db.scalar(select(func.count()).select_from(table)) or 0


# -- places to come back to


@pytest.mark.parametrize(
    "uri",
    [
        OUT_OF_BAND,
        "https://app.example",
        "https://app.example/back?x=1",
        "http://localhost:3000/cb",
        "http://[::1]:8080/",
        "https://elk.zone/api/a.example/oauth/https%3A%2F%2Felk.zone",
        "icecubesapp://",
        "com.app:/oauth2redirect",
        "tusky://com.keylesspalace.tusky/",
    ],
)
def test_places_of_real_apps_fit(uri: str) -> None:
    assert redirect_fits(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "app.example/back",
        "//app.example/back",
        "/back",
        "https:",
        "https://",
        "https:///path",
        "https://:443/",
        "https://app.example:port/",
        "https://app.example/#",
        "https://app.example/#part",
        "https://app.example\\@evil.example/",
        "https://user@app.example/",
        "https://user:pass@app.example/",
        "https://app.example/a b",
        "https://app.example/\r\nSet-Cookie: x",
        "https://app.example/\x00",
        "https://æ.example/",
        "https://[::1/",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://x/1",
        "intent://x#Intent;end",
        "about:blank",
        "app:",
        "https://app.example/" + "x" * 2000,
    ],
)
def test_what_runs_lies_or_leads_nowhere_does_not_fit(uri: str) -> None:
    assert not redirect_fits(uri)


@given(st.text(max_size=60) | st.from_regex(r"[a-zA-Z]{1,10}:/{0,3}[ -~]{0,30}", fullmatch=True))
def test_whatever_fits_is_read_in_one_way_only(uri: str) -> None:
    if redirect_fits(uri) and uri != OUT_OF_BAND:
        parts = urlsplit(uri)
        assert parts.geturl().rstrip("/?").lower() == uri.rstrip("/?").lower() or not parts.netloc
        assert parts.scheme not in {"javascript", "data", "vbscript", "file"}
        assert parts.username is None
        assert parts.fragment == ""
        assert uri.isascii()
        assert uri.isprintable()
        assert " " not in uri


def test_an_app_registers_one_to_twenty_places(lived_in: Database) -> None:
    def register(places: list[str]) -> Callable[[Session], App]:
        return lambda db: oauth_apps.register(db, name="App", redirect_uris=places)[0]

    for places in ([], [f"https://app.example/{n}" for n in range(21)]):
        with pytest.raises(Invalid):
            lived_in.write(register(places))
    assert lived_in.write(register([PLACE, PLACE])).redirect_uris == [PLACE]


# -- scopes

SCOPES = st.lists(st.sampled_from(scopes.ALL), min_size=1, unique=True)


@given(SCOPES)
def test_the_least_list_of_scopes_covers_what_the_whole_one_covers(names: list[str]) -> None:
    granted = " ".join(names)
    least = scopes.minimal(granted)
    assert set(least) <= set(names)
    for name in scopes.ALL:
        assert scopes.covers(" ".join(least), name) == scopes.covers(granted, name) or name == "follow"
    assert scopes.minimal(" ".join(least)) == least


@given(SCOPES, SCOPES)
def test_t107_what_is_within_gives_no_right_that_was_not_there(held: list[str], wanted: list[str]) -> None:
    if scopes.within(wanted, " ".join(held)):
        single = [name for name in scopes.ALL if ":" in name or not scopes.BELOW[name]]
        for name in single:
            if scopes.covers(" ".join(wanted), name):
                assert scopes.covers(" ".join(held), name)


def test_broad_scopes_stand_for_those_below() -> None:
    assert scopes.minimal("read read:lists write:media follow") == ["read", "write:media", "follow"]
    assert scopes.minimal("read write follow") == ["read", "write"]
    assert scopes.minimal(" ".join(["read", *scopes.BELOW["read"]])) == ["read"]


# -- one's apps


def test_an_app_with_several_tokens_is_one_app(lived_in: Database) -> None:
    def give(db: Session) -> int:
        app = app_in(db)
        issued_in(db, app)
        issued_in(db, app)
        app_in(db)  # nobody gave this one access
        return app.id

    app_id = lived_in.write(give)
    with lived_in.reading() as db:
        [(app, tokens)] = oauth.apps_of(db, birk(db))
        assert app.id == app_id
        assert len(tokens) == 2


def test_taking_access_back_ends_codes_that_wait_too(lived_in: Database) -> None:
    app = lived_in.write(app_in)
    token = lived_in.write(lambda db: issued_in(db, db.get_one(App, app.id)).secret)
    code = lived_in.write(lambda db: code_in(db, db.get_one(App, app.id)))
    lived_in.write(lambda db: oauth.revoke_app(db, birk(db), app.id))
    with lived_in.reading() as db:
        assert oauth.who(db, token) is None
        assert oauth.apps_of(db, birk(db)) == []
    with pytest.raises(oauth_apps.OAuthError, match="invalid, expired"):
        lived_in.write(lambda db: oauth.exchange(db, app, code=code, redirect_uri=PLACE, verifier="", proven=True))
    with pytest.raises(NotFound):
        lived_in.write(lambda db: oauth.revoke_app(db, birk(db), app.id))


def test_a_stream_hears_that_its_token_ended(lived_in: Database) -> None:
    app = lived_in.write(app_in)
    ids = [lived_in.write(lambda db: issued_in(db, db.get_one(App, app.id)).row.id) for _ in range(2)]
    lived_in.write(lambda db: oauth._revoke(db, AccessToken.id == ids[0]))
    with lived_in.reading() as db:
        assert oauth.still_hold(db, ids) == {ids[1]}
        assert oauth.still_hold(db, []) == set()


# -- keeping house


def test_an_app_that_nobody_gave_access_is_forgotten_after_a_week(lived_in: Database) -> None:
    used, unused = lived_in.write(app_in), lived_in.write(app_in)
    lived_in.write(lambda db: issued_in(db, db.get_one(App, used.id)))
    clock.offset = (UNUSED_APP_DAYS - 1) * DAY
    assert lived_in.write(lambda db: sweep(db, 100)) == 1  # the code, which is long over
    clock.offset = (UNUSED_APP_DAYS + 2) * DAY
    lived_in.write(lambda db: sweep(db, 100))
    with lived_in.reading() as db:
        assert db.get(App, unused.id) is None
        assert db.get(App, used.id) is not None
        assert count(db, Grant) == 0


def test_revoked_tokens_and_their_apps_go_after_a_month(lived_in: Database) -> None:
    app = lived_in.write(app_in)
    lived_in.write(lambda db: issued_in(db, db.get_one(App, app.id)))
    lived_in.write(lambda db: oauth.revoke_all(db, birk(db).id))
    clock.offset = 29 * DAY
    lived_in.write(lambda db: sweep(db, 100))
    with lived_in.reading() as db:
        assert count(db, AccessToken) == 1
    clock.offset = 31 * DAY
    lived_in.write(lambda db: sweep(db, 100))
    with lived_in.reading() as db:
        assert count(db, AccessToken) == 0
        assert count(db, App) == 0


def test_what_apps_have_for_themselves_and_do_not_use_goes_and_what_people_gave_stays(lived_in: Database) -> None:
    app = lived_in.write(app_in)
    lived_in.write(lambda db: oauth.for_itself(db, db.get_one(App, app.id), "read"))
    kept = lived_in.write(lambda db: oauth.issue_for(db, birk(db), "read"))
    clock.offset = (UNUSED_OWN_DAYS + 1) * DAY
    lived_in.write(lambda db: sweep(db, 100))
    with lived_in.reading() as db:
        assert count(db, AccessToken) == 1
        assert oauth.who(db, kept) is not None


def test_a_sweep_takes_no_more_than_it_may(lived_in: Database) -> None:
    for _ in range(3):
        lived_in.write(app_in)
    clock.offset = (UNUSED_APP_DAYS + 1) * DAY
    assert lived_in.write(lambda db: sweep(db, 2)) == 2
    assert lived_in.write(lambda db: sweep(db, 2)) == 1
