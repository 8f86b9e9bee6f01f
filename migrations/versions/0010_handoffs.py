"""handoffs: owner, deadline, and since when one is late

Adds only: the previous release's code runs on. What it hands over meanwhile has no owner, and reads so.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channels", sa.Column("handoff_owner_id", sa.Uuid(), nullable=True))
    op.add_column("channels", sa.Column("handoff_within_seconds", sa.Integer(), nullable=True))
    op.create_foreign_key(
        op.f("fk_channels_handoff_owner_id"), "channels", "members", ["handoff_owner_id"], ["id"]
    )
    op.add_column("deliveries", sa.Column("owner_id", sa.Uuid(), nullable=True))
    op.add_column("deliveries", sa.Column("deadline", sa.DateTime(timezone=True), nullable=True))
    op.add_column("deliveries", sa.Column("late_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(op.f("fk_deliveries_owner_id"), "deliveries", "members", ["owner_id"], ["id"])
    op.create_index(
        "ix_deliveries_owner", "deliveries", ["owner_id", "id"], postgresql_where="owner_id IS NOT NULL"
    )
    op.create_index(
        "ix_deliveries_late", "deliveries", ["workspace_id", "id"], postgresql_where="late_at IS NOT NULL"
    )
    op.create_index("ix_deliveries_handoff", "deliveries", ["deadline"], postgresql_where="state = 'handoff'")
    # What waits for a person already: whoever planned it owns it, from now on.
    op.execute("""
        UPDATE deliveries SET owner_id = created_by, deadline = now() + interval '2 hours',
            next_at = now() + interval '1 hour'
        WHERE state = 'handoff'
    """)


def downgrade() -> None:
    op.execute("UPDATE deliveries SET next_at = NULL WHERE state = 'handoff'")
    op.drop_index("ix_deliveries_handoff", table_name="deliveries", postgresql_where="state = 'handoff'")
    op.drop_index("ix_deliveries_late", table_name="deliveries", postgresql_where="late_at IS NOT NULL")
    op.drop_index("ix_deliveries_owner", table_name="deliveries", postgresql_where="owner_id IS NOT NULL")
    op.drop_constraint(op.f("fk_deliveries_owner_id"), "deliveries", type_="foreignkey")
    op.drop_column("deliveries", "late_at")
    op.drop_column("deliveries", "deadline")
    op.drop_column("deliveries", "owner_id")
    op.drop_constraint(op.f("fk_channels_handoff_owner_id"), "channels", type_="foreignkey")
    op.drop_column("channels", "handoff_within_seconds")
    op.drop_column("channels", "handoff_owner_id")
