"""Which of the entries about a lesion counts, and when an account may sign one more."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from dermai.gate.reference_standard import NAMES, strength
from dermai.language.messages import message
from dermai.prediction_log.parts import WRITTEN

SENT_BY = "sent_by"  # of an entry that a program sent: how its token begins
AGREES = "agrees"  # a signed entry that says no more than was recorded before: a second opinion


class Standing(NamedTuple):
    """What is recorded of a lesion: the diagnosis that counts with its kind, and the newest entry about it."""

    diagnosis: str
    kind: str
    written: int
    signed_by: str
    recorded_at: pd.Timestamp
    sent_by: str


def newest_diagnoses(entries: pd.DataFrame) -> pd.DataFrame:
    """Of entries in the order of writing the one about each lesion that counts.

    A second opinion that agrees changes nothing: a reading after histology leaves histology what counts.
    """
    changes = entries[~entries[AGREES]]
    return changes.drop_duplicates(["case_id", "lesion_id"], keep="last").reset_index(drop=True)


def standing_diagnoses(entries: pd.DataFrame) -> dict[tuple[str, str], Standing]:
    """By case and lesion, from entries in the order of writing."""
    found: dict[tuple[str, str], Standing] = {}
    columns = [
        "case_id",
        "lesion_id",
        "diagnosis",
        "confirmed_by",
        AGREES,
        WRITTEN,
        "signed_by",
        "recorded_at",
        SENT_BY,
    ]
    for case, lesion, diagnosis, kind, agrees, *newest in entries[columns].itertuples(index=False):
        before = found.get((case, lesion))
        if agrees and before is not None:
            found[(case, lesion)] = Standing(before.diagnosis, before.kind, *newest)
        else:
            found[(case, lesion)] = Standing(diagnosis, kind or "", *newest)
    return found


def why_not_signed(diagnosis: str, kind: str, known_until: int, before: Standing | None) -> str:
    """Why an account may not sign a diagnosis now; "" where it may.

    `known_until` is `written` of the newest entry that the signer saw, 0 where there was none; `before` what stands.
    """
    if before is None:
        return ""
    if before.written > known_until:
        values = {"diagnosis": before.diagnosis, "when": before.recorded_at.strftime("%Y-%m-%d %H:%M UTC")}
        if before.sent_by:
            return message(
                "the token %(token)s sent %(diagnosis)s on %(when)s: "
                "look at that, then sign yours as a second opinion or a correction",
                token=before.sent_by,
                **values,
            )
        if not before.signed_by:
            return message(
                "a file of diagnoses brought %(diagnosis)s on %(when)s: "
                "look at that, then sign yours as a second opinion or a correction",
                **values,
            )
        return message(
            "%(person)s signed %(diagnosis)s on %(when)s: "
            "look at that, then sign yours as a second opinion or a correction",
            person=before.signed_by,
            **values,
        )
    if before.diagnosis != diagnosis and strength(kind) < strength(before.kind):
        return message(
            "recorded as %(diagnosis)s by %(by)s: a correction rests on %(by)s or more, not on a %(kind)s",
            diagnosis=before.diagnosis,
            by=NAMES.get(before.kind, before.kind),
            kind=NAMES.get(kind, kind),
        )
    return ""
