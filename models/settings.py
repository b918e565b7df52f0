"""Facts about the node that live with its data: its name, its origin, what was done once."""

from typing import Any

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json


class NodeSetting(Base):
    """One named value."""

    __tablename__ = "node_settings"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
