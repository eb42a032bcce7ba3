"""Rows and whole parts that leave the log, on a named person's word: the signed log then names the part without them.

A part never changes, so a part without some of its rows is another file in the same place of the order of writing.
Killed at any point, the same erasing is done again: it ends the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dermai.audit import Entry
from dermai.files import locked, sha256_bytes, sync_folder
from dermai.prediction_log.order_of_writing import name_without_rows
from dermai.prediction_log.parts import table_bytes, write_part
from dermai.prediction_log.signed_folder import SignedFolder, pending_of

FREE_TEXTS = ("note", "reason", "cautions")  # columns in which people write what they like
IN_ITS_PLACE = "withdrawn"


def rows_that_name(table: pa.Table, names: Collection[str]) -> NDArray[np.bool_]:
    """Which rows hold one of the names in any text column, bool [N]."""
    wanted = pa.array(sorted(names), pa.string())
    found = np.zeros(table.num_rows, dtype=bool)
    for field in table.schema:
        if pa.types.is_dictionary(field.type) or pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            column = table[field.name].cast(pa.string())
            found |= np.asarray(pc.is_in(column, value_set=wanted))
    return found


@dataclass(frozen=True)
class Erased:
    """A Parquet file without some rows: its content, None where none is left; which rows go, bool [N]."""

    content: bytes | None
    gone: NDArray[np.bool_]
    changed: bool  # a row goes, or a text of another row names what is erased


def without_rows(
    file: Path, names: Collection[str], words: Collection[str] = (), texts: Collection[str] = FREE_TEXTS
) -> Erased:
    """The file without the rows that hold one of the names; in the `texts` of the others each word becomes `withdrawn`.

    A note about one case may name another: that row is not the other's.
    """
    with pq.ParquetFile(file) as opened:
        table = opened.read(use_threads=False)
    gone = rows_that_name(table, names)
    left, changed = table.filter(pa.array(~gone)), bool(gone.any())
    for place, field in enumerate(left.schema):
        if field.name not in texts or not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
            continue
        said = left[field.name]
        for word in words:
            said = pc.replace_substring(said, word, IN_ITS_PLACE)
        if not said.equals(left[field.name]):
            left, changed = left.set_column(place, field, said), True
    return Erased(table_bytes(left) if left.num_rows else None, gone, changed)


def replace_parts(
    folder: SignedFolder,
    lock: Path,
    replaced: Mapping[Path, bytes | None],
    *,
    approver: str,
    role: str,
    reason: str,
) -> Entry:
    """Put other contents in the place of parts, or nothing; `lock` is held where parts get their records.

    Raises:
        PredictionLogError: the disk is full or read-only; nothing was replaced.
        AuditLogDamaged: the audit log takes no record; nothing was replaced.
    """
    with locked(lock):
        new: dict[Path, str] = {}
        for part, content in replaced.items():
            if content is not None:
                other = part.with_name(name_without_rows(part.name))
                write_part(pending_of(other), content, f"no row of {part.name} was erased")
                new[other] = sha256_bytes(content)
        entry = folder.audit.append(
            folder.adopted(
                approver=approver,
                role=role,
                reason=reason,
                parts={str(part.relative_to(folder.folder)): sha256 for part, sha256 in new.items()},
                gone=tuple(str(part.relative_to(folder.folder)) for part in replaced),
            )
        )
        for part in new:
            pending_of(part).rename(part)
        for part in replaced:
            part.unlink(missing_ok=True)
            sync_folder(part.parent)
        return entry
