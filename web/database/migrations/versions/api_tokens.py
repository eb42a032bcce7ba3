"""Tokens of practices."""

import sqlalchemy as sa
from alembic import op

from web.database.tables import Moment

revision = "0003_api_tokens"
down_revision = "0002_reading"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("prefix", sa.String(16), nullable=False, unique=True),
        sa.Column("secret_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("site", sa.String(120), nullable=False),
        sa.Column("note", sa.String(120), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("revoked_at", Moment),
        sa.Column("used_at", Moment),
        sa.Column("quality_checks", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("api_tokens")
