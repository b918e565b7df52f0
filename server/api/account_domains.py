"""The domains that the caller wants nothing of."""

from msgspec import Struct
from sqlalchemy.orm import Session

from models import account_domains
from server.api.arguments import Paged
from server.api.calls import Call, endpoint
from server.api.paging import Page


class Domain(Struct, kw_only=True):
    """A domain, as it stands in handles."""

    domain: str


class Done(Struct):
    """Nothing to say: `{}`."""


@endpoint("read:blocks", Paged, list[str])
async def listing(call: Call, args: Paged) -> Page[str]:
    """`GET /api/v1/domain_blocks`."""

    def look(db: Session) -> Page[str]:
        rows = account_domains.of(db, call.me.id, args.window(100, 200))
        return Page.of([row.domain for row in rows], [row.id for row in rows])

    return await call.read(look)


@endpoint("write:blocks", Domain, Done)
async def block(call: Call, args: Domain) -> Done:
    """`POST /api/v1/domain_blocks`: also drops the followers who are there."""
    await call.write(lambda db, me: account_domains.block(db, me, args.domain))
    return Done()


@endpoint("write:blocks", Domain, Done)
async def unblock(call: Call, args: Domain) -> Done:
    """`DELETE /api/v1/domain_blocks`."""
    await call.write(lambda db, me: account_domains.unblock(db, me, args.domain))
    return Done()
