"""kinds of assets: their length and codecs, and sizes over 2 GiB

Works with the previous release's code: it stores pictures only, which is what the defaults say.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("assets", sa.Column("kind", sa.String(64), server_default="image", nullable=False))
    op.add_column("assets", sa.Column("duration_ms", sa.Integer(), nullable=True))
    codecs = sa.Column("codecs", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
    op.add_column("assets", codecs)
    op.alter_column(
        "assets", "size", type_=sa.BigInteger(), existing_type=sa.Integer(), existing_nullable=False
    )
    op.create_index("ix_assets_kind", "assets", ["workspace_id", "kind", "id"])


def downgrade() -> None:
    op.drop_index("ix_assets_kind", table_name="assets")
    op.alter_column(
        "assets", "size", type_=sa.Integer(), existing_type=sa.BigInteger(), existing_nullable=False
    )
    op.drop_column("assets", "codecs")
    op.drop_column("assets", "duration_ms")
    op.drop_column("assets", "kind")
