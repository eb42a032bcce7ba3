"""A reading that a person signs in the browser: one row, recorded by the same function as a file of diagnoses."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import pandas as pd

from dermai.errors import DermaiError
from dermai.gate.reference_standard import KINDS
from dermai.language.messages import message
from dermai.prediction_log.confirmations import KNOWN_UNTIL, known_diagnoses, read_entries, record_diagnoses
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import WRITTEN

LONGEST_NOTE = 2000  # characters


class NotSigned(DermaiError):
    """A reading was not recorded; the message says why, and what to do."""


@dataclass(frozen=True)
class Reading:
    """What an account signs of one lesion; `known_until` is `written` of the newest entry that it saw, 0 for none."""

    case_id: str
    lesion_id: str
    diagnosis: str  # a code or a name of the taxonomy
    confirmed_by: str
    signed_by: str
    note: str = ""
    known_until: int = 0


def sign(log: PredictionLog, reading: Reading) -> bool:
    """Record a reading; False where exactly this one was recorded already, as when a form is sent twice.

    Of two who sign at once the second is told what the first has signed.

    Raises:
        NotSigned: it cannot be taken as it is.
        PredictionLogError: the log cannot be written.
        AuditLogDamaged: the audit log, which names each part, does not verify.
    """
    if not reading.signed_by.strip():
        raise NotSigned(message("a reading is signed by an account: sign in again"))
    if reading.confirmed_by not in KINDS:
        raise NotSigned(message("say what the diagnosis rests on: %(kinds)s", kinds=", ".join(KINDS)))
    note = clean_note(reading.note)
    row = {
        "case_id": reading.case_id, "lesion_id": reading.lesion_id, "diagnosis": reading.diagnosis,
        "confirmed_by": reading.confirmed_by, "signed_by": reading.signed_by.strip(), "note": note,
        KNOWN_UNTIL: reading.known_until,
    }  # fmt: skip
    reason = record_diagnoses(log, pd.DataFrame([row])).reasons.iloc[0]
    if not reason:
        return True
    if _recorded_since(log, row):
        return False
    raise NotSigned(message("not signed: %(why)s", why=reason))


def clean_note(text: str) -> str:
    """A note as it is kept: without control characters but line ends.

    Raises:
        NotSigned: it is too long.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    kept = "".join(letter for letter in lines if letter == "\n" or unicodedata.category(letter)[0] != "C")
    if len(kept) > LONGEST_NOTE:
        raise NotSigned(
            message("the note has %(count)s characters: shorten it to %(total)s", count=len(kept), total=LONGEST_NOTE)
        )
    return kept


def _recorded_since(log: PredictionLog, row: dict[str, object]) -> bool:
    """Whether this very row was recorded after what its signer saw."""
    entries = read_entries(log)[0]
    entries = entries[entries[WRITTEN] > row[KNOWN_UNTIL]]
    same = ("case_id", "lesion_id", "confirmed_by", "signed_by", "note")
    for name in same:
        entries = entries[entries[name] == row[name]]
    code = known_diagnoses().get(str(row["diagnosis"]).strip().casefold())
    return bool((entries["diagnosis"] == code).any())
