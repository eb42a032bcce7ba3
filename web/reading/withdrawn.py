"""Drafts and refused diagnoses of a withdrawn patient's cases leave the service's database; who looked at one stays."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, delete, func, inspect, or_, select

from dermai.withdrawal.removals import Removal
from dermai.withdrawal.traces import Traces
from dermai.workspace import Workspace
from web.database import Database, open_database
from web.database.connection import named_database
from web.frame.tables import Refusal
from web.reading.tables import Draft

NAMING = (Draft, Refusal)  # the tables that name a case and a lesion


def drafts(workspace: Workspace, traces: Traces) -> Iterator[Removal]:
    """The drafts, with their notes, and refused diagnoses; nothing where the service was never started."""
    if not is_there(workspace):
        return
    database = open_database(workspace)
    try:
        with database.reading() as session:
            counts = [
                session.scalar(select(func.count()).select_from(table).where(_mine(table, traces))) or 0
                for table in _tables(database)
            ]
    finally:
        database.close()
    if any(counts) or _left_behind(workspace, traces):
        said = f"{counts[0]} drafts of readings, {sum(counts[1:])} refused diagnoses"
        yield Removal("the service's database", said, lambda: _erase(workspace, traces))


def is_there(workspace: Workspace) -> bool:
    """Whether the service has a database with drafts in it."""
    if not named_database() and not workspace.service_database.is_file():
        return False
    database = open_database(workspace)
    try:
        return bool(inspect(database.engine).has_table(Draft.__tablename__))
    finally:
        database.close()


def _erase(workspace: Workspace, traces: Traces) -> None:
    database = open_database(workspace)
    try:
        with database.writing() as session:
            for table in _tables(database):
                session.execute(delete(table).where(_mine(table, traces)))
        _rewrite(database)
    finally:
        database.close()


def _tables(database: Database) -> list[type[Draft] | type[Refusal]]:
    """Those that are there: a database of an earlier release, not started since, lacks the last."""
    return [table for table in NAMING if inspect(database.engine).has_table(table.__tablename__)]


def _rewrite(database: Database) -> None:
    """SQLite keeps what was deleted in free pages until the file is written anew."""
    if database.engine.url.get_backend_name() == "sqlite":
        connection = database.engine.raw_connection()
        try:
            for command in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                connection.cursor().execute(command)
        finally:
            connection.close()


def _left_behind(workspace: Workspace, traces: Traces) -> bool:
    """Whether a run that died has deleted rows and not written the file anew: only these tables name a lesion."""
    lesions = [name.encode() for name in traces.names if name.startswith("l")]
    file = workspace.service_database
    both = [path for path in (file, file.with_name(f"{file.name}-wal")) if path.is_file()]
    return any(lesion in path.read_bytes() for path in both for lesion in lesions)


def _mine(table: type[Draft] | type[Refusal], traces: Traces) -> ColumnElement[bool]:
    return or_(table.case_id.in_(traces.names), table.lesion_id.in_(traces.names))
