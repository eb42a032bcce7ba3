"""Diagnoses that come back for triaged cases: their own append-only parts beside the predictions."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dermai.data.cases import read_text_table
from dermai.files import locked, write_bytes
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import DamagedPart, write_part
from dermai.taxonomy import load_taxonomy

REQUIRED = ("case_id", "diagnosis")
COLUMNS = ("case_id", "lesion_id", "diagnosis", "confirmed_by", "confirmed_on")
SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS] + [("recorded_at", pa.timestamp("us", tz="UTC"))])


@dataclass(frozen=True)
class Confirmed:
    """What an intake of diagnoses did."""

    accepted: int
    known: int  # already recorded, with the same diagnosis
    refused: pd.DataFrame  # the rows that were not taken, with `reason`
    refused_file: Path | None


def confirm(
    log: PredictionLog, file: Path, correct: bool = False, pseudonym: Callable[[str], str] | None = None
) -> Confirmed:
    """Record the diagnoses of a CSV file with `case_id`, `diagnosis`, and optionally the other columns.

    Good rows are recorded even when others are not: an unknown case, a diagnosis outside the taxonomy, or one that
    disagrees with another row or with the record is set aside, with the reason, in a file of its own. With `correct`
    a diagnosis may replace the recorded one; the old row stays in the log and the newest counts. Cases are named as
    on the worklist, or with the sender's own numbers where `pseudonym` knows how those are hidden.

    Raises:
        InvalidCases: the file is not such a table.
        PredictionLogError: the log cannot be written.
    """
    incoming = read_text_table(file, REQUIRED).map(str.strip)
    incoming = incoming.reindex(columns=list(COLUMNS), fill_value="")
    known_codes = {code.casefold(): code for code in load_taxonomy().codes}
    with locked(log.folder / ".confirmations.lock"):
        named = set(incoming["case_id"])
        hidden = {} if pseudonym is None else {case: pseudonym(case) for case in named}
        lesions = scored_lesions(log, named.union(hidden.values()))
        incoming["case_id"] = [case if case in lesions else hidden.get(case, case) for case in incoming["case_id"]]
        recorded = read_confirmations(log)[0].set_index(["case_id", "lesion_id"])["diagnosis"].to_dict()
        reasons = []
        for case, lesion, diagnosis in zip(
            incoming["case_id"], incoming["lesion_id"], incoming["diagnosis"], strict=True
        ):
            code = known_codes.get(diagnosis.casefold())
            if case not in lesions:
                reasons.append("no photograph of this case was triaged: check the case number")
            elif code is None:
                reasons.append(f"diagnosis {diagnosis!r} is not in the taxonomy: use {', '.join(known_codes.values())}")
            elif lesion and lesion not in lesions[case]:
                reasons.append(f"the case has no lesion {lesion!r}: it has {', '.join(sorted(lesions[case]))}")
            elif not lesion and len(lesions[case]) > 1:
                reasons.append(f"the case has {len(lesions[case])} lesions: say which in lesion_id")
            else:
                before = recorded.get((case, lesion or next(iter(lesions[case]))))
                differs = before is not None and before != code and not correct
                reasons.append(
                    f"recorded as {before} before: if that was wrong, run again with --correct" if differs else ""
                )
        incoming["diagnosis"] = [known_codes.get(name.casefold(), name) for name in incoming["diagnosis"]]
        incoming["lesion_id"] = [
            lesion or (next(iter(lesions[case])) if len(lesions.get(case, ())) == 1 else "")
            for case, lesion in zip(incoming["case_id"], incoming["lesion_id"], strict=True)
        ]
        incoming["reason"] = reasons
        good = incoming[incoming["reason"] == ""]
        diagnoses = good.groupby(["case_id", "lesion_id"])["diagnosis"].transform("nunique")
        incoming.loc[diagnoses.index[diagnoses > 1], "reason"] = "two rows of this file disagree: keep the right one"
        refused = incoming[incoming["reason"] != ""]
        good = incoming[incoming["reason"] == ""].drop_duplicates(["case_id", "lesion_id"])
        fresh = [
            recorded.get((case, lesion)) != diagnosis
            for case, lesion, diagnosis in zip(good["case_id"], good["lesion_id"], good["diagnosis"], strict=True)
        ]
        refused_file = _set_aside(log, file, refused)
        _append(log, good[fresh])
    return Confirmed(sum(fresh), len(fresh) - sum(fresh), refused.reset_index(drop=True), refused_file)


def scored_lesions(log: PredictionLog, cases: Collection[str]) -> dict[str, set[str]]:
    """Lesions of each of these cases that any version has scored."""
    found: dict[str, set[str]] = {}
    for version in log.model_versions():
        scored = log.read(version, ["case_id", "lesion_id"], only=("case_id", cases)).table
        rows = scored[["case_id", "lesion_id"]].drop_duplicates()
        for case, lesion in zip(rows["case_id"], rows["lesion_id"], strict=True):
            found.setdefault(case, set()).add(lesion)
    return found


def read_confirmations(log: PredictionLog) -> tuple[pd.DataFrame, tuple[DamagedPart, ...]]:
    """The newest diagnosis of each lesion, and the parts that cannot be read."""
    tables, damaged = [], []
    for part in sorted((log.folder / "confirmations").glob("*.parquet")):
        try:
            tables.append(pq.read_table(part, schema=SCHEMA))
        except (OSError, pa.ArrowException) as error:
            damaged.append(DamagedPart(part, " ".join(str(error).split())[:200]))
    table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    rows = table.to_pandas().sort_values("recorded_at", kind="stable")
    return rows.drop_duplicates(["case_id", "lesion_id"], keep="last").reset_index(drop=True), tuple(damaged)


def with_diagnoses(log: PredictionLog, rows: pd.DataFrame) -> pd.DataFrame:
    """Predictions with the confirmed `diagnosis` beside them, "" where none has come back."""
    known = read_confirmations(log)[0][["case_id", "lesion_id", "diagnosis"]]
    joined = rows.merge(known, on=["case_id", "lesion_id"], how="left", validate="many_to_one")
    joined.index = rows.index
    return joined.assign(diagnosis=joined["diagnosis"].fillna(""))


def _append(log: PredictionLog, rows: pd.DataFrame) -> None:
    if rows.empty:
        return
    stamped = rows[list(COLUMNS)].assign(recorded_at=pd.Timestamp.now(tz="UTC"))
    _write(
        log.folder / "confirmations" / f"part-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}.parquet",
        pa.Table.from_pandas(stamped, schema=SCHEMA, preserve_index=False),
    )


def _write(path: Path, table: pa.Table) -> None:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_part(path, buffer.getvalue(), "no diagnosis was recorded")


def _set_aside(log: PredictionLog, file: Path, refused: pd.DataFrame) -> Path | None:
    if refused.empty:
        return None
    path = log.folder / "refused" / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{file.stem}.csv"
    write_bytes(path, refused.to_csv(index=False).encode("utf-8"))
    return path
