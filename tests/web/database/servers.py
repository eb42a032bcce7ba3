"""The database of a test: an SQLite file, or a database of its own on a PostgreSQL server that the tests started."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.integration.services import Postgres, postgres_programs


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server; the test is skipped without one, except in continuous integration."""
    if postgres_programs() is None:
        if os.environ.get("CI"):
            pytest.fail("tests/services.sh did not install PostgreSQL")
        pytest.skip("PostgreSQL is not installed: run `bash tests/services.sh`")
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


def new_database(folder: Path, server: Postgres | None) -> str:
    """The address of an empty database."""
    if server is None:
        return f"sqlite:///{folder / 'service.db'}"
    name = f"test_{uuid.uuid4().hex[:8]}"
    with create_engine(server.uri, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return f"{server.uri.rpartition('/')[0]}/{name}"
