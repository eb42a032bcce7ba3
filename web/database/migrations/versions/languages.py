"""The language in which each account reads pages."""

import sqlalchemy as sa
from alembic import op

revision = "0005_languages"
down_revision = "0004_token_diagnoses"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nobody has chosen yet."""
    op.add_column("accounts", sa.Column("language", sa.String(8), nullable=False, server_default=""))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("accounts", "language")
