"""authorisations, by when to authorise again, and what an account may do

Works with the previous release's code: add first, remove one release later.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channel_authorizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("api_key_id", sa.Uuid(), nullable=True),
        sa.Column("platform", sa.String(length=64), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=True),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("brand_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("credentials", sa.LargeBinary(), nullable=False),
        sa.Column("verifier", sa.LargeBinary(), nullable=False),
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{table}.id"],
                name=op.f(f"fk_channel_authorizations_{column}"),
                ondelete="CASCADE",
            )
            for column, table in {
                "api_key_id": "api_keys",
                "brand_id": "brands",
                "channel_id": "channels",
                "member_id": "members",
                "workspace_id": "workspaces",
            }.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_authorizations")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_channel_authorizations_state_hash")),
    )
    op.create_index(
        "ix_channel_authorizations_expiry",
        "channel_authorizations",
        ["workspace_id", "expires_at"],
        unique=False,
    )
    op.add_column("channels", sa.Column("authorise_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("channels", sa.Column("probed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("channels", sa.Column("grants", postgresql.JSONB(astext_type=sa.Text()), nullable=True))


def downgrade() -> None:
    op.drop_column("channels", "grants")
    op.drop_column("channels", "probed_at")
    op.drop_column("channels", "authorise_by")
    op.drop_index("ix_channel_authorizations_expiry", table_name="channel_authorizations")
    op.drop_table("channel_authorizations")
