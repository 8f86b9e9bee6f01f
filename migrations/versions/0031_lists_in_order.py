"""lists in order

Works with the previous release's code: indexes only.
"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TABLES = ("calendar_days", "conversions", "members")


def upgrade() -> None:
    for table in TABLES:
        op.create_index(f"ix_{table}_list", table, ["workspace_id", "id"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_list", table_name=table)
