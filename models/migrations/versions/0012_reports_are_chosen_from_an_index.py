"""All that reports are chosen and counted by stands in indexes, so that a rare choice does not read the texts of all."""

from alembic import op

revision = "0012"
down_revision = "0011"

CHOSEN_BY = ["post_id", "is_follow_up", "shown", "barriers", "phase", "outcome", "municipality", "kle"]
COUNTED_BY = ["shown", "barriers", "phase", "outcome", "municipality"]


def upgrade() -> None:
    with op.batch_alter_table("experiences", schema=None) as batch_op:
        batch_op.drop_index("ix_experiences_shown_post_id")
        batch_op.drop_index("ix_experiences_gap")
        batch_op.create_index("ix_experiences_gap", [*COUNTED_BY, "kle"], unique=False)
        batch_op.create_index("ix_experiences_choice", CHOSEN_BY, unique=False)


def downgrade() -> None:
    with op.batch_alter_table("experiences", schema=None) as batch_op:
        batch_op.drop_index("ix_experiences_choice")
        batch_op.drop_index("ix_experiences_gap")
        batch_op.create_index("ix_experiences_gap", COUNTED_BY, unique=False)
        batch_op.create_index("ix_experiences_shown_post_id", ["shown", "post_id"], unique=False)
