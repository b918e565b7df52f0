"""Rules about other servers as files and from shared lists: shown before they hold, and never more than was said."""

import re

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.shared_lists import read_domain_list
from models import domain_csv, domain_lists, domains, jobs, moderation
from models.base import clock
from models.domain_lists import DomainList, DomainListRule
from models.errors import Invalid
from models.jobs import Job
from models.moderation import audit_log
from tests.federation.elsewhere import federation_with, remote
from tests.server.page_queries import queries
from tests.server.visiting import Visiting, person, words

pytestmark = pytest.mark.anyio

HEAD = "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n"
LIST = "https://lister.example/tier0.csv"
TABLE = HEAD + "evil.example,suspend,False,False,Spam,False\nloud.example,silence,False,False,,False\n"


def rules(visiting: Visiting) -> dict[str, str]:
    with visiting.database.reading() as db:
        return {rule.domain: rule.action for rule in domains.rules(db)}


def offer(visiting: Visiting, text: str | bytes, *, status: int = 200, kind: str = "text/csv") -> None:
    """What the list's server answers from now on."""

    async def say(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=text, headers={"Content-Type": kind})

    visiting.elsewhere.answers["lister.example"] = say


def subscribe(visiting: Visiting, url: str = LIST) -> int:
    return visiting.database.write(lambda db: domain_lists.subscribe(db, url, by=person(db, "anna")).id)


async def read(visiting: Visiting, list_id: int) -> DomainList:
    await read_domain_list(federation_with(visiting.database, visiting.elsewhere), {"list": list_id})
    with visiting.database.reading() as db:
        return domain_lists.get(db, list_id)


def confirm(visiting: Visiting, list_id: int) -> None:
    def say_yes(db: Session) -> None:
        read_at = domain_lists.get(db, list_id).read_at
        assert read_at is not None
        domain_lists.confirm(db, list_id, read_at.isoformat(), by=person(db, "anna"))

    visiting.database.write(say_yes)


async def in_force(visiting: Visiting, table: str = TABLE) -> int:
    """A list that was read and confirmed."""
    offer(visiting, table)
    number = subscribe(visiting)
    await read(visiting, number)
    confirm(visiting, number)
    return number


@pytest.mark.parametrize("username", ["birk", "camilla"])
async def test_only_administrators_find_them(visiting: Visiting, username: str) -> None:
    number = await in_force(visiting)
    async with visiting.browser(username) as browser:
        for path in ("/admin/lists", f"/admin/lists/{number}", "/admin/domains/export", "/admin/domains/import"):
            assert (await browser.open(path)).status_code == 404
        for path in (
            "/admin/lists",
            f"/admin/lists/{number}/remove",
            f"/admin/lists/{number}/confirm",
            f"/admin/lists/{number}/read",
            "/admin/domains/import",
            "/admin/domains/import/confirm",
        ):
            assert (await browser.send(path, url="https://other.example/x.csv")).status_code == 404
    assert rules(visiting) == {"evil.example": "block", "loud.example": "limit"}


# Files


def test_what_is_written_reads_back_the_same(visiting: Visiting) -> None:
    def decide(db: Session) -> str:
        moderation.set_rule(db, "evil.example", "block", 'Spam, "og" mere')
        moderation.set_rule(db, "loud.example", "limit")
        moderation.set_rule(db, "good.example", "allow")
        return domain_csv.write(domains.rules(db))

    written = visiting.database.write(decide)
    assert written.splitlines()[0] == HEAD.strip()
    assert {name: (one.action, one.reason) for name, one in domain_csv.read(written.encode()).rules.items()} == {
        "evil.example": ("block", 'Spam, "og" mere'),
        "loud.example": ("limit", ""),
    }


def test_lines_that_are_no_rules_here_are_left_out_and_of_two_the_stricter_holds() -> None:
    table = domain_csv.read(
        (
            HEAD + "a.example,silence,,,,\nA.EXAMPLE.,suspend,,,,\na.example,silence,,,,\n"
            "skj*lt.example,suspend,,,,\nhttps://x.example/,suspend,,,,\nn.example,noop,,,,\ndk,suspend,,,,\n\n"
        ).encode()
    )
    assert {name: one.action for name, one in table.rules.items()} == {"a.example": "block"}
    assert table.skipped == 4


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD.encode(),
        b"<html></html>",
        b"\xff\xfe",
        b"domain\n\x00.example",
        b"evil.example,suspend",
        b"#domain\n" + b"x" * 1_000_000,
        b"#domain\n" + b"".join(b"d%d.example\n" % one for one in range(20_001)),
        b'#domain\n"' + b"x" * 200_000,
    ],
)
def test_what_is_no_such_table_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        domain_csv.read(data)


def test_a_reason_is_no_formula_to_a_spreadsheet(visiting: Visiting) -> None:
    visiting.database.write(lambda db: moderation.set_rule(db, "evil.example", "block", '=HYPERLINK("x")'))
    with visiting.database.reading() as db:
        assert ',"=' not in domain_csv.write(domains.rules(db))


async def test_the_rules_are_taken_along_as_a_file(visiting: Visiting) -> None:
    visiting.database.write(lambda db: moderation.set_rule(db, "evil.example", "block", "Spam"))
    async with visiting.browser("anna") as anna:
        answer = await anna.open("/admin/domains/export")
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="a.example-domain-blocks.csv"' in answer.headers["content-disposition"]
    assert "evil.example,suspend,False,False,Spam,False" in answer.text


async def test_a_file_is_shown_before_it_holds(visiting: Visiting) -> None:
    visiting.database.write(lambda db: moderation.set_rule(db, "loud.example", "allow"))
    async with visiting.browser("anna") as anna:
        page = await send_file(anna.http, anna.token, TABLE + "a.example,suspend,,,,\n")
        assert page.headers["location"] == "/admin/domains/import"
        assert rules(visiting) == {"loud.example": "allow"}
        html = await anna.read("/admin/domains/import")
        for part in ("1 ny regel", "evil.example", "1 af jeres egne regler", "Denne server står selv"):
            assert part in words(html)
        seen = html.partition('name="seen" value="')[2].partition('"')[0]
        assert (await anna.send("/admin/domains/import/confirm", seen="1")).status_code == 409
        assert rules(visiting) == {"loud.example": "allow"}
        await anna.succeed("/admin/domains/import/confirm", seen=seen)
        assert rules(visiting) == {"loud.example": "allow", "evil.example": "block"}
        assert (await anna.send("/admin/domains/import/confirm", seen=seen)).status_code == 404
        assert anna.do(lambda db: len(audit_log(db, action="domain.import"))) == 1


async def test_of_a_file_that_is_cancelled_nothing_comes(visiting: Visiting) -> None:
    async with visiting.browser("anna") as anna:
        await send_file(anna.http, anna.token, TABLE)
        await anna.succeed("/admin/domains/import/confirm", drop="1")
        assert (await anna.open("/admin/domains/import")).status_code == 404
    assert rules(visiting) == {}


@pytest.mark.parametrize("text", ["", "hej", HEAD, "\x00"])
async def test_a_file_that_is_none_is_told(visiting: Visiting, text: str) -> None:
    async with visiting.browser("anna") as anna:
        answer = await send_file(anna.http, anna.token, text)
        assert answer.status_code == 422
        assert 'class="form-error-message"' in answer.text
        assert (await anna.open("/admin/domains/import")).status_code == 404


async def send_file(http: httpx.AsyncClient, token: str, text: str) -> httpx.Response:
    return await http.post(
        "/admin/domains/import",
        data={"token": token},
        files={"file": ("x.csv", text.encode(), "text/csv")},
        headers={"Origin": "https://a.example", "Accept": "text/html"},
    )


# Shared lists


async def test_nothing_of_a_list_holds_before_somebody_said_yes(visiting: Visiting) -> None:
    offer(visiting, TABLE)
    async with visiting.browser("anna") as anna:
        where = await anna.succeed("/admin/lists", url=LIST)
        assert anna.do(lambda db: db.scalars(select(Job.payload).where(Job.kind == "read_domain_list")).one())
        await read(visiting, int(where.rpartition("/")[2]))
        assert rules(visiting) == {}
        html = await anna.read(where)
        assert "2 nye regler" in words(html)
        seen = html.partition('name="seen" value="')[2].partition('"')[0]
        assert (await anna.send(f"{where}/confirm", seen="x")).status_code == 409
        assert rules(visiting) == {}
        await anna.succeed(f"{where}/confirm", seen=seen)
        assert rules(visiting) == {"evil.example": "block", "loud.example": "limit"}
        assert "fra lister.example" in words(await anna.read("/admin/domains"))


async def test_a_list_that_was_read_anew_must_be_looked_at_anew(visiting: Visiting) -> None:
    offer(visiting, TABLE)
    number = subscribe(visiting)
    seen = (await read(visiting, number)).read_at
    assert seen is not None
    offer(visiting, TABLE + "friend.example,suspend,,,,\n")
    await read(visiting, number)
    async with visiting.browser("anna") as anna:
        assert (await anna.send(f"/admin/lists/{number}/confirm", seen=seen.isoformat())).status_code == 409
    assert rules(visiting) == {}


async def test_what_changes_in_a_confirmed_list_takes_hold_for_those_known_from_there(visiting: Visiting) -> None:
    visiting.database.write(lambda db: remote(db, "sub.new.example", "ida"))
    number = await in_force(visiting)
    offer(visiting, HEAD + "loud.example,suspend,,,,\nnew.example,silence,,,,\n")
    await read(visiting, number)
    assert rules(visiting) == {"loud.example": "block", "new.example": "limit"}
    with visiting.database.reading() as db:
        assert remote_standing(db, "sub.new.example") == "limited"


def remote_standing(db: Session, domain: str) -> str:
    from models.actors import Actor

    return db.scalars(select(Actor.standing).where(Actor.domain == domain)).one()


async def test_our_own_rules_win_and_come_back_to_the_list_when_they_are_lifted(visiting: Visiting) -> None:
    visiting.database.write(lambda db: moderation.set_rule(db, "evil.example", "allow"))
    await in_force(visiting)
    assert rules(visiting) == {"evil.example": "allow", "loud.example": "limit"}
    visiting.database.write(lambda db: moderation.set_rule(db, "loud.example", "allow"))
    assert rules(visiting)["loud.example"] == "allow"
    visiting.database.write(lambda db: moderation.drop_rule(db, "evil.example"))
    assert rules(visiting) == {"evil.example": "block", "loud.example": "allow"}


async def test_a_rule_of_a_list_is_not_lifted_by_hand(visiting: Visiting) -> None:
    await in_force(visiting)
    async with visiting.browser("anna") as anna:
        assert (await anna.send("/admin/domains/drop", domain="evil.example")).status_code == 409
    assert rules(visiting) == {"evil.example": "block", "loud.example": "limit"}


async def test_without_a_list_its_rules_are_gone_and_no_others(visiting: Visiting) -> None:
    number = await in_force(visiting)
    offer(visiting, HEAD + "loud.example,suspend,,,,\n")
    other = subscribe(visiting, "https://lister.example/other.csv")
    await read(visiting, other)
    confirm(visiting, other)
    visiting.database.write(lambda db: moderation.set_rule(db, "ours.example", "block"))
    assert rules(visiting) == {"evil.example": "block", "loud.example": "block", "ours.example": "block"}
    async with visiting.browser("anna") as anna:
        await anna.succeed(f"/admin/lists/{number}/remove")
        assert (await anna.open(f"/admin/lists/{number}")).status_code == 404
    assert rules(visiting) == {"loud.example": "block", "ours.example": "block"}
    with visiting.database.reading() as db:
        assert {row.list_id for row in db.scalars(select(DomainListRule))} == {other}


async def test_a_list_never_shuts_us_out_of_our_own_house(visiting: Visiting) -> None:
    await in_force(visiting, TABLE + "a.example,suspend,,,,\n")
    assert "a.example" not in rules(visiting)


@pytest.mark.parametrize(
    ("text", "status", "kind"),
    [
        ("", 404, "text/csv"),
        ("", 500, "text/csv"),
        (TABLE, 200, "text/html"),
        (TABLE, 200, "application/json"),
        ("<html>", 200, "text/csv"),
        (HEAD, 200, "text/csv"),
        (HEAD + "x" * 1_100_000, 200, "text/csv"),
        (b"\xff\xfe\x00", 200, "text/plain"),
    ],
)
async def test_a_list_that_cannot_be_read_keeps_its_rules_and_says_why(
    visiting: Visiting, text: str | bytes, status: int, kind: str
) -> None:
    number = await in_force(visiting)
    offer(visiting, text, status=status, kind=kind)
    row = await read(visiting, number)
    assert row.error
    assert rules(visiting) == {"evil.example": "block", "loud.example": "limit"}
    async with visiting.browser("anna") as anna:
        assert "Sidste forsøg mislykkedes" in words(await anna.read(f"/admin/lists/{number}"))
        assert "Sidste forsøg mislykkedes" in words(await anna.read("/admin/lists"))
    offer(visiting, TABLE)
    assert (await read(visiting, number)).error == ""


async def test_a_server_that_is_gone_or_sends_us_elsewhere_drops_no_rule(visiting: Visiting) -> None:
    number = await in_force(visiting)
    visiting.elsewhere.dead("lister.example")
    assert (await read(visiting, number)).error

    async def inwards(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": "https://127.0.0.1/list.csv"})

    visiting.elsewhere.answers["lister.example"] = inwards
    assert (await read(visiting, number)).error
    assert rules(visiting) == {"evil.example": "block", "loud.example": "limit"}


async def test_lists_are_read_daily(visiting: Visiting, monkeypatch: pytest.MonkeyPatch) -> None:
    def waiting(db: Session) -> int:
        return len(db.scalars(select(Job.id).where(Job.kind == "read_domain_list")).all())

    number = await in_force(visiting)
    visiting.database.write(lambda db: [jobs.finish(db, id) for id in db.scalars(select(Job.id))])
    assert visiting.database.write(domain_lists.promise_due) == 0
    monkeypatch.setattr(clock, "offset", clock.offset + 25 * 3600)
    assert visiting.database.write(domain_lists.promise_due) == 1
    assert visiting.database.write(domain_lists.promise_due) == 0
    assert visiting.database.write(waiting) == 1
    async with visiting.browser("anna") as anna:
        await anna.succeed(f"/admin/lists/{number}/read")
    assert visiting.database.write(waiting) == 1


@pytest.mark.alike
@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "http://lister.example/a.csv",
        "ftp://lister.example/",
        "https://",
        "javascript:alert(1)",
        "https://x" * 400,
    ],
)
async def test_an_address_that_is_none_is_told(visiting: Visiting, url: str) -> None:
    async with visiting.browser("anna") as anna:
        answer = await anna.send("/admin/lists", url=url)
        assert answer.status_code == 422
        assert 'class="form-error-message"' in answer.text
        assert anna.do(lambda db: db.scalars(select(DomainList)).all()) == []


async def test_a_list_is_there_once(visiting: Visiting) -> None:
    subscribe(visiting)
    async with visiting.browser("anna") as anna:
        assert (await anna.send("/admin/lists", url=LIST)).status_code == 409
        assert len(anna.do(lambda db: db.scalars(select(DomainList)).all())) == 1


async def test_pages_take_as_many_queries_for_long_lists_as_for_short_ones(visiting: Visiting) -> None:
    number = await in_force(visiting)
    async with visiting.browser("anna") as anna:
        few = [await queries(anna, path) for path in ("/admin/domains", "/admin/lists", f"/admin/lists/{number}")]
        offer(visiting, HEAD + "".join(f"d{one}.example,suspend,,,,\n" for one in range(300)))
        await read(visiting, number)
        page = await anna.read("/admin/domains")
        assert len(re.findall(r"d\d+\.example</", page)) >= 300
        assert [
            await queries(anna, path) for path in ("/admin/domains", "/admin/lists", f"/admin/lists/{number}")
        ] == few
