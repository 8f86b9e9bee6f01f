"""warnings of authorisations that run out, and an index for what a platform lets us keep for a while only

Adds only: the previous release's code runs on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "authorisation_warnings",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("authorise_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["channels.id"],
            name=op.f("fk_authorisation_warnings_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_authorisation_warnings_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("channel_id", "days", name=op.f("pk_authorisation_warnings")),
    )
    op.create_index(
        "ix_interactions_said",
        "interactions",
        ["platform", "received_at"],
        postgresql_where="author_id <> ''",
    )


def downgrade() -> None:
    op.drop_index("ix_interactions_said", table_name="interactions", postgresql_where="author_id <> ''")
    op.drop_table("authorisation_warnings")
