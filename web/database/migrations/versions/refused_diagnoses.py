"""Confirmed diagnoses that came back and disagree with the record, until somebody has looked at the case."""

import sqlalchemy as sa
from alembic import op

from web.database.tables import Moment

revision = "0006_refused_diagnoses"
down_revision = "0005_languages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "refused_diagnoses",
        sa.Column("case_id", sa.String(255), primary_key=True),
        sa.Column("lesion_id", sa.String(255), primary_key=True),
        sa.Column("diagnosis", sa.String(64), primary_key=True),
        sa.Column("confirmed_by", sa.String(32), primary_key=True),
        sa.Column("sent_by", sa.String(64), nullable=False),
        sa.Column("sent_at", Moment, nullable=False),
        sa.Column("known_until", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("refused_diagnoses")
