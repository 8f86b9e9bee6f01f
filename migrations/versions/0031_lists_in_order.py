"""lists in order

Works with the previous release's code: indexes only.
"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_calendar_days_list": "calendar_days",
    "ix_conversions_list": "conversions",
    "ix_members_list": "members",
    "ix_review_assignments_workspace": "review_assignments",  # its _list begins with the reviewer
}


def upgrade() -> None:
    for name, table in INDEXES.items():
        op.create_index(name, table, ["workspace_id", "id"])


def downgrade() -> None:
    for name, table in INDEXES.items():
        op.drop_index(name, table_name=table)
