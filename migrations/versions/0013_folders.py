"""folders and tags of assets

Adds only: the previous release's code runs on.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("assets", sa.Column("folder", sa.Text(), server_default="", nullable=False))
    tags = sa.Column("tags", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
    op.add_column("assets", tags)
    op.create_index("ix_assets_folder", "assets", ["workspace_id", "folder", "id"])
    op.create_index(
        "ix_assets_tags",
        "assets",
        ["tags"],
        postgresql_using="gin",
        postgresql_ops={"tags": "jsonb_path_ops"},
    )
    op.create_index(
        "ix_assets_expires",
        "assets",
        ["workspace_id", "expires_at"],
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )


def downgrade() -> None:
    for name in ("ix_assets_expires", "ix_assets_tags", "ix_assets_folder"):
        op.drop_index(name, table_name="assets")
    op.drop_column("assets", "tags")
    op.drop_column("assets", "folder")
