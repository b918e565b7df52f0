"""Calendars of others that a community shows; and in which municipality a meeting is."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("meetings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("municipality", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("meetings", schema=None) as batch_op:
        batch_op.alter_column("municipality", server_default=None)
    op.create_table(
        "outside_calendars",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("community_id", _ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("read_at", _TIME, nullable=True),
        sa.Column("next_at", _TIME, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["community_id"], ["actors.id"], name=op.f("fk_outside_calendars_community_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outside_calendars")),
        sa.UniqueConstraint("community_id", "url", name=op.f("uq_outside_calendars_community_id_url")),
    )
    op.create_index("ix_outside_calendars_next_at", "outside_calendars", ["next_at"], unique=False)
    op.create_table(
        "outside_meetings",
        sa.Column("calendar_id", _ID, autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("post_id", _ID, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["outside_calendars.id"], name=op.f("fk_outside_meetings_calendar_id")
        ),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_outside_meetings_post_id")),
        sa.PrimaryKeyConstraint("calendar_id", "key", name=op.f("pk_outside_meetings")),
    )
    op.create_index("ix_outside_meetings_post_id", "outside_meetings", ["post_id"], unique=False)


def downgrade() -> None:
    op.drop_table("outside_meetings")
    op.drop_table("outside_calendars")
    with op.batch_alter_table("meetings", schema=None) as batch_op:
        batch_op.drop_column("municipality")
