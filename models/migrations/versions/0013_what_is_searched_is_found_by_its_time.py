"""The newest of a word are found without reading all that hold it (PostgreSQL), and what waits for an answer by its
community; what people gave is counted without being read."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

GIVEN = sa.text("deleted_at IS NULL AND visibility IN ('public', 'unlisted') AND kind IN ('question', 'answer')")
CHOSEN = sa.text("accepted_id IS NOT NULL")
UNANSWERED = sa.text("kind = 'question' AND answer_count = 0 AND duplicate_of_id IS NULL")

SPANS = (
    "ARRAY[(id >> 44) + 46137344, (id >> 47) + 49283072, (id >> 50) + 52428800, (id >> 53) + 55574528, "
    "(id >> 56) + 58720256, (id >> 59) + 61865984, (id >> 62) + 65011712]"
)
TITLE = "ts_filter(stems, '{a}')"


def _index(name: str, columns: list[str], where: sa.TextClause) -> None:
    with op.batch_alter_table("posts", schema=None) as batch_op:
        batch_op.create_index(name, columns, unique=False, sqlite_where=where, postgresql_where=where)


def _drop(*names: str) -> None:
    with op.batch_alter_table("posts", schema=None) as batch_op:
        for name in names:
            batch_op.drop_index(name)


def _search_by(columns: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    for table in ("post_index", "actor_index"):
        op.execute(f"DROP INDEX ix_{table}_stems")
        op.execute(f"CREATE INDEX ix_{table}_stems ON {table} USING gin ({columns}) WITH (fastupdate = off)")


def upgrade() -> None:
    _drop("ix_posts_given", "ix_posts_accepted_id")
    _index("ix_posts_given", ["author_id", "kind", "id", "thread_id"], GIVEN)
    _index("ix_posts_accepted_id", ["accepted_id", "id"], CHOSEN)
    _index("ix_posts_waiting", ["community_id", "kind", "answer_count", "id"], UNANSWERED)
    _search_by(f"stems, ({SPANS}), ({TITLE})")


def downgrade() -> None:
    _search_by("stems")
    _drop("ix_posts_waiting", "ix_posts_accepted_id", "ix_posts_given")
    _index("ix_posts_accepted_id", ["accepted_id"], CHOSEN)
    _index("ix_posts_given", ["author_id", "kind", "id"], GIVEN)
