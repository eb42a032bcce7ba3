"""Bringing the database's tables to the form that this release uses, from none or from an earlier one."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from dermai.errors import DermaiError, ServiceUnavailable
from dermai.workspace import DATABASE_VARIABLE
from web.database.connection import Database, make_engine

ONE_AT_A_TIME = 7_340_241  # PostgreSQL's advisory lock of two services that start together


def migrate(database: Database, revision: str = "head") -> None:
    """Run the migrations that the database lacks, in one transaction; without any to run nothing is written.

    Raises:
        DermaiError: a newer release made the tables.
        ServiceUnavailable: the database does not answer.
    """
    url = database.engine.url.render_as_string(hide_password=False)
    # SQLite changes a table by copying it, and would take the references to it along
    engine = make_engine(url, foreign_keys=False).execution_options(dermai_writes=True)
    settings = migration_settings()
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})"))
            settings.attributes["connection"] = connection
            command.upgrade(settings, revision)
    except CommandError as error:
        raise DermaiError(
            f"the service's database was made by another release ({error}): run that release, or a newer one"
        ) from None
    except OperationalError as error:
        raise ServiceUnavailable(
            f"the service's database does not answer ({str(error.orig).splitlines()[0]}): start it, "
            f"or fix {DATABASE_VARIABLE}"
        ) from None
    finally:
        engine.dispose()


def migration_settings() -> Config:
    """Alembic's settings, which lie in no file."""
    settings = Config()
    settings.set_main_option("script_location", "web.database:migrations")
    return settings


def revisions(database: Database) -> tuple[str | None, tuple[str, ...]]:
    """The database's own revision, and the newest of this release: one, where nobody added two beside each other."""
    with database.engine.connect() as connection:
        own = MigrationContext.configure(connection).get_current_revision()
    return own, tuple(ScriptDirectory.from_config(migration_settings()).get_heads())
