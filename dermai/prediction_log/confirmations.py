"""Diagnoses that come back for triaged cases: their own append-only, signed parts beside the predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from dermai.data.sender_numbers import SenderNumbers
from dermai.data.tables import csv_text, read_text_table
from dermai.files import write_text
from dermai.gate.reference_standard import KINDS, kind_of, strength
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import LOGGED_AT, DamagedPart, read_in_order, table_bytes
from dermai.prediction_log.signed_parts import recording, signed_parts, write_signed_part
from dermai.prediction_log.standing_diagnoses import (
    AGREES,
    SENT_BY,
    newest_diagnoses,
    standing_diagnoses,
    why_not_signed,
)
from dermai.prediction_log.triaged_cases import TriagedCases
from dermai.taxonomy import load_taxonomy

REQUIRED = ("case_id", "diagnosis")
FILE_COLUMNS = ("case_id", "lesion_id", "diagnosis", "confirmed_by", "confirmed_on")
COLUMNS = (*FILE_COLUMNS, "signed_by", "note", SENT_BY)
SCHEMA = pa.schema(
    [*((name, pa.string()) for name in COLUMNS), (AGREES, pa.bool_()), ("recorded_at", pa.timestamp("us", tz="UTC"))]
)
KNOWN_UNTIL = "known_until"  # of a signed row: `written` of the newest diagnosis that its signer saw, 0 where none


@dataclass(frozen=True)
class Confirmed:
    """What an intake of diagnoses did."""

    accepted: int
    known: int  # already recorded, with the same diagnosis
    refused: pd.DataFrame  # the rows that were not taken, as they were handed in, with `reason`
    refused_file: Path | None  # they lie beside the file that was handed in; None where that folder takes no file


@dataclass(frozen=True)
class Recorded:
    """What became of the rows: how many are new, how many were known, and why the others were not taken ("" where)."""

    accepted: int
    known: int
    reasons: pd.Series


def confirm(log: PredictionLog, file: Path, correct: bool = False, numbers: SenderNumbers | None = None) -> Confirmed:
    """Record the diagnoses of a CSV file with `case_id`, `diagnosis`, and optionally the other columns.

    Good rows are recorded even when others are not: an unknown case, a diagnosis outside the taxonomy, or one that
    disagrees with another row or with the record is set aside, with the reason, in a file beside the one handed in.
    With `correct` a diagnosis may replace the recorded one; the old row stays in the log and the one written last
    counts. Cases and lesions are named as on the worklist, or with the sender's own numbers where `numbers` knows how
    those are hidden; a `patient_id` beside them must be the triaged one. Diagnoses are codes or names of the taxonomy.
    The same diagnosis is recorded again where `confirmed_by` says more than before, such as histology after a reading.

    Raises:
        InvalidCases: the file is not such a table.
        PredictionLogError: the log cannot be written.
        AuditLogDamaged: the audit log, which names each part, does not verify.
    """
    given = read_text_table(file, REQUIRED).map(str.strip)
    given = given.reset_index(drop=True)
    rows = given.reindex(columns=[*FILE_COLUMNS, "patient_id"], fill_value="")
    done = record_diagnoses(log, rows, correct, numbers)
    refused = given.assign(reason=done.reasons)[done.reasons != ""].reset_index(drop=True)
    return Confirmed(done.accepted, done.known, refused, _set_aside(file, refused))


def record_diagnoses(
    log: PredictionLog, given: pd.DataFrame, correct: bool = False, numbers: SenderNumbers | None = None
) -> Recorded:
    """Record rows with `COLUMNS` and `patient_id`, from a file or signed by an account: see `confirm`.

    Of a row that a program sent, `sent_by` is how its token begins. A signed row is one whose `signed_by` names the
    account; it also has `KNOWN_UNTIL`. It is refused where somebody signed after that, and where it would replace a
    diagnosis by a weaker kind of confirmation. Else it is always a new entry, and may correct what its signer saw.

    Raises:
        PredictionLogError: the log cannot be written.
        AuditLogDamaged: the audit log, which names each part, does not verify.
    """
    rows = given.reset_index(drop=True).reindex(columns=[*COLUMNS, "patient_id", KNOWN_UNTIL])
    rows[[*COLUMNS, "patient_id"]] = rows[[*COLUMNS, "patient_id"]].fillna("")
    codes = known_diagnoses()
    with recording(log):
        triaged = TriagedCases.read(log, rows["case_id"], numbers)
        standing = standing_diagnoses(_rows(log)[0])
        reasons, kept = [], []
        for place, row in rows.iterrows():
            code = codes.get(row["diagnosis"].casefold())
            case, lesion, reason = triaged.find(row["case_id"], row["lesion_id"], row["patient_id"])
            before, kind = standing.get((case, lesion)), kind_of(row["confirmed_by"])
            if not reason and code is None:
                reason = f"diagnosis {row['diagnosis']!r} is not in the taxonomy: use {_choices()}"
            elif not reason and kind is None:
                reason = f"confirmed_by {row['confirmed_by']!r} is not known: use {', '.join(KINDS)}, or leave it empty"
            elif not reason and row["signed_by"]:
                reason = why_not_signed(code or "", kind or "", int(row[KNOWN_UNTIL]), before)
            elif not reason and before and before.diagnosis != code and not correct:
                reason = f"recorded as {before.diagnosis} before: if that was wrong, run again with --correct"
            reasons.append(reason)
            agrees = before is not None and before.diagnosis == code and strength(kind or "") <= strength(before.kind)
            kept.append(not agrees or row["signed_by"] != "")
            rows.loc[place, ["case_id", "lesion_id", "diagnosis"]] = (case, lesion, code or row["diagnosis"])
            rows.loc[place, ["confirmed_by", AGREES]] = (kind or "", agrees)
        rows["reason"], rows["kept"] = reasons, kept
        good = rows[rows["reason"] == ""]
        diagnoses = good.groupby(["case_id", "lesion_id"])["diagnosis"].transform("nunique")
        rows.loc[diagnoses.index[diagnoses > 1], "reason"] = "two rows of this file disagree: keep the right one"
        good = rows[rows["reason"] == ""].drop_duplicates(["case_id", "lesion_id"])
        fresh = good[good["kept"].astype(bool)]
        _append(log, fresh)
    return Recorded(len(fresh), len(good) - len(fresh), rows["reason"])


def known_diagnoses() -> dict[str, str]:
    """Codes by what a diagnosis may be called, in lower case: code, name in any language, or both as on the worklist.

    >>> known_diagnoses()["malignant melanoma"], known_diagnoses()["melanoma maligno (mm)"]
    ('MM', 'MM')
    """
    taxonomy = load_taxonomy()
    names = [(code, lesion.name) for code, lesion in taxonomy.classes.items()]
    names += [(code, name) for of_language in taxonomy.names.values() for code, name in of_language.items()]
    return {word.casefold(): code for code, name in names for word in (code, name, f"{name} ({code})")}


def _choices() -> str:
    return ", ".join(f"{code} ({lesion.name})" for code, lesion in load_taxonomy().classes.items())


def _set_aside(file: Path, refused: pd.DataFrame) -> Path | None:
    """Beside the sender's file, since the rows hold the sender's numbers: those stay out of the workspace."""
    if refused.empty:
        return None
    path = file.with_name(f"{file.stem}-set-aside.csv")
    try:
        write_text(path, csv_text(refused))
    except OSError:
        return None
    return path


def read_confirmations(log: PredictionLog) -> tuple[pd.DataFrame, tuple[DamagedPart, ...]]:
    """The newest diagnosis of each lesion, and the parts that cannot be read or are not as they were recorded.

    Raises:
        AuditLogDamaged: the audit log, which names each part, does not verify.
    """
    rows, damaged = _rows(log)
    return newest_diagnoses(rows), damaged


def confirmation_problems(log: PredictionLog) -> tuple[str, ...]:
    """What is wrong with the confirmed diagnoses, a sentence a part; nothing may be decided on them meanwhile."""
    return tuple(str(part) for part in read_confirmations(log)[1])


def read_every_confirmation(log: PredictionLog) -> pd.DataFrame:
    """Every diagnosis that ever came back, corrected ones too, in the order of writing, of parts that are as recorded.

    Second opinions that agree are left out: they change nothing. `read_entries` has them.

    Raises:
        AuditLogDamaged: the audit log, which names each part, does not verify.
    """
    entries = _rows(log)[0]
    return entries[~entries[AGREES]].reset_index(drop=True)


def read_entries(log: PredictionLog) -> tuple[pd.DataFrame, tuple[DamagedPart, ...]]:
    """Every row that was recorded or signed, second opinions too, in the order of writing, and the damaged parts.

    Raises:
        AuditLogDamaged: the audit log, which names each part, does not verify.
    """
    return _rows(log)


def with_diagnoses(log: PredictionLog, rows: pd.DataFrame) -> pd.DataFrame:
    """Predictions with the confirmed `diagnosis` and `confirmed_by` beside them, "" where none has come back."""
    known = read_confirmations(log)[0][["case_id", "lesion_id", "diagnosis", "confirmed_by"]]
    joined = rows.merge(known, on=["case_id", "lesion_id"], how="left", validate="many_to_one")
    joined.index = rows.index
    return joined.assign(diagnosis=joined["diagnosis"].fillna(""), confirmed_by=joined["confirmed_by"].fillna(""))


def _rows(log: PredictionLog) -> tuple[pd.DataFrame, tuple[DamagedPart, ...]]:
    """All rows in the order of writing, whatever the clock showed; `written` is the place of their part in it."""
    parts = signed_parts(log)
    found, unreadable = read_in_order(parts.sound, SCHEMA)
    text = found[["signed_by", "note", SENT_BY]].fillna("")  # parts of earlier releases know none of them
    return found.assign(**text, **{AGREES: found[AGREES].eq(True)}).drop(columns=LOGGED_AT), (
        *parts.damaged,
        *unreadable,
    )


def _append(log: PredictionLog, rows: pd.DataFrame) -> None:
    if rows.empty:
        return
    stamped = rows[[*COLUMNS, AGREES]].assign(recorded_at=pd.Timestamp.now(tz="UTC"))
    table = pa.Table.from_pandas(stamped, schema=SCHEMA, preserve_index=False)
    write_signed_part(log, log.next_part_name(), table_bytes(table), len(stamped))
