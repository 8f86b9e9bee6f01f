"""warnings of licences that end

Adds only: the previous release's code runs on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "licence_warnings",
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.id"], name=op.f("fk_licence_warnings_asset_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_licence_warnings_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("asset_id", "days", name=op.f("pk_licence_warnings")),
    )
    op.create_index(
        "ix_assets_ending", "assets", ["expires_at"], postgresql_where=sa.text("expires_at IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_assets_ending", table_name="assets")
    op.drop_table("licence_warnings")
