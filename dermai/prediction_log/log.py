"""The prediction log: partitioned Parquet, append-only, one row a photograph and model version.

`<folder>/predictions/model_version=<v>/day=<yyyy-mm-dd>/part-<time>-<random>.parquet`. A part is written whole, flushed
and then renamed into place, so a killed append leaves nothing that a reader would see. pandas and DuckDB read it as
`predictions/**/*.parquet` with hive partitioning.
"""

from __future__ import annotations

import errno
import io
import re
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dermai.errors import DermaiError
from dermai.files import write_bytes
from dermai.images.acquisition import ACQUISITION

VERSION = re.compile(r"[A-Za-z0-9_.-]+")
EMBEDDING = "embedding"
TEXT_COLUMNS = (
    "image", "case_id", "patient_id", "lesion_id", "role", "predicted", "risk", "diagnoses", "site", "view", "sex",
    "body_site", "skin_type", "device",
)  # fmt: skip
NUMBER_COLUMNS = ("age", *ACQUISITION)


class PredictionLogError(DermaiError):
    """The prediction log cannot be written, or what was to be written breaks its form."""


@dataclass(frozen=True)
class DamagedPart:
    """A part file that cannot be read; it is left where it is, and every other part is read."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path.name} ({self.path.parent.name}) cannot be read: {self.reason}; restore it from a backup"


@dataclass(frozen=True)
class Rows:
    """What was read, and which parts could not be."""

    table: pd.DataFrame
    embeddings: NDArray[np.float32]  # [N, D]; [N, 0] when not asked for
    damaged: tuple[DamagedPart, ...]


@dataclass(frozen=True)
class PredictionLog:
    """The log below one folder."""

    folder: Path

    @property
    def predictions(self) -> Path:
        """Where the part files lie."""
        return self.folder / "predictions"

    def append(self, rows: pd.DataFrame, embeddings: NDArray[np.float32], model_version: str) -> list[Path]:
        """Add photographs of one model version, one new part for each day; all or an error, never half a part.

        `rows` needs `image`, `case_id` and `predicted_at` (with a time zone), and any of the text, number and
        `p_<class>` columns; what is missing is stored as unknown.

        Raises:
            PredictionLogError: a row breaks the form, or the disk is full or read-only.
        """
        _check_version(model_version)
        _check(rows, embeddings)
        written = []
        days = rows["predicted_at"].dt.tz_convert("UTC").dt.strftime("%Y-%m-%d")
        for day in sorted(days.unique()):
            here = (days == day).to_numpy()
            buffer = io.BytesIO()
            pq.write_table(
                _arrow(rows[here], embeddings[here]),
                buffer,
                compression="zstd",
                use_dictionary=["case_id", "patient_id", "lesion_id", *TEXT_COLUMNS[4:]],
                column_encoding={f"{EMBEDDING}.list.element": "BYTE_STREAM_SPLIT"},
            )
            name = f"part-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}.parquet"
            path = self.predictions / f"model_version={model_version}" / f"day={day}" / name
            lost = f"the prediction log took none of the {int(here.sum())} photographs of {day}"
            write_part(path, buffer.getvalue(), lost)
            written.append(path)
        return written

    def model_versions(self) -> tuple[str, ...]:
        """Versions that have predicted something."""
        return tuple(sorted(path.name.partition("=")[2] for path in self.predictions.glob("model_version=*")))

    def images(self, model_version: str, among: Collection[str] | None = None) -> set[str]:
        """Photographs that the version has already scored, of those in `among` where it is given."""
        return set(self.read(model_version, ["image"], only=None if among is None else ("image", among)).table["image"])

    def read(
        self,
        model_version: str,
        columns: Sequence[str] | None = None,
        after: datetime | None = None,
        newest: int | None = None,
        with_embeddings: bool = False,
        only: tuple[str, Collection[str]] | None = None,
    ) -> Rows:
        """Rows of one version in order of time: only the named columns, and only the days that are needed.

        `after` leaves out rows at or before that time, `newest` keeps the last so many, `only` those whose
        named column holds one of the values.
        """
        wanted = None if columns is None else [*dict.fromkeys([*columns, "predicted_at", "image"])]
        if with_embeddings and wanted is not None:
            wanted.append(EMBEDDING)
        tables: list[pa.Table] = []
        damaged: list[DamagedPart] = []
        held = 0
        first_day = f"{after.astimezone(UTC):%Y-%m-%d}" if after else ""
        these = None if only is None else (only[0], pa.array(sorted(only[1]), pa.string()))
        for day in self._days(model_version):
            if day.name.partition("=")[2] < first_day or (newest is not None and held >= newest):
                break
            for part in sorted(day.glob("*.parquet")):
                try:
                    table = _read_part(part, wanted, with_embeddings, these)
                except (OSError, pa.ArrowException) as error:
                    damaged.append(DamagedPart(part, " ".join(str(error).split())[:200]))
                    continue
                if after:
                    table = table.filter(pc.greater(table["predicted_at"], pa.scalar(after)))
                if table.num_rows or not tables:  # one without rows still knows the columns
                    tables.append(table)
                held += table.num_rows
        if not tables:
            return Rows(_empty(columns), np.zeros((0, 0), dtype=np.float32), tuple(damaged))
        joined = pa.concat_tables(tables, promote_options="permissive")
        del tables
        order = pc.sort_indices(joined, sort_keys=[("predicted_at", "ascending"), ("image", "ascending")])
        joined = joined.take(order if newest is None else order[max(0, len(order) - newest) :])
        embeddings = np.zeros((joined.num_rows, 0), dtype=np.float32)
        if with_embeddings:
            embeddings = _matrix(joined[EMBEDDING])
            joined = joined.drop_columns([EMBEDDING])
        return Rows(joined.to_pandas(), embeddings, tuple(damaged))

    def _days(self, model_version: str) -> Iterator[Path]:
        """Day folders of a version, newest first."""
        _check_version(model_version)
        yield from sorted((self.predictions / f"model_version={model_version}").glob("day=*"), reverse=True)


def probability_columns(table: pd.DataFrame) -> list[str]:
    """`p_<class>` columns that hold something."""
    return [name for name in map(str, table.columns) if name.startswith("p_") and table[name].notna().any()]


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


def _check_version(model_version: str) -> None:
    if not VERSION.fullmatch(model_version):
        raise PredictionLogError(f"a model version is letters, digits, '.', '_' or '-', not {model_version!r}")


def _check(rows: pd.DataFrame, embeddings: NDArray[np.float32]) -> None:
    for name in ("image", "case_id", "predicted_at"):
        if name not in rows or rows[name].isna().any():
            raise PredictionLogError(f"a row of the prediction log lacks {name}")
    if getattr(rows["predicted_at"].dtype, "tz", None) is None:
        raise PredictionLogError("predicted_at needs a time zone")
    if len(embeddings) != len(rows) or embeddings.ndim != 2 or not np.isfinite(embeddings).all():
        raise PredictionLogError(f"{len(rows)} photographs came with embeddings of shape {embeddings.shape}")
    if rows["image"].duplicated().any():
        twice = rows.loc[rows["image"].duplicated(), "case_id"].iloc[0]
        raise PredictionLogError(f"a photograph of case {twice!r} is to be logged twice")


def _arrow(rows: pd.DataFrame, embeddings: NDArray[np.float32]) -> pa.Table:
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


def _read_part(
    part: Path, wanted: Sequence[str] | None, with_embeddings: bool, only: tuple[str, pa.Array] | None
) -> pa.Table:
    with pq.ParquetFile(part) as file:
        held = file.schema_arrow.names
        names = [name for name in (wanted if wanted is not None else held) if name in held]
        if not with_embeddings:
            names = [name for name in names if name != EMBEDDING]
        if only is None:
            return file.read(columns=names, use_threads=False)
        # One column first: the others only of parts that hold one of the values
        column, values = only
        inside = pc.is_in(file.read(columns=[column], use_threads=False)[column], value_set=values)
        if not pc.any(inside).as_py():
            return file.schema_arrow.empty_table().select(names)
        return file.read(columns=names, use_threads=False).filter(inside)


def _matrix(column: pa.ChunkedArray) -> NDArray[np.float32]:
    whole = column.combine_chunks()
    return np.asarray(whole.flatten()).reshape(len(whole), -1)


def _empty(columns: Sequence[str] | None) -> pd.DataFrame:
    names = dict.fromkeys([*(columns or [*TEXT_COLUMNS, *NUMBER_COLUMNS]), "predicted_at", "image"])
    return pd.DataFrame({name: pd.Series(dtype="float32" if name in NUMBER_COLUMNS else "object") for name in names})
