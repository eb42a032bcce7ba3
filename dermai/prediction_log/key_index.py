"""Which parts of the prediction log may hold a photograph, case, patient or lesion: a cache, so that few are read.

A part never changes, so what its key columns hold is kept as hashes, by the part's name and size. Hashes of different
texts may agree: whoever asks reads the parts that are named here and looks at the texts themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dermai.files import write_bytes

INDEXED = ("image", "case_id", "patient_id", "lesion_id")
SCHEMA = pa.schema(
    [("part", pa.string()), ("size", pa.int64()), *((name, pa.list_(pa.uint64())) for name in INDEXED)]
)  # fmt: skip
Hashes = NDArray[np.uint64]


def hashes(texts: Collection[str]) -> Hashes:
    """64 bits of each text, [N]."""
    return np.asarray(pd.util.hash_array(np.array(list(texts), dtype=object), categorize=False), dtype=np.uint64)


@dataclass(frozen=True)
class KeyIndex:
    """The key columns of some parts, as one row a part."""

    rows: pa.Table
    places: Mapping[str, int]

    def may_hold(self, parts: Sequence[Path], any_of: Mapping[str, Collection[str]]) -> list[Path]:
        """Of these parts the ones in which a column may hold one of its values; parts that are not indexed too."""
        found = np.zeros(len(self.rows), dtype=bool)
        for name, wanted in any_of.items():
            column = self.rows[name].combine_chunks()
            ends = np.asarray(column.offsets)[1:] - column.offsets[0].as_py()
            held = np.flatnonzero(np.isin(np.asarray(column.flatten()), hashes(wanted)))
            found[np.searchsorted(ends, held, side="right")] = True
        return [part for part in parts if part.name not in self.places or found[self.places[part.name]]]

    def column(self, part: Path, name: str) -> Hashes | None:
        """A column of a part, row by row; None where the part could not be read."""
        place = self.places.get(part.name)
        return None if place is None else np.asarray(self.rows[name][place].values, dtype=np.uint64)


def key_index(file: Path, parts: Sequence[Path]) -> KeyIndex:
    """The index of all parts that can be read; what the file lacks is read from the parts, and kept in it."""
    kept = _read(file)
    known = dict(zip(kept["part"].to_pylist(), kept["size"].to_pylist(), strict=True))
    sizes = {part.name: part.stat().st_size for part in parts}
    current = pa.array([sizes.get(name) == size for name, size in known.items()], pa.bool_())
    new = [row for part in parts if known.get(part.name) != sizes[part.name] if (row := _indexed(part))]
    rows = pa.concat_tables([kept.filter(current), pa.Table.from_pylist(new, schema=SCHEMA)]).combine_chunks()
    if new or len(kept) != len(rows):
        _write(file, rows)
    return KeyIndex(rows, {name: place for place, name in enumerate(rows["part"].to_pylist())})


def column_hashes(part: Path, name: str) -> Hashes | None:
    """A column of one part, row by row; None where it cannot be read."""
    row = _indexed(part)
    return None if row is None else np.asarray(row[name], dtype=np.uint64)


def _indexed(part: Path) -> dict[str, object] | None:
    try:
        with pq.ParquetFile(part) as opened:
            held = [name for name in INDEXED if name in opened.schema_arrow.names]
            table = opened.read(columns=held, use_threads=False)
    except (OSError, pa.ArrowException):
        return None
    columns: dict[str, object] = {name: hashes(table[name].to_pylist()) if name in held else [] for name in INDEXED}
    return {"part": part.name, "size": part.stat().st_size, **columns}


def _form() -> dict[bytes, bytes]:
    """An index whose hashes were made another way is none."""
    return {b"hashes": str(hashes(["dermai"])[0]).encode()}


def _read(file: Path) -> pa.Table:
    try:
        table = pa.ipc.open_file(pa.py_buffer(file.read_bytes())).read_all()
    except (OSError, pa.ArrowException):
        return SCHEMA.empty_table()
    sound = table.schema.metadata == _form() and table.schema.remove_metadata() == SCHEMA
    return table.replace_schema_metadata(None) if sound else SCHEMA.empty_table()


def _write(file: Path, rows: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, SCHEMA.with_metadata(_form())) as writer:
        writer.write_table(rows)
    try:
        write_bytes(file, sink.getvalue().to_pybytes())
    except OSError:
        return  # a cache: without it the parts are read
