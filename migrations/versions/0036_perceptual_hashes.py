"""what pictures look like, and which posts show a file

The previous release's code leaves the column empty; the scheduler fills it. While an index is built, its table takes no
writes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("assets", sa.Column("perceptual_hash", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_assets_perceptual_hash",
        "assets",
        ["workspace_id", "perceptual_hash", "id"],
        postgresql_where="perceptual_hash IS NOT NULL AND derived_from IS NULL",
    )
    op.execute(
        "CREATE INDEX ix_posts_asset_ids ON posts USING gin "
        "(jsonb_path_query_array(content, '$.**.\"asset_ids\"[*]'::jsonpath) jsonb_path_ops)"
    )


def downgrade() -> None:
    op.drop_index("ix_posts_asset_ids", table_name="posts")
    op.drop_index("ix_assets_perceptual_hash", table_name="assets")
    op.drop_column("assets", "perceptual_hash")
