"""What somebody gave, and the questions that wait, are found by themselves, however much else there is."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

GIVEN = sa.text("deleted_at IS NULL AND visibility IN ('public', 'unlisted') AND kind IN ('question', 'answer')")
CHOSEN = sa.text("accepted_id IS NOT NULL")
UNANSWERED = sa.text("kind = 'question' AND answer_count = 0 AND duplicate_of_id IS NULL")

INDEXES = (
    ("ix_posts_given", ["author_id", "kind", "id"], GIVEN),
    ("ix_posts_accepted_id", ["accepted_id"], CHOSEN),
    ("ix_posts_unanswered", ["kind", "answer_count", "id", "community_id"], UNANSWERED),
)


def upgrade() -> None:
    with op.batch_alter_table("posts", schema=None) as batch_op:
        for name, columns, where in INDEXES:
            batch_op.create_index(name, columns, unique=False, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    with op.batch_alter_table("posts", schema=None) as batch_op:
        for name, _, _ in reversed(INDEXES):
            batch_op.drop_index(name)
