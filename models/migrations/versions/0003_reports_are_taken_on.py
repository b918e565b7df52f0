"""Who has taken a report on, and what was done about one thing."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("assigned_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_foreign_key(batch_op.f("fk_reports_assigned_id"), "actors", ["assigned_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_reports_assigned_id"), ["assigned_id"])
    op.create_index("ix_audit_subject_id", "audit", ["subject", "id"])


def downgrade() -> None:
    op.drop_index("ix_audit_subject_id", "audit")
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reports_assigned_id"))
        batch_op.drop_constraint(batch_op.f("fk_reports_assigned_id"), type_="foreignkey")
        batch_op.drop_column("assigned_id")
