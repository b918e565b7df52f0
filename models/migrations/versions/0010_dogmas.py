"""Dogmas, their versions, and who endorses them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "dogmas",
        sa.Column("post_id", ID, autoincrement=False, nullable=False),
        sa.Column("scope_id", ID, nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", ID, nullable=True),
        sa.Column("decided_through", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("vote_id", ID, nullable=True),
        sa.Column("vote_minimum", sa.Integer(), nullable=False),
        sa.Column("endorsed_elsewhere", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["decided_by_id"], ["actors.id"], name=op.f("fk_dogmas_decided_by_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_dogmas_post_id")),
        sa.ForeignKeyConstraint(["scope_id"], ["actors.id"], name=op.f("fk_dogmas_scope_id")),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_dogmas")),
        sa.UniqueConstraint("scope_id", "number", name=op.f("uq_dogmas_scope_id_number")),
    )
    with op.batch_alter_table("dogmas", schema=None) as batch_op:
        batch_op.create_index("ix_dogmas_status_post_id", ["status", "post_id"], unique=False)
        batch_op.create_index("ix_dogmas_vote_id", ["vote_id"], unique=False)

    op.create_table(
        "dogma_versions",
        sa.Column("post_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["actors.id"], name=op.f("fk_dogma_versions_by_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_dogma_versions_post_id")),
        sa.PrimaryKeyConstraint("post_id", "version", name=op.f("pk_dogma_versions")),
    )
    op.create_table(
        "dogma_endorsements",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("said_as", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_dogma_endorsements_actor_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_dogma_endorsements_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dogma_endorsements")),
        sa.UniqueConstraint("post_id", "actor_id", name=op.f("uq_dogma_endorsements_post_id_actor_id")),
    )
    with op.batch_alter_table("dogma_endorsements", schema=None) as batch_op:
        batch_op.create_index("ix_dogma_endorsements_actor_id_id", ["actor_id", "id"], unique=False)
        batch_op.create_index("ix_dogma_endorsements_post_id_said_as_id", ["post_id", "said_as", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("dogma_endorsements", schema=None) as batch_op:
        batch_op.drop_index("ix_dogma_endorsements_post_id_said_as_id")
        batch_op.drop_index("ix_dogma_endorsements_actor_id_id")

    op.drop_table("dogma_endorsements")
    op.drop_table("dogma_versions")
    with op.batch_alter_table("dogmas", schema=None) as batch_op:
        batch_op.drop_index("ix_dogmas_vote_id")
        batch_op.drop_index("ix_dogmas_status_post_id")

    op.drop_table("dogmas")
