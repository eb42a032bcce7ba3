"""The prediction log: partitioned Parquet, append-only, one row a photograph, case, lesion and model version.

`<folder>/predictions/model_version=<v>/day=<yyyy-mm-dd>/part-<time>-<number>-<random>.parquet`. A part is written
whole, flushed, named with its hash by a record of the signed audit log, and then renamed into place, so a killed append
leaves nothing that a reader would see. pandas and DuckDB read it as `predictions/**/*.parquet` with hive partitioning.
A row that was logged again replaces the earlier one for readers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dermai.audit import AuditLog, Entry
from dermai.files import locked
from dermai.prediction_log.key_index import INDEXED, KeyIndex, key_index
from dermai.prediction_log.order_of_writing import next_part_name
from dermai.prediction_log.part_records import (
    PredictionsAdopted,
    PredictionsRecorded,
    SortingsAdopted,
    SortingsRecorded,
)
from dermai.prediction_log.parts import (
    EMBEDDING,
    KEY,
    LOGGED_AT,
    WRITTEN,
    DamagedPart,
    PredictionLogError,
    damaged_part,
    embedding_matrix,
    empty_rows,
    newest_rows,
    read_part,
)  # fmt: skip
from dermai.prediction_log.signed_folder import SignedFolder, in_words
from dermai.prediction_log.writing import writing
from dermai.workspace import AUDIT_LOG, Workspace

CONFIRMATIONS = "confirmations"  # the folder of the diagnoses that came back
SORTINGS = "sortings"  # and that of how cases were sorted
VERSION = re.compile(r"[A-Za-z0-9_.-]+")
LOCK = ".confirmations.lock"  # held while parts get their records, and by backups
Append = Callable[[pd.DataFrame, NDArray[np.float32], str], list[Path]]


@dataclass(frozen=True)
class Rows:
    """What was read, and which parts could not be."""

    table: pd.DataFrame
    embeddings: NDArray[np.float32]  # [N, D]; [N, 0] when not asked for
    damaged: tuple[DamagedPart, ...]
    replaced: int = 0  # rows left out because the same was logged again later


@dataclass(frozen=True)
class PredictionLog:
    """The log below one folder; `cache` is where an index of it may be kept."""

    folder: Path
    cache: Path | None = None

    @classmethod
    def of(cls, workspace: Workspace) -> PredictionLog:
        """A workspace's log."""
        return cls(workspace.prediction_log, workspace.cache)

    @property
    def audit(self) -> AuditLog:
        """The signed log of the same workspace, which names each part with confirmed diagnoses."""
        return AuditLog(self.folder.parent / AUDIT_LOG)

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
        with self.writing() as append:
            return append(rows, embeddings, model_version)

    @contextmanager
    def writing(self) -> Iterator[Append]:
        """To append several times with one record in the audit log; parts are read from when they have theirs."""
        with writing(self.answers, self.folder / LOCK, self.next_part_name) as writer:

            def append(rows: pd.DataFrame, embeddings: NDArray[np.float32], model_version: str) -> list[Path]:
                _check_version(model_version)
                return writer.append(rows, embeddings, model_version)

            yield append

    @property
    def answers(self) -> SignedFolder:
        """The part files, as the audit log names them."""
        return SignedFolder(
            folder=self.predictions,
            pattern="*/*/*.parquet",
            audit=self.audit,
            recorded=PredictionsRecorded,
            adopted=PredictionsAdopted,
            what="answers",
            adopt="dermai audit adopt-predictions",
        )

    @property
    def sortings(self) -> SignedFolder:
        """How cases were sorted, as the audit log names the parts."""
        return SignedFolder(
            folder=self.folder / SORTINGS,
            pattern="*.parquet",
            audit=self.audit,
            recorded=SortingsRecorded,
            adopted=SortingsAdopted,
            what="sorted cases",
            adopt="dermai audit adopt-predictions",
        )

    def problems(self) -> tuple[str, ...]:
        """Which part files are not as they were recorded, a sentence each; no evidence is made of them meanwhile.

        Raises:
            AuditLogDamaged: the audit log, which names each part, does not verify.
        """
        return in_words((*self.answers.compare().damaged, *self.sortings.compare().damaged))

    def adopt(self, *, approver: str, role: str, reason: str) -> Entry:
        """Take the part files as they are, on a named person's word.

        Raises:
            DermaiError: every part is as it was recorded.
        """
        with locked(self.folder / LOCK):
            changed = [folder for folder in (self.answers, self.sortings) if folder.compare().damaged]
            taken = [
                folder.take_as_they_are(approver=approver, role=role, reason=reason)
                for folder in changed or [self.answers]
            ]
            return taken[0]

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
        named column holds one of the values. Of rows about the same photograph, case and lesion the one that was
        logged last counts. `predicted_at` and the key are always among the columns.
        """
        wanted = None if columns is None else [*dict.fromkeys([*columns, "predicted_at", *KEY])]
        if with_embeddings and wanted is not None:
            wanted.append(EMBEDDING)
        tables: list[pa.Table] = []
        damaged: list[DamagedPart] = []
        held = replaced = 0
        first_day = f"{after.astimezone(UTC):%Y-%m-%d}" if after else ""
        these = None if only is None else {only[0]: only[1]}
        needed = None if these is None else set(self._that_may_hold(these, [model_version]))
        if needed is not None and not needed:
            needed = set(self.parts(model_version)[:1])  # its columns are those of the empty answer
        for day in self._days(model_version):
            if day.name.partition("=")[2] < first_day or (newest is not None and held >= newest):
                break
            of_day: list[pa.Table] = []
            for part in sorted(day.glob("*.parquet")):
                if needed is not None and part not in needed:
                    continue
                try:
                    table = read_part(part, wanted, with_embeddings, these)
                except (OSError, pa.ArrowException) as error:
                    damaged.append(damaged_part(part, error))
                    continue
                if after:
                    table = table.filter(pc.greater(table["predicted_at"], pa.scalar(after)))
                if table.num_rows or not (tables or of_day):  # one without rows still knows the columns
                    of_day.append(table)
            if of_day:
                kept, again = newest_rows(of_day)
                tables.append(kept)
                held, replaced = held + kept.num_rows, replaced + again
        if not tables:
            return Rows(empty_rows(columns), np.zeros((0, 0), dtype=np.float32), tuple(damaged))
        joined, again = newest_rows(tables)
        del tables
        order = pc.sort_indices(joined, sort_keys=[("predicted_at", "ascending"), ("image", "ascending")])
        joined = joined.take(order if newest is None else order[max(0, len(order) - newest) :])
        embeddings = np.zeros((joined.num_rows, 0), dtype=np.float32)
        if with_embeddings:
            embeddings = embedding_matrix(joined[EMBEDDING])
            joined = joined.drop_columns([EMBEDDING])
        table = joined.drop_columns([LOGGED_AT, WRITTEN]).to_pandas()
        return Rows(table, embeddings, tuple(damaged), replaced + again)

    def referred(self, **any_of: Collection[str]) -> pd.DataFrame:
        """Rows of all versions, replaced ones too, in which one of the named columns holds one of its values.

        Besides the key: `patient_id`, `lesion_in_case`, `site`, `role`, `predicted`, `risk`, `predicted_at`,
        `logged_at`, `written` and `model_version`, in the order in which they were logged.

        >>> PredictionLog(Path("nowhere")).referred(case_id=["c1"]).empty
        True
        """
        columns = [*KEY, "patient_id", "lesion_in_case", "site", "role", "predicted", "risk", "predicted_at"]
        found = []
        for part in self._that_may_hold(any_of, self.model_versions()):
            try:
                rows = read_part(part, columns, False, any_of)
            except (OSError, pa.ArrowException):
                continue  # `read` names it
            if rows.num_rows:
                found.append(rows.to_pandas().assign(model_version=version_of(part)))
        if not found:
            return pd.DataFrame(columns=[*columns, LOGGED_AT, WRITTEN, "model_version"])
        table = pd.concat(found, ignore_index=True).sort_values(WRITTEN, kind="stable")
        return table.reindex(columns=[*columns, LOGGED_AT, WRITTEN, "model_version"]).reset_index(drop=True)

    def pseudonyms(self) -> frozenset[str]:
        """Every case, patient and lesion that has a row."""
        columns = ["case_id", "patient_id", "lesion_id", "lesion_in_case"]
        found: set[str] = set()
        for part in self._all_parts():
            try:
                rows = read_part(part, columns, False, None)
            except (OSError, pa.ArrowException):
                continue  # `read` names it
            for name in columns:
                if name in rows.column_names:  # an earlier release may not have had it
                    found.update(pc.unique(rows[name]).to_pylist())
        return frozenset(found - {None})

    def parts(self, model_version: str) -> list[Path]:
        """All parts of a version, newest day first."""
        return [part for day in self._days(model_version) for part in sorted(day.glob("*.parquet"))]

    def next_part_name(self) -> str:
        """The name of a part that is written now: after all that lie in the log, confirmed diagnoses too."""
        there = [*self.predictions.glob("*/*/*.parquet*")]
        for name in (CONFIRMATIONS, SORTINGS):
            there += (self.folder / name).glob("*.parquet*")
        return next_part_name(there)

    def index(self) -> KeyIndex | None:
        """What the key columns of all parts hold, as hashes; None where there is no cache to keep it in."""
        if self.cache is None:
            return None
        return key_index(self.cache / "prediction_log_keys.arrow", self._all_parts())

    def _all_parts(self) -> list[Path]:
        return [part for version in self.model_versions() for part in self.parts(version)]

    def _that_may_hold(self, any_of: Mapping[str, Collection[str]], versions: Sequence[str]) -> list[Path]:
        parts = [part for version in versions for part in self.parts(version)]
        index = self.index() if set(any_of) <= set(INDEXED) else None
        return parts if index is None else index.may_hold(parts, any_of)

    def _days(self, model_version: str) -> Iterator[Path]:
        """Day folders of a version, newest first."""
        _check_version(model_version)
        yield from sorted((self.predictions / f"model_version={model_version}").glob("day=*"), reverse=True)


def version_of(part: Path) -> str:
    """The model version that a part belongs to."""
    return part.parent.parent.name.partition("=")[2]


def probability_columns(table: pd.DataFrame) -> list[str]:
    """`p_<class>` columns that hold something."""
    return [name for name in map(str, table.columns) if name.startswith("p_") and table[name].notna().any()]


def _check_version(model_version: str) -> None:
    if not VERSION.fullmatch(model_version):
        raise PredictionLogError(f"a model version is letters, digits, '.', '_' or '-', not {model_version!r}")
