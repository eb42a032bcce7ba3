"""New Derm.AI cases: a folder with `cases.csv` and the photographs it names."""

from __future__ import annotations

from pathlib import Path

from dermai.data.cases import SYMPTOMS
from dermai.data.tables import read_text_table
from dermai.errors import InvalidCases
from dermai.ingest.delivery import Delivery
from dermai.ingest.dicom_columns import with_dicom_columns

REQUIRED = {"image": "file", "case_id": "case", "patient_id": "patient", "diagnosis": "label"}
OPTIONAL = {
    "lesion_id": "lesion",
    **{
        name: name
        for name in (
            "source", "site", "view", "age", "sex", "body_site", "skin_type", "device", "acquired_on", "confirmed_by",
            "split", *SYMPTOMS,
        )
    },
}  # fmt: skip


def read_dermai_cases(folder: Path) -> Delivery:
    """`cases.csv` with one row a photograph; a case without `lesion_id` shows one lesion."""
    if not (folder / "cases.csv").is_file():
        raise InvalidCases(f"{folder} holds no cases.csv: expected one with {', '.join(REQUIRED)}")
    table = read_text_table(folder / "cases.csv", tuple(REQUIRED))
    if table.empty:
        raise InvalidCases(f"{folder / 'cases.csv'} has a header and no cases")
    unknown = [name for name in table.columns if name not in REQUIRED and name not in OPTIONAL]
    table = table.rename(columns={**REQUIRED, **OPTIONAL}).drop(columns=unknown)
    for name in set(OPTIONAL.values()) - set(table.columns):
        table[name] = ""
    table, said = with_dicom_columns(table, folder)
    table["lesion"] = table["lesion"].where(table["lesion"].str.strip() != "", table["case"])
    table["lesion"] = [
        f"{p}/{lesion}" if lesion else "" for p, lesion in zip(table["patient"], table["lesion"], strict=True)
    ]
    notes = [f"columns that the case table has no place for were left out: {', '.join(unknown)}"] if unknown else []
    return Delivery.of(
        "dermai", folder, [{str(k): v for k, v in row.items()} for row in table.to_dict("records")], [*notes, *said]
    )
