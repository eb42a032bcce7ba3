"""The parts of the prediction log: what a row holds, and files that are whole or not there."""

from __future__ import annotations

import errno
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dermai.data.cases import SYMPTOMS
from dermai.errors import DermaiError
from dermai.files import write_bytes
from dermai.images.acquisition import ACQUISITION
from dermai.prediction_log.order_of_writing import order_of, time_of

EMBEDDING = "embedding"
LOGGED_AT, WRITTEN = "logged_at", "written"  # time and order of writing; not stored: a part's name says them
KEY = ("image", "case_id", "lesion_id")  # what one row is about: the same photograph may come in under two cases
TEXT_COLUMNS = (
    "image", "case_id", "patient_id", "lesion_id", "role", "predicted", "risk", "diagnoses", "site", "view", "sex",
    "body_site", "skin_type", "device", *SYMPTOMS, "lesion_in_case",
)  # fmt: skip
NUMBER_COLUMNS = ("age", *ACQUISITION)


class PredictionLogError(DermaiError):
    """The prediction log cannot be written, or what was to be written breaks its form."""


@dataclass(frozen=True)
class DamagedPart:
    """A part file that cannot be read; it is left where it is, and every other part is read."""

    path: Path
    reason: str
    fix: str = "restore it from a backup"

    def __str__(self) -> str:
        return f"{self.path.name} ({self.path.parent.name}) cannot be read: {self.reason}; {self.fix}"


def write_part(path: Path, content: bytes, lost: str) -> None:
    """Write a part whole or not at all; `lost` says what is not in the log when it fails.

    Raises:
        PredictionLogError: the disk is full or read-only.
    """
    try:
        write_bytes(path, content)
    except OSError as error:
        why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        raise PredictionLogError(f"{lost}: {why}; nothing was lost, free the disk and run again") from error


def write_table(path: Path, table: pa.Table, lost: str) -> None:
    """Write a table as a part, with `lost` as in `write_part`.

    Raises:
        PredictionLogError: the disk is full or read-only.
    """
    write_part(path, table_bytes(table), lost)


def table_bytes(table: pa.Table) -> bytes:
    """A table as the content of a part."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def read_in_order(parts: Sequence[Path], schema: pa.Schema) -> tuple[pd.DataFrame, tuple[DamagedPart, ...]]:
    """The rows of parts in their order, with `logged_at` and `written`, and the parts that cannot be read.

    Many parts hold one row, a reading that was signed: what this process has read of the same parts is kept, and only
    those that were added are read. Who asks compares the parts with their records first.
    """
    folder = parts[0].parent if parts else Path()
    stamps = [(part.name, (status := part.stat()).st_size, status.st_mtime_ns, status.st_ino) for part in parts]
    kept = _in_order.get(folder, _NOTHING_READ)
    known = len(kept.stamps)
    if kept.schema != schema or kept.stamps != stamps[:known]:
        kept, known = _NOTHING_READ, 0
    tables, damaged = [], list(kept.damaged)
    for part in parts[known:]:
        try:
            with pq.ParquetFile(part) as file:
                tables.append(_stamped(_in_form(file.read(use_threads=False), schema), part))
        except (OSError, pa.ArrowException) as error:
            damaged.append(damaged_part(part, error))
    added = pa.concat_tables(tables) if tables else _stamped(schema.empty_table(), folder)
    rows = added.to_pandas()
    if kept.rows is not None:
        rows = pd.concat([kept.rows, rows], ignore_index=True) if len(rows) else kept.rows
    if len(_in_order) >= MOST_FOLDERS:
        _in_order.clear()
    _in_order[folder] = _Kept(schema, stamps, rows, tuple(damaged))
    return rows.copy(), tuple(damaged)


@dataclass(frozen=True)
class _Kept:
    schema: pa.Schema | None
    stamps: list[tuple[str, int, int, int]]
    rows: pd.DataFrame | None
    damaged: tuple[DamagedPart, ...]


MOST_FOLDERS = 8
_NOTHING_READ = _Kept(None, [], None, ())
_in_order: dict[Path, _Kept] = {}


def read_tables(parts: Iterable[Path], schema: pa.Schema) -> tuple[pd.DataFrame, tuple[DamagedPart, ...]]:
    """The rows of all parts, in their order, and the parts that cannot be read."""
    tables, damaged = [], []
    for part in parts:
        try:
            with pq.ParquetFile(part) as file:  # pyarrow.dataset takes longer to import than this to read
                tables.append(_in_form(file.read(use_threads=False), schema))
        except (OSError, pa.ArrowException) as error:
            damaged.append(damaged_part(part, error))
    table = pa.concat_tables(tables) if tables else schema.empty_table()
    return table.to_pandas(), tuple(damaged)


def _in_form(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of the schema; one that a part of an earlier release does not have is unknown."""
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def damaged_part(part: Path, error: Exception) -> DamagedPart:
    """A part that cannot be read, with the reason in one line."""
    return DamagedPart(part, " ".join(str(error).split())[:200])


def check_rows(rows: pd.DataFrame, embeddings: NDArray[np.float32]) -> None:
    """Refuse rows that break the form, or that say something twice.

    Raises:
        PredictionLogError: they do.
    """
    for name in ("image", "case_id", "predicted_at"):
        if name not in rows or rows[name].isna().any():
            raise PredictionLogError(f"a row of the prediction log lacks {name}")
    if getattr(rows["predicted_at"].dtype, "tz", None) is None:
        raise PredictionLogError("predicted_at needs a time zone")
    if len(embeddings) != len(rows) or embeddings.ndim != 2 or not np.isfinite(embeddings).all():
        raise PredictionLogError(f"{len(rows)} photographs came with embeddings of shape {embeddings.shape}")
    twice_logged = rows.duplicated([name for name in KEY if name in rows])
    if twice_logged.any():
        twice = rows.loc[twice_logged, "case_id"].iloc[0]
        raise PredictionLogError(f"a photograph of case {twice!r} is to be logged twice")


def typed_table(rows: pd.DataFrame, embeddings: NDArray[np.float32]) -> pa.Table:
    """Typed columns; embeddings keep half precision's digits, which halves the file and moves no statistic."""
    columns: dict[str, pa.Array] = {
        "predicted_at": pa.array(rows["predicted_at"].dt.tz_convert("UTC"), pa.timestamp("us", tz="UTC"))
    }
    for name in TEXT_COLUMNS:
        texts = rows[name].fillna("").astype(str) if name in rows else [""] * len(rows)
        columns[name] = pa.array(texts, pa.string())
    for name in (*NUMBER_COLUMNS, *(name for name in rows.columns if name.startswith("p_"))):
        numbers = rows[name].to_numpy(dtype="float32") if name in rows else np.full(len(rows), np.nan, dtype="float32")
        columns[name] = pa.array(numbers, pa.float32(), from_pandas=True)
    short = embeddings.astype(np.float16).astype(np.float32)
    columns[EMBEDDING] = pa.FixedSizeListArray.from_arrays(pa.array(short.ravel(), pa.float32()), short.shape[1])
    return pa.table(columns)


def read_part(
    part: Path, wanted: Sequence[str] | None, with_embeddings: bool, any_of: Mapping[str, Collection[str]] | None
) -> pa.Table:
    """The wanted columns of a part, with `logged_at` and `written`; of all rows, or of those that fit `any_of`."""
    with pq.ParquetFile(part) as file:  # pyarrow.dataset takes longer to import than this to read
        held = file.schema_arrow.names
        names = [name for name in (wanted if wanted is not None else held) if name in held]
        if not with_embeddings:
            names = [name for name in names if name != EMBEDDING]
        if any_of is None:
            return _stamped(file.read(columns=names, use_threads=False), part)
        # These columns first: the others only of parts that hold one of the values
        asked = file.read(columns=[name for name in any_of if name in held], use_threads=False)
        inside = pa.chunked_array([pa.array(np.zeros(asked.num_rows, dtype=bool))])
        for name in asked.column_names:
            values = pa.array(sorted(any_of[name]), pa.string())
            inside = pc.or_(inside, pc.is_in(asked[name], value_set=values))
        if not pc.any(inside).as_py():
            return _stamped(file.schema_arrow.empty_table().select(names), part)
        return _stamped(file.read(columns=names, use_threads=False).filter(inside), part)


def embedding_matrix(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Embeddings, one row each; as wide as their type says, so that no rows keep their width too."""
    whole = column.combine_chunks()
    return np.asarray(whole.flatten()).reshape(len(whole), column.type.list_size)


def _stamped(table: pa.Table, part: Path) -> pa.Table:
    """With the time at which the part was logged and its place in the order of writing, which its name holds."""
    time = pa.scalar(time_of(part.name), pa.timestamp("us", tz="UTC"))
    written = pa.scalar(order_of(part.name), pa.int64())
    table = table.append_column(LOGGED_AT, pa.repeat(time, table.num_rows))
    return table.append_column(WRITTEN, pa.repeat(written, table.num_rows))


def newest_rows(tables: Sequence[pa.Table]) -> tuple[pa.Table, int]:
    """The tables as one, without rows that were logged again later, and how many those are."""
    joined = pa.concat_tables(tables, promote_options="permissive")
    keys = joined.select([*KEY, WRITTEN]).to_pandas()
    again = keys.sort_values(WRITTEN, kind="stable").duplicated(list(KEY), keep="last").sort_index()
    return (joined.filter(pa.array(~again.to_numpy())), int(again.sum())) if again.any() else (joined, 0)


def empty_rows(columns: Sequence[str] | None) -> pd.DataFrame:
    """A table without rows."""
    names = dict.fromkeys([*(columns or [*TEXT_COLUMNS, *NUMBER_COLUMNS]), "predicted_at", *KEY])
    return pd.DataFrame({name: pd.Series(dtype="float32" if name in NUMBER_COLUMNS else "object") for name in names})
