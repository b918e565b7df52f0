"""Meetings, and who comes to them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)

_TEXTS = ("place", "street", "postal_code", "town", "accessibility")

INDEXES = {
    "meetings": (
        ("ix_meetings_starts_at_post_id", ["starts_at", "post_id"]),
        ("ix_meetings_ends_at_post_id", ["ends_at", "post_id"]),
        ("ix_meetings_series_id", ["series_id"]),
        ("ix_meetings_minutes_post_id", ["minutes_post_id"]),
    ),
    "meeting_attendees": (
        ("ix_meeting_attendees_post_id_state_number", ["post_id", "state", "number"]),
        ("ix_meeting_attendees_actor_id", ["actor_id"]),
        ("ix_meeting_attendees_join_uri", ["join_uri"]),
    ),
}


def upgrade() -> None:
    op.create_table(
        "meetings",
        sa.Column("post_id", _ID, autoincrement=False, nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("agenda", sa.Text(), nullable=False),
        sa.Column("starts_at", _TIME, nullable=False),
        sa.Column("ends_at", _TIME, nullable=False),
        sa.Column("open_end", sa.Boolean(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("online_url", sa.Text(), nullable=False),
        sa.Column("online_hidden", sa.Boolean(), nullable=False),
        sa.Column("joining", sa.Text(), nullable=False),
        sa.Column("join_url", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("by_like", sa.Boolean(), nullable=False),
        sa.Column("by_reply", sa.Boolean(), nullable=False),
        sa.Column("going", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("cancelled_at", _TIME, nullable=True),
        sa.Column("cancelled_why", sa.Text(), nullable=False),
        sa.Column("series_id", _ID, nullable=True),
        sa.Column("minutes_post_id", _ID, nullable=True),
        sa.Column("remind_hours", sa.Integer(), nullable=False),
        sa.Column("reminded_for", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["minutes_post_id"], ["posts.id"], name=op.f("fk_meetings_minutes_post_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_meetings_post_id")),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_meetings")),
    )
    op.create_table(
        "meeting_attendees",
        sa.Column("post_id", _ID, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("number", _ID, nullable=False),
        sa.Column("ways", sa.Integer(), nullable=False),
        sa.Column("join_uri", sa.Text(), nullable=False),
        sa.Column("reply_id", _ID, nullable=True),
        sa.Column("checked_in_at", _TIME, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_meeting_attendees_actor_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_meeting_attendees_post_id")),
        sa.PrimaryKeyConstraint("post_id", "actor_id", name=op.f("pk_meeting_attendees")),
    )
    for table, indexes in INDEXES.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, columns in indexes:
                batch_op.create_index(name, columns, unique=False)


def downgrade() -> None:
    for table in reversed(INDEXES):
        op.drop_table(table)
