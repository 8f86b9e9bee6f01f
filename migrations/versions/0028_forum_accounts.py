"""forums' accounts: their ids carry the forum's address, since every forum counts its users from 1

Rewrites a few rows. The previous release's code works on; it would refuse credentials that are entered anew meanwhile.
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        UPDATE channels SET account_id = rtrim(base_url, '/') || '/users/' || account_id
        WHERE platform = 'discourse' AND account_id ~ '^[0-9]+$' AND base_url IS NOT NULL
    """)


def downgrade() -> None:
    op.execute(r"""
        UPDATE channels SET account_id = substring(account_id FROM '/users/([0-9]+)$')
        WHERE platform = 'discourse' AND account_id ~ '/users/[0-9]+$'
    """)
