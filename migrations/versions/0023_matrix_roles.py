"""matrix roles

Works with the previous release's code, which does not know the column.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channels", sa.Column("matrix_role", sa.String(64), nullable=True))


def downgrade() -> None:
    op.drop_column("channels", "matrix_role")
