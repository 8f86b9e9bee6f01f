"""who brought an audience

Works with the previous release's code, whose rows are all pulled.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "audience_profiles", sa.Column("source", sa.String(64), nullable=False, server_default="pull")
    )


def downgrade() -> None:
    op.drop_column("audience_profiles", "source")
