"""ideas

Works with the previous release's code: add first, remove one release later.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ideas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_ideas_brand_id")),
        sa.ForeignKeyConstraint(["created_by"], ["members.id"], name=op.f("fk_ideas_created_by")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_ideas_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ideas")),
    )
    op.create_index("ix_ideas_list", "ideas", ["workspace_id", "id"])
    op.create_index(op.f("ix_ideas_brand_id"), "ideas", ["brand_id"])
    op.create_table(
        "idea_scores",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("idea_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("points", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["idea_id"], ["ideas.id"], name=op.f("fk_idea_scores_idea_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_idea_scores_member_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_idea_scores_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idea_scores")),
        sa.UniqueConstraint("idea_id", "member_id", name=op.f("uq_idea_scores_idea_id_member_id")),
    )
    # Nothing was ever written into this column before there were ideas.
    op.create_foreign_key(op.f("fk_posts_idea_id"), "posts", "ideas", ["idea_id"], ["id"])
    op.create_index(op.f("ix_posts_idea_id"), "posts", ["idea_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_posts_idea_id"), table_name="posts")
    op.drop_constraint(op.f("fk_posts_idea_id"), "posts", type_="foreignkey")
    op.drop_table("idea_scores")
    op.drop_table("ideas")
