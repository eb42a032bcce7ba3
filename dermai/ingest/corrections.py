"""Diagnoses that a delivery gives otherwise than the dataset."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dermai.gate.reference_standard import strength
from dermai.ingest.intake_report import NO_PLACE
from dermai.ingest.row_checks import Problems
from dermai.ingest.same_photographs import RESOLVE


def correction_lines(corrections: pd.DataFrame, known: pd.DataFrame) -> list[str]:
    """What the delivery says otherwise than the dataset, a line a photograph."""
    recorded = dict(zip(known["image"], known["source_label"], strict=True))
    return [
        f"{row['file']} (case {row['case']!r}): {recorded[row['image']]} is now {row['source_label']}"
        for _, row in corrections.iterrows()
    ]


def better_confirmed(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Those of the delivered known photographs whose diagnosis is confirmed by more than the dataset says."""
    recorded = dict(zip(known["image"], known["confirmed_by"], strict=True))
    pairs = zip(rows["image"], rows["confirmed_by"], strict=True)
    better = [image in recorded and strength(kind) > strength(recorded[image]) for image, kind in pairs]
    return rows.loc[np.array(better, dtype=bool)]


def confirmation_lines(rows: pd.DataFrame, known: pd.DataFrame) -> list[str]:
    """What the delivery says of known diagnoses is confirmed by more, a line a photograph."""
    recorded = dict(zip(known["image"], known["confirmed_by"], strict=True))
    return [
        f"{row['file']} (case {row['case']!r}): confirmed by {recorded[row['image']] or 'nothing known'}, "
        f"now by {row['confirmed_by']}"
        for _, row in rows.iterrows()
    ]


def confirm_diagnoses(known: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The dataset with what these photographs' lesions are confirmed by now."""
    now = dict(zip(rows["lesion_id"], rows["confirmed_by"], strict=True))
    return known.assign(confirmed_by=known["lesion_id"].map(now).fillna(known["confirmed_by"]))


def correct_diagnoses(known: pd.DataFrame, corrections: pd.DataFrame) -> pd.DataFrame:
    """The dataset with corrected diagnoses, for all photographs of the lesions they concern.

    What the diagnosis of before was confirmed by says nothing of the corrected one.
    """
    for column in ("source_label", "diagnosis", "confirmed_by"):
        now = dict(zip(corrections["lesion_id"], corrections[column], strict=True))
        known = known.assign(**{column: known["lesion_id"].map(now).fillna(known[column])})
    return known


def other_diagnosis_of_lesion(rows: pd.DataFrame, known: pd.DataFrame) -> Problems:
    """New photographs of a known lesion under another diagnosis than the lesion has."""
    recorded = dict(zip(known["lesion_id"], known["diagnosis"], strict=True))
    columns = (rows[name] for name in ("lesion", "lesion_id", "diagnosis"))
    return {
        row: (f"lesion {lesion!r} is known as {recorded[lesion_id] or NO_PLACE}", RESOLVE)
        for row, lesion, lesion_id, diagnosis in zip(rows.index, *columns, strict=True)
        if recorded.get(lesion_id, diagnosis) != diagnosis
    }
