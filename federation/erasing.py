"""What somebody who has left wrote, emptied in small steps: nobody waits for him at the database."""

from typing import Any

from sqlalchemy.orm import Session

from federation.context import Federation
from federation.crossing import writing
from models import actors, leaving


async def erase(fed: Federation, payload: dict[str, Any]) -> None:
    """The job `erase`: empty all posts of an actor who is gone, some in each transaction. Can be repeated."""
    actor_id = int(payload["actor"])

    def some(db: Session) -> bool:
        return leaving.erase(db, actors.get(db, actor_id))

    while await writing(fed.database, some):
        pass
