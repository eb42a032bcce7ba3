"""Accounts, sessions, attempts to sign in, and who looked at which case."""

import sqlalchemy as sa
from alembic import op

from web.database.tables import Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KNOWN_ROLES = "role IN ('practice', 'dermatologist', 'clinical lead', 'manager', 'auditor', 'engineer')"


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("person", sa.String(120), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("site", sa.String(120), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("provider_subject", sa.String(255), unique=True),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("disabled_at", Moment),
        sa.CheckConstraint(KNOWN_ROLES, name="known_role"),
        sa.CheckConstraint("(role = 'practice') = (site <> '')", name="a_practice_has_a_site"),
    )
    op.create_table(
        "sign_in_sessions",
        sa.Column("secret_hash", sa.String(64), primary_key=True),
        sa.Column("account_id", sa.Integer, sa.ForeignKey("accounts.id"), nullable=False, index=True),
        sa.Column("began_at", Moment, nullable=False),
        sa.Column("seen_at", Moment, nullable=False),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name_hash", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Index(None, "name_hash", "at"),
        sa.Index(None, "address", "at"),
    )
    op.create_table(
        "case_accesses",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", Moment, nullable=False),
        sa.Column("account_id", sa.Integer, sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(255), nullable=False),
        sa.Column("what", sa.String(255), nullable=False),
        sa.Index(None, "case_id", "at"),
        sa.Index(None, "account_id", "at"),
    )
    for statement in KEEP_EVERY_LINE[op.get_bind().dialect.name]:
        op.execute(statement)


KEEP_EVERY_LINE = {
    "sqlite": [
        f"CREATE TRIGGER case_accesses_keep_{what.lower()} BEFORE {what} ON case_accesses "
        "BEGIN SELECT RAISE(ABORT, 'who looked at a case is only added to'); END"
        for what in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION case_accesses_keep() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION 'who looked at a case is only added to'; END$$",
        "CREATE TRIGGER case_accesses_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON case_accesses "
        "FOR EACH STATEMENT EXECUTE FUNCTION case_accesses_keep()",
    ],
}
