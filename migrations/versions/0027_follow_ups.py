"""follow-ups: which delivery another one follows, in a thread or as its first comment

Adds only. The previous release's code plans none; one that it claims meanwhile it gives up as unknown, having sent nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("follows_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_deliveries_follows_id"), "deliveries", "deliveries", ["follows_id"], ["id"]
    )
    op.create_index(
        "uq_deliveries_follows",
        "deliveries",
        ["follows_id"],
        unique=True,
        postgresql_where="follows_id IS NOT NULL",
    )


def downgrade() -> None:
    op.drop_index("uq_deliveries_follows", table_name="deliveries", postgresql_where="follows_id IS NOT NULL")
    op.drop_constraint(op.f("fk_deliveries_follows_id"), "deliveries", type_="foreignkey")
    op.drop_column("deliveries", "follows_id")
