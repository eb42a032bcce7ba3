"""Which tokens may send confirmed diagnoses: none that was made before."""

import sqlalchemy as sa
from alembic import op

revision = "0004_token_diagnoses"
down_revision = "0003_api_tokens"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("api_tokens", sa.Column("diagnoses", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("api_tokens", "diagnoses")
