"""campaigns, and freezes of one

The previous release's code does not know the table, and takes any id for a campaign: posts.campaign_id gets no foreign
key. Its scheduler does not know the scope `campaign`: make such a freeze when every process runs this release.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_BEFORE = (
    "(scope = 'all' AND brand_id IS NULL AND channel_id IS NULL AND nature IS NULL)"
    " OR (scope = 'brand' AND brand_id IS NOT NULL AND channel_id IS NULL AND nature IS NULL)"
    " OR (scope = 'channel' AND channel_id IS NOT NULL AND brand_id IS NULL AND nature IS NULL)"
    " OR (scope = 'nature' AND nature IS NOT NULL AND brand_id IS NULL AND channel_id IS NULL)"
)
_TARGETS = "num_nonnulls(brand_id, channel_id, campaign_id, nature)"
_AFTER = (
    f"(scope = 'all' AND {_TARGETS} = 0) OR ({_TARGETS} = 1 AND CASE scope"
    " WHEN 'brand' THEN brand_id IS NOT NULL WHEN 'channel' THEN channel_id IS NOT NULL"
    " WHEN 'campaign' THEN campaign_id IS NOT NULL WHEN 'nature' THEN nature IS NOT NULL ELSE false END)"
)


def upgrade() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("objective", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("hashtags", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_campaigns_span")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name="fk_campaigns_brand_id"),
        sa.ForeignKeyConstraint(["created_by"], ["members.id"], name="fk_campaigns_created_by"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_campaigns_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
    )
    op.create_index("ix_campaigns_brand_id", "campaigns", ["brand_id"])
    op.create_index("ix_campaigns_list", "campaigns", ["workspace_id", "id"])
    op.create_index(
        "ix_posts_campaign_id", "posts", ["campaign_id"], postgresql_where="campaign_id IS NOT NULL"
    )
    op.add_column("freezes", sa.Column("campaign_id", sa.Uuid(), nullable=True))
    op.create_foreign_key("fk_freezes_campaign_id", "freezes", "campaigns", ["campaign_id"], ["id"])
    op.create_index("ix_freezes_campaign_id", "freezes", ["campaign_id"])
    op.drop_constraint(op.f("ck_freezes_target"), "freezes")
    op.create_check_constraint(op.f("ck_freezes_target"), "freezes", _AFTER)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_freezes_target"), "freezes")
    # Rather stop more than let go what is to stay: the freeze of a campaign becomes one of its brand.
    op.execute(
        "UPDATE freezes SET scope = 'brand', brand_id = campaigns.brand_id, campaign_id = NULL"
        " FROM campaigns WHERE campaigns.id = freezes.campaign_id"
    )
    op.create_check_constraint(op.f("ck_freezes_target"), "freezes", _BEFORE)
    op.drop_column("freezes", "campaign_id")
    op.drop_index("ix_posts_campaign_id", "posts")
    op.drop_table("campaigns")
