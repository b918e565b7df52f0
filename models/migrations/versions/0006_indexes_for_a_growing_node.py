"""Lists by votes and of communities cost the same, however much else there is."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

GROUPS = sa.text("type = 'Group'")


def upgrade() -> None:
    with op.batch_alter_table("posts", schema=None) as batch_op:
        batch_op.drop_index("ix_posts_kind_up_down_id")
        batch_op.create_index("ix_posts_kind_demerit_id", ["kind", "demerit", "id"], unique=False)
    with op.batch_alter_table("actors", schema=None) as batch_op:
        batch_op.create_index(
            "ix_actors_groups", ["local", "name"], unique=False, sqlite_where=GROUPS, postgresql_where=GROUPS
        )


def downgrade() -> None:
    with op.batch_alter_table("actors", schema=None) as batch_op:
        batch_op.drop_index("ix_actors_groups")
    with op.batch_alter_table("posts", schema=None) as batch_op:
        batch_op.drop_index("ix_posts_kind_demerit_id")
        batch_op.create_index("ix_posts_kind_up_down_id", ["kind", "up", "down", "id"], unique=False)
