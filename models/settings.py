"""Facts about the node that live with its data: its name, its origin, what was done once."""

from typing import Any

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Json


class NodeSetting(Base):
    """One named value."""

    __tablename__ = "node_settings"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[Any] = mapped_column(Json)


def get(db: Session, name: str, default: Any = None) -> Any:
    """The value of `name`, or `default` where none was put."""
    row = db.get(NodeSetting, name)
    return default if row is None else row.value


def put(db: Session, name: str, value: Any) -> None:
    """Set `name` to a JSON value."""
    db.merge(NodeSetting(name=name, value=value))
    db.flush()
