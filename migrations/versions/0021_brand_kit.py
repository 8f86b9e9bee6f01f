"""brand kit, and which assets were made by AI

Adds with defaults only: the previous release's code runs on.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

LISTS = ("core_values", "palette", "fonts", "pillar_plan", "product_names", "disclosure_rules")


def upgrade() -> None:
    for name in LISTS:
        op.add_column("brands", _json(name, "[]"))
    op.add_column("brands", _json("tone_rules", "{}"))
    op.add_column(
        "assets", sa.Column("ai_generated", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )


def downgrade() -> None:
    op.drop_column("assets", "ai_generated")
    for name in ("tone_rules", *reversed(LISTS)):
        op.drop_column("brands", name)


def _json(name: str, default: str) -> sa.Column[object]:
    return sa.Column(
        name,
        postgresql.JSONB(astext_type=sa.Text()),
        nullable=False,
        server_default=sa.text(f"'{default}'::jsonb"),
    )
