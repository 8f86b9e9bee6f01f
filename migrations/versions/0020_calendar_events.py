"""calendar events

Works with the previous release's code, which does not know the table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("prepare_days", sa.Integer(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_on >= starts_on", name="ck_calendar_events_span"),
        sa.CheckConstraint("kind <> 'hot' OR expires_at IS NOT NULL", name="ck_calendar_events_expiry"),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name="fk_calendar_events_brand_id"),
        sa.ForeignKeyConstraint(["owner_id"], ["members.id"], name="fk_calendar_events_owner_id"),
        sa.ForeignKeyConstraint(["created_by"], ["members.id"], name="fk_calendar_events_created_by"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_calendar_events_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_calendar_events"),
    )
    op.create_index("ix_calendar_events_brand_id", "calendar_events", ["brand_id"])
    op.create_index("ix_calendar_events_list", "calendar_events", ["workspace_id", "id"])
    op.create_index("ix_calendar_events_span", "calendar_events", ["workspace_id", "starts_on"])


def downgrade() -> None:
    op.drop_table("calendar_events")
