"""review assignments

Works with the previous release's code, which does not know the table.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

MOMENTS = ("requested_at", "due_at", "next_at", "late_at", "judged_at")


def upgrade() -> None:
    op.create_table(
        "review_assignments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column("criteria", postgresql.JSONB(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("assigned_by", sa.Uuid(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in MOMENTS),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_review_assignments_workspace_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name="fk_review_assignments_post_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["reviewer_id"], ["members.id"], name="fk_review_assignments_reviewer_id"),
        sa.ForeignKeyConstraint(["assigned_by"], ["members.id"], name="fk_review_assignments_assigned_by"),
        sa.PrimaryKeyConstraint("id", name="pk_review_assignments"),
        sa.UniqueConstraint("post_id", "reviewer_id", name="uq_review_assignments_post_id_reviewer_id"),
    )
    op.create_index("ix_review_assignments_list", "review_assignments", ["workspace_id", "reviewer_id", "id"])
    op.create_index(
        "ix_review_assignments_next",
        "review_assignments",
        ["next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("review_assignments")
