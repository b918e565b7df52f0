"""Facts about the node that live with its data: its name, its origin, what was done once."""

from typing import Any

from sqlalchemy import Text, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import quick
from models.base import Base, Json, table_of


class NodeSetting(Base):
    """One named value."""

    __tablename__ = "node_settings"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[Any] = mapped_column(Json)


def get(db: Session, name: str, default: Any = None) -> Any:
    """The value of `name`, or `default` where none was put."""
    found = quick.rows(db, _VALUE, {"asked": name})
    return found[0][0] if found else default


_settings = table_of(NodeSetting).c
_VALUE = select(_settings.value).where(_settings.name == bindparam("asked"))


def put(db: Session, name: str, value: Any) -> None:
    """Set `name` to a JSON value."""
    db.merge(NodeSetting(name=name, value=value))
    db.flush()
