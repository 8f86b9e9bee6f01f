"""post shares

Works with the previous release's code, which does not know the tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "post_shares",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("comments", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_post_shares_workspace_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_post_shares_post_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["created_by"], ["members.id"], name="fk_post_shares_created_by"),
        sa.PrimaryKeyConstraint("id", name="pk_post_shares"),
        sa.UniqueConstraint("token_hash", name="uq_post_shares_token_hash"),
    )
    op.create_index("ix_post_shares_list", "post_shares", ["post_id", "id"])
    op.create_table(
        "post_comments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("share_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_post_comments_workspace_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name="fk_post_comments_post_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["share_id"], ["post_shares.id"], name="fk_post_comments_share_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_post_comments"),
    )
    op.create_index("ix_post_comments_list", "post_comments", ["post_id", "id"])
    op.create_index("ix_post_comments_share_id", "post_comments", ["share_id"])


def downgrade() -> None:
    op.drop_table("post_comments")
    op.drop_table("post_shares")
