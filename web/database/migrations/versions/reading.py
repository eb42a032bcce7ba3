"""Drafts of readings, and what has to follow when readings were signed."""

import sqlalchemy as sa
from alembic import op

from web.database.tables import Moment

revision = "0002_reading"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "reading_drafts",
        sa.Column("account_id", sa.Integer, sa.ForeignKey("accounts.id"), primary_key=True),
        sa.Column("case_id", sa.String(255), primary_key=True),
        sa.Column("lesion_id", sa.String(255), primary_key=True),
        sa.Column("diagnosis", sa.String(64), nullable=False),
        sa.Column("confirmed_by", sa.String(32), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("saved_at", Moment, nullable=False),
    )
    op.create_table(
        "reading_follow_ups",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("asked_at", Moment, nullable=False),
        sa.Column("done_at", Moment, index=True),
        sa.Column("problem", sa.Text, nullable=False),
    )
