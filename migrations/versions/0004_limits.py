"""rate budgets, breakers, and an index for quotas

Works with the previous release's code: add first, remove one release later.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate_budgets",
        sa.Column("key", sa.String(length=600), nullable=False),
        sa.Column("tat", sa.DateTime(timezone=True), nullable=True),
        sa.Column("promised_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_budgets")),
    )
    op.create_table(
        "breakers",
        sa.Column("key", sa.String(length=600), nullable=False),
        sa.Column("faults", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rests", sa.Integer(), nullable=False),
        sa.Column("firsts", sa.Integer(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_breakers")),
    )
    op.create_index("ix_deliveries_channel_due", "deliveries", ["channel_id", "due_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_deliveries_channel_due", table_name="deliveries")
    op.drop_table("breakers")
    op.drop_table("rate_budgets")
