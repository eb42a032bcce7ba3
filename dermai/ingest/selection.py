"""Which patients of a delivery arrive now: a listed subset, or a share drawn the same way every time."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from dermai.data.identifiers import canonical_identifier, first_spellings
from dermai.data.splits import draw_order
from dermai.errors import InvalidCases


def parse_share(text: str) -> tuple[float, float]:
    """A part of the patients in draw order, such as `0:0.6` for the first 60 %.

    >>> parse_share("0.6:1")
    (0.6, 1.0)

    Raises:
        ValueError: not two rising numbers between 0 and 1.
    """
    low, colon, high = text.partition(":")
    share = (float(low), float(high)) if colon else (-1.0, -1.0)
    if not 0 <= share[0] < share[1] <= 1:
        raise ValueError(f"{text!r} is not a share such as 0:0.6")
    return share


def read_patients(path: Path) -> set[str]:
    """Patient ids, one a line, as the sender writes them.

    Raises:
        InvalidCases: the file is missing, not UTF-8, or empty.
    """
    try:
        patients = {line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()}
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidCases(f"{path} cannot be read as a list of patients: {error}") from None
    if not patients:
        raise InvalidCases(f"{path} names no patients: write one patient id a line")
    return patients


def select_patients(
    rows: pd.DataFrame, patients: Collection[str] | None, share: tuple[float, float] | None, seed: int
) -> pd.DataFrame:
    """The rows of the chosen patients.

    Raises:
        InvalidCases: a listed patient is not in the delivery, or no patient is left.
    """
    if patients is not None:
        delivered = rows["patient"].map(canonical_identifier)
        wanted = {canonical_identifier(patient): patient for patient in patients}
        missing = sorted(patient for form, patient in wanted.items() if form not in set(delivered))
        if missing:
            named = ", ".join(missing[:3])
            raise InvalidCases(f"{len(missing)} of the listed patients are not in the delivery: {named}")
        rows = rows[delivered.isin(list(wanted))]
    if share is not None:
        names = first_spellings(rows["patient"])
        drawn = sorted(set(names), key=lambda patient: draw_order(seed, f"arrival:{patient}"))
        first, last = (round(edge * len(drawn)) for edge in share)
        rows = rows[names.isin(drawn[first:last])]
    if rows.empty:
        raise InvalidCases("the selection leaves no patient")
    return rows.reset_index(drop=True)
