"""indexes for a fair claim, and a channel's minimum gap between publishes

Adds only: the previous release's code runs on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WAITING = "state IN ('planned', 'retrying')"
FLYING = "action = 'publish' AND state IN ('claimed', 'sending')"


def upgrade() -> None:
    op.add_column("channels", sa.Column("min_gap_seconds", sa.Integer(), nullable=True))
    op.add_column("channels", sa.Column("publish_after", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_deliveries_waiting", "deliveries", ["next_at"], postgresql_where=WAITING)
    op.create_index(
        "ix_deliveries_lanes",
        "deliveries",
        ["channel_id", "action", "next_at", "due_at", "id"],
        postgresql_where=WAITING,
    )
    op.create_index("ix_deliveries_flying", "deliveries", ["channel_id"], postgresql_where=FLYING)


def downgrade() -> None:
    op.drop_index("ix_deliveries_flying", table_name="deliveries", postgresql_where=FLYING)
    op.drop_index("ix_deliveries_lanes", table_name="deliveries", postgresql_where=WAITING)
    op.drop_index("ix_deliveries_waiting", table_name="deliveries", postgresql_where=WAITING)
    op.drop_column("channels", "publish_after")
    op.drop_column("channels", "min_gap_seconds")
