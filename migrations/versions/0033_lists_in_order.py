"""lists in order

Works with the previous release's code: indexes only. That of fingerprints keeps less unsorted, which every look-up would read.
"""

from alembic import op

revision = "0033"
down_revision = "0032"
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
    op.execute("ALTER INDEX ix_fingerprints_bands SET (gin_pending_list_limit = 256)")


def downgrade() -> None:
    op.execute("ALTER INDEX ix_fingerprints_bands RESET (gin_pending_list_limit)")
    for name, table in INDEXES.items():
        op.drop_index(name, table_name=table)
