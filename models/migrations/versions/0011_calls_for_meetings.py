"""Questions that call for a meeting, and who would come."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
INDEXES = (
    ("ix_meeting_call_people_actor_id", ["actor_id"]),
    ("ix_meeting_call_people_join_uri", ["join_uri"]),
)


def upgrade() -> None:
    op.create_table(
        "meeting_calls",
        sa.Column("post_id", _ID, autoincrement=False, nullable=False),
        sa.Column("called_by_id", _ID, nullable=True),
        sa.Column("coming", sa.Integer(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["called_by_id"], ["actors.id"], name=op.f("fk_meeting_calls_called_by_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_meeting_calls_post_id")),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_meeting_calls")),
    )
    op.create_table(
        "meeting_call_people",
        sa.Column("post_id", _ID, nullable=False),
        sa.Column("actor_id", _ID, nullable=False),
        sa.Column("ways", sa.Integer(), nullable=False),
        sa.Column("join_uri", sa.Text(), nullable=False),
        sa.Column("reply_id", _ID, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_meeting_call_people_actor_id")),
        sa.ForeignKeyConstraint(["post_id"], ["meeting_calls.post_id"], name=op.f("fk_meeting_call_people_post_id")),
        sa.PrimaryKeyConstraint("post_id", "actor_id", name=op.f("pk_meeting_call_people")),
    )
    with op.batch_alter_table("meeting_call_people", schema=None) as batch_op:
        for name, columns in INDEXES:
            batch_op.create_index(name, columns, unique=False)


def downgrade() -> None:
    op.drop_table("meeting_call_people")
    op.drop_table("meeting_calls")
