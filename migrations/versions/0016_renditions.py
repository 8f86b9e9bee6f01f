"""renditions of assets

Works with the previous release's code: originals are as unique as they were, and it knows no others.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("assets", sa.Column("derived_from", sa.Uuid(), nullable=True))
    op.add_column("assets", sa.Column("rendition_key", sa.String(64), nullable=True))
    op.create_foreign_key(
        "fk_assets_derived_from", "assets", "assets", ["derived_from"], ["id"], ondelete="CASCADE"
    )
    op.create_unique_constraint(
        "uq_assets_derived_from_rendition_key", "assets", ["derived_from", "rendition_key"]
    )
    op.create_index(
        "uq_assets_content",
        "assets",
        ["workspace_id", "sha256"],
        unique=True,
        postgresql_where=sa.text("derived_from IS NULL"),
    )
    op.drop_constraint("uq_assets_workspace_id_sha256", "assets", type_="unique")
    op.create_table(
        "renditions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("target", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("made_id", sa.Uuid(), nullable=True),
        sa.Column("error", postgresql.JSONB(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_renditions_workspace_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.id"], name="fk_renditions_asset_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_renditions"),
        sa.UniqueConstraint("asset_id", "key", name="uq_renditions_asset_id_key"),
    )
    op.create_index(
        "ix_renditions_next", "renditions", ["next_at"], postgresql_where=sa.text("state = 'pending'")
    )


def downgrade() -> None:
    op.drop_table("renditions")
    op.execute("DELETE FROM assets WHERE derived_from IS NOT NULL")
    op.create_unique_constraint("uq_assets_workspace_id_sha256", "assets", ["workspace_id", "sha256"])
    op.drop_index("uq_assets_content", table_name="assets")
    op.drop_constraint("uq_assets_derived_from_rendition_key", "assets", type_="unique")
    op.drop_constraint("fk_assets_derived_from", "assets", type_="foreignkey")
    op.drop_column("assets", "rendition_key")
    op.drop_column("assets", "derived_from")
