"""tags and templates of posts, and a search that finds two Chinese characters

The previous release's code leaves the new columns at their defaults, and its searches stay right without the indexes.
The functions need no extension. While an index is built, its table takes no writes.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# Full-width and compatibility forms, and case, are one in a search.
FOLD = """
CREATE FUNCTION search_fold(raw text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 20
RETURN lower(normalize(raw, NFKC))
"""
# Every character and every pair of neighbours, each once: what stands in a text has all of its own pairs there.
GRAMS = """
CREATE FUNCTION search_grams(raw text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
    SELECT coalesce(array_agg(DISTINCT gram), '{}'::text[])
    FROM (
        SELECT unnest(ARRAY[one, one || lead(one) OVER (ORDER BY place)]) AS gram
        FROM string_to_table(search_fold(raw), NULL) WITH ORDINALITY AS characters (one, place)
    ) AS pairs
    WHERE gram IS NOT NULL;
END
"""
SEARCHED = {
    "assets": "((((((file_name || ' '::text) || alt_text) || ' '::text) || credit) || ' '::text) || licence)",
    "ideas": "((title || ' '::text) || note)",
    "interactions": "text",
    "posts": "((((title || ' '::text) || (content ->> 'body'::text)) || ' '::text) || (content ->> 'hashtags'::text))",
}


def upgrade() -> None:
    op.add_column(
        "posts",
        sa.Column(
            "tags",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
    )
    op.add_column(
        "posts", sa.Column("is_template", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("posts", sa.Column("template_id", sa.Uuid(), nullable=True))
    op.create_foreign_key("fk_posts_template_id", "posts", "posts", ["template_id"], ["id"])
    op.create_index(
        "ix_posts_template_id", "posts", ["template_id"], postgresql_where="template_id IS NOT NULL"
    )
    op.create_index(
        "ix_posts_tags",
        "posts",
        ["tags"],
        postgresql_using="gin",
        postgresql_ops={"tags": "jsonb_path_ops"},
    )
    op.execute(FOLD)
    op.execute(GRAMS)
    for table, expression in SEARCHED.items():
        op.execute(f"CREATE INDEX ix_{table}_search ON {table} USING gin (search_grams({expression}))")


def downgrade() -> None:
    for table in SEARCHED:
        op.drop_index(f"ix_{table}_search", table)
    op.execute("DROP FUNCTION search_grams(text)")
    op.execute("DROP FUNCTION search_fold(text)")
    op.drop_index("ix_posts_tags", "posts")
    for name in ("template_id", "is_template", "tags"):
        op.drop_column("posts", name)
