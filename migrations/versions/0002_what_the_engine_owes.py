"""what the engine owes and knows

Works with the previous release's code: add first, remove one release later.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leftovers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("checkpoint", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(next_at IS NULL) = (outcome IS NOT NULL)", name=op.f("ck_leftovers_next_step")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_leftovers_channel_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_leftovers_delivery_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_leftovers_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leftovers")),
    )
    op.create_index(op.f("ix_leftovers_delivery_id"), "leftovers", ["delivery_id"], unique=False)
    op.create_index(
        "ix_leftovers_next", "leftovers", ["next_at"], unique=False, postgresql_where="next_at IS NOT NULL"
    )
    op.add_column("channels", sa.Column("token_next", sa.LargeBinary(), nullable=True))
    op.add_column("deliveries", sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_deliveries_needs_check",
        "deliveries",
        ["workspace_id", "id"],
        unique=False,
        postgresql_where="needs_check",
    )
    op.add_column("heartbeats", sa.Column("every_seconds", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("heartbeats", "every_seconds")
    op.drop_index("ix_deliveries_needs_check", table_name="deliveries", postgresql_where="needs_check")
    op.drop_column("deliveries", "prepared_at")
    op.drop_column("channels", "token_next")
    op.drop_index("ix_leftovers_next", table_name="leftovers", postgresql_where="next_at IS NOT NULL")
    op.drop_index(op.f("ix_leftovers_delivery_id"), table_name="leftovers")
    op.drop_table("leftovers")
