"""Opening the database: `DERMAI_DATABASE_URL`, or an SQLite file below the state that its owner may read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.orm import Session

from dermai.errors import DermaiError
from dermai.workspace import DATABASE_VARIABLE, Workspace

DATABASES = ("sqlite", "postgresql")
SECONDS_TO_WAIT = 20  # for a writer of another process
_WRITES = "dermai_writes"


@dataclass(frozen=True)
class Database:
    """An opened database. A session is one transaction: it ends with the `with` block."""

    engine: Engine

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database; what it changes is rolled back."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that is committed at the end, or rolled back by an exception.

        SQLite takes its write lock at the beginning, so that what was read is still so when it is written.
        """
        with Session(self.engine.execution_options(**{_WRITES: True}), expire_on_commit=False) as session:
            yield session
            session.commit()

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def open_database(workspace: Workspace, url: str = "") -> Database:
    """The database of the service, as `url`, the environment or the workspace says; its tables are not looked at.

    Raises:
        DermaiError: the address cannot be understood, or the driver of its database is not installed.
    """
    address = url or named_database()
    if not address:
        file = workspace.service_database
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its other files the same mode
        address = f"sqlite:///{file}"
    return Database(make_engine(address))


def named_database() -> str:
    """The address in the environment; "" where the database is the file of the workspace."""
    return os.environ.get(DATABASE_VARIABLE, "")


def make_engine(address: str, foreign_keys: bool = True) -> Engine:
    """An engine for an address of SQLAlchemy's form.

    Raises:
        DermaiError: the address cannot be understood, or the driver of its database is not installed.
    """
    try:
        url = make_url(address)
        if url.get_backend_name() not in DATABASES:
            raise DermaiError(
                f"{DATABASE_VARIABLE}: {url.get_backend_name()} is no database of dermai: sqlite or postgresql"
            )
        engine = create_engine(url, pool_pre_ping=url.get_backend_name() != "sqlite")
    except (ArgumentError, NoSuchModuleError):
        raise DermaiError(
            f"{DATABASE_VARIABLE} is no address of a database: write postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    except ImportError as error:
        raise DermaiError(
            f"{DATABASE_VARIABLE}: {error.name} is not installed: `uv pip install psycopg2-binary`, which the lock has"
        ) from None
    if url.get_backend_name() == "sqlite":
        _set_up_sqlite(engine, foreign_keys)
    return engine


def _set_up_sqlite(engine: Engine, foreign_keys: bool) -> None:
    """Readers beside a writer, keys that are checked, and transactions that begin where SQLAlchemy says so."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # Python's driver would begin late, and not at all before a table is made
        for setting in (
            "journal_mode=WAL",
            "synchronous=FULL",  # what was acknowledged survives a power cut
            f"busy_timeout={SECONDS_TO_WAIT * 1000}",
            f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(_WRITES) else "BEGIN")
