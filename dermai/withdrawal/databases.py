"""Names of a patient in the cells of an SQLite file, and in the pages that it has given up."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from dermai.prediction_log.erasing import IN_ITS_PLACE
from dermai.withdrawal.traces import Traces


def redact_database(file: Path, traces: Traces) -> None:
    """Put `withdrawn` in the place of each name, whole names before their beginnings, and write the file anew."""
    with closing(sqlite3.connect(file, timeout=60)) as store:
        with store:
            for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for column in [str(row[1]) for row in store.execute(f"PRAGMA table_info({_quoted(table)})")]:
                    for word in traces.spoken:
                        store.execute(
                            f"UPDATE {_quoted(table)} SET {_quoted(column)} = replace({_quoted(column)}, ?1, ?2) "
                            f"WHERE typeof({_quoted(column)}) = 'text' AND instr({_quoted(column)}, ?1)",
                            (word, IN_ITS_PLACE),
                        )
        rewrite(store)


def rewrite(store: sqlite3.Connection) -> None:
    """Write a database anew: what was deleted stands in free pages, and in the write-ahead log, until then."""
    store.execute("VACUUM")
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
