"""Reports of experience, links between posts, and the list of KLE numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "kle_entries",
        sa.Column("number", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_kle_entries")),
    )
    op.create_table(
        "experience_people",
        sa.Column("post_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ask_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["actors.id"], name=op.f("fk_experience_people_actor_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_experience_people_post_id")),
        sa.PrimaryKeyConstraint("post_id", "actor_id", "role", name=op.f("pk_experience_people")),
    )
    with op.batch_alter_table("experience_people", schema=None) as batch_op:
        batch_op.create_index("ix_experience_people_actor_id", ["actor_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_experience_people_ask_id"), ["ask_id"], unique=False)

    op.create_table(
        "experience_states",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("post_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_experience_states_post_id")),
        sa.ForeignKeyConstraint(["source_id"], ["posts.id"], name=op.f("fk_experience_states_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experience_states")),
    )
    with op.batch_alter_table("experience_states", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_experience_states_post_id"), ["post_id"], unique=False)

    op.create_table(
        "experiences",
        sa.Column("post_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("obstacles", sa.Text(), nullable=False),
        sa.Column("barriers", sa.Integer(), nullable=False),
        sa.Column("rule_url", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("kle", sa.Text(), nullable=False),
        sa.Column("is_follow_up", sa.Boolean(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("example_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("example_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_experiences_post_id")),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_experiences")),
    )
    with op.batch_alter_table("experiences", schema=None) as batch_op:
        batch_op.create_index("ix_experiences_example_at", ["example_at"], unique=False)
        batch_op.create_index(
            "ix_experiences_gap", ["shown", "barriers", "phase", "outcome", "municipality"], unique=False
        )
        batch_op.create_index("ix_experiences_shown_post_id", ["shown", "post_id"], unique=False)

    op.create_table(
        "post_links",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("from_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tie", sa.Text(), nullable=False),
        sa.Column("to_uri", sa.Text(), nullable=False),
        sa.Column("to_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["from_id"], ["posts.id"], name=op.f("fk_post_links_from_id")),
        sa.ForeignKeyConstraint(["to_id"], ["posts.id"], name=op.f("fk_post_links_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_links")),
        sa.UniqueConstraint("from_id", "tie", "to_uri", name=op.f("uq_post_links_from_id_tie_to_uri")),
    )
    with op.batch_alter_table("post_links", schema=None) as batch_op:
        batch_op.create_index("ix_post_links_to_id_tie", ["to_id", "tie"], unique=False)
        batch_op.create_index("ix_post_links_to_uri", ["to_uri"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("post_links", schema=None) as batch_op:
        batch_op.drop_index("ix_post_links_to_uri")
        batch_op.drop_index("ix_post_links_to_id_tie")

    op.drop_table("post_links")
    with op.batch_alter_table("experiences", schema=None) as batch_op:
        batch_op.drop_index("ix_experiences_shown_post_id")
        batch_op.drop_index("ix_experiences_gap")
        batch_op.drop_index("ix_experiences_example_at")

    op.drop_table("experiences")
    with op.batch_alter_table("experience_states", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_experience_states_post_id"))

    op.drop_table("experience_states")
    with op.batch_alter_table("experience_people", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_experience_people_ask_id"))
        batch_op.drop_index("ix_experience_people_actor_id")

    op.drop_table("experience_people")
    op.drop_table("kle_entries")
