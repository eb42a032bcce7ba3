"""New, unlabelled cases: a folder with `cases.csv` and the photographs it names."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from dermai.data.cases import SYMPTOMS, read_text_table
from dermai.data.pseudonyms import Pseudonyms
from dermai.errors import InvalidCases
from dermai.ingest.delivery import Delivery

REQUIRED = ("image", "case_id", "patient_id")
CLINICAL = ("site", "view", "age", "sex", "body_site", "skin_type", "device", *SYMPTOMS)
SOURCE = "dermai"
SEXES = {"f": "female", "m": "male"}


def read_referrals(folder: Path, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """One row a photograph: file, case_id, patient_id, lesion_id (pseudonyms) and the clinical columns.

    A diagnosis, where one is given, is not read. A case without `lesion_id` shows one lesion.

    Raises:
        InvalidCases: no such table, or a row without case, patient or photograph.
    """
    path = folder / "cases.csv"
    if not path.is_file():
        raise InvalidCases(f"{folder} holds no cases.csv: expected one with {', '.join(REQUIRED)}")
    table = read_text_table(path, REQUIRED)
    if table.empty:
        raise InvalidCases(f"{path} has a header and no cases")
    for name in REQUIRED:
        blank = table.index[table[name].str.strip() == ""]
        if len(blank):
            raise InvalidCases(f"{path.name}: line {blank[0] + 2}: {name} is empty")
    names = {"image": "file", "case_id": "case", "patient_id": "patient", "lesion_id": "lesion"}
    known = [name for name in (*names, *CLINICAL) if name in table]
    rows = Delivery.of(SOURCE, folder, _records(table[known].rename(columns=names))).rows
    lesions = rows["lesion"].where(rows["lesion"] != "", rows["case"])
    return pd.DataFrame(
        {
            "file": rows["file"],
            "case_id": [pseudonyms.case(SOURCE, case) for case in rows["case"]],
            "patient_id": [pseudonyms.patient(SOURCE, patient) for patient in rows["patient"]],
            "lesion_id": [
                pseudonyms.lesion(SOURCE, f"{patient}/{lesion}")
                for patient, lesion in zip(rows["patient"], lesions, strict=True)
            ],
            **{name: rows[name] for name in CLINICAL if name not in ("age", "sex")},
            "sex": rows["sex"].str.lower().replace(SEXES),
            "age": pd.to_numeric(rows["age"], errors="coerce"),
        }
    )


def _records(table: pd.DataFrame) -> list[dict[str, str]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
