"""The ISIC Archive's export: photographs of many contributors, a licence each, diagnoses from coarse to fine.

Columns and values as in the archive's own package isic-metadata, of releases with `diagnosis_1` to `diagnosis_5` and of
earlier ones with one `diagnosis`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from pathlib import Path

import pandas as pd

from dermai.data.tables import read_text_table
from dermai.errors import InvalidCases
from dermai.ingest.delivery import Delivery, PhotographFiles, metadata_file, number
from dermai.ingest.most_specific import most_specific

SOURCE = "isic_archive"
COLUMNS = ("isic_id", "attribution", "copyright_license")
FINE_TO_COARSE = ("diagnosis_5", "diagnosis_4", "diagnosis_3", "diagnosis_2", "diagnosis_1")
EARLIER = ("diagnosis", "benign_malignant")
SYNTHETIC = "synthetic photograph"  # in no label map, so that it is quarantined
CONFIRMATION = {
    "histopathology": "histology",
    "confocal microscopy with consensus dermoscopy": "confocal",
    "single image expert consensus": "consensus",
    "serial imaging showing no change": "follow_up",
    "single contributor clinical assessment": "reading",
}
VIEWS = {
    "clinical: close-up": "macroscopic", "tbp tile: close-up": "macroscopic", "clinical": "macroscopic",
    "clinical: overview": "anatomical", "tbp tile: overview": "anatomical", "overview": "anatomical",
}  # fmt: skip


def read_isic_archive(folder: Path) -> Delivery:
    """`metadata.csv`, and the photographs anywhere below the folder, matched by `isic_id`.

    `attribution` becomes the site. Where the patient is not known, another photograph of the lesion may name them;
    else the lesion, or the photograph, stands for a patient. Pictures of a confocal microscope keep their kind as the
    view, which is none of ours, so that they are quarantined.

    Raises:
        InvalidCases: the table names no diagnosis at all.
    """
    table = read_text_table(metadata_file(folder, "metadata.csv"), COLUMNS)
    if not {*FINE_TO_COARSE, *EARLIER} & set(table.columns):
        raise InvalidCases(f"metadata.csv in {folder} has none of diagnosis_1 to diagnosis_5, diagnosis: export them")
    files = PhotographFiles(folder)
    patients = _patients(table)
    stands_in: Counter[str] = Counter()

    def read(row: Mapping[Hashable, str]) -> dict[str, str]:
        lesion, patient = row.get("lesion_id", ""), row.get("patient_id", "")
        known = patient or patients.get(lesion, "")
        stands_in["" if known else "lesion" if lesion else "photograph"] += 1
        return {
            "file": files.find(row["isic_id"], f"{row['isic_id']}.jpg"),
            "case": lesion or row["isic_id"],
            "patient": known or lesion or row["isic_id"],
            "lesion": lesion or row["isic_id"],
            "label": _label(row),
            "site": row["attribution"],
            "view": _view(row.get("image_type", "")),
            "age": number(row.get("age_approx", "")),
            "sex": row.get("sex", ""),
            "body_site": row.get("anatom_site_general", ""),
            "skin_type": row.get("fitzpatrick_skin_type", ""),
            "confirmed_by": _confirmed_by(row.get("diagnosis_confirm_type", "")),
            "licence": row["copyright_license"],
        }

    rows = [read(row) for row in table.to_dict("records")]
    notes = [
        f"of {count} photographs the patient is not known and the {unit} stands for one: "
        "one patient may be in train and test under two names"
        for unit, count in sorted(stands_in.items())
        if unit
    ]
    return Delivery.of(SOURCE, folder, rows, notes)


def _patients(table: pd.DataFrame) -> dict[str, str]:
    """The patient of each lesion of which any photograph names one."""
    if not {"lesion_id", "patient_id"} <= set(table.columns):
        return {}
    named = table[(table["lesion_id"] != "") & (table["patient_id"] != "")]
    return dict(zip(named["lesion_id"], named["patient_id"], strict=True))


def _label(row: Mapping[Hashable, str]) -> str:
    if row.get("image_manipulation", "").lower() == "synthetic":
        return SYNTHETIC
    columns = FINE_TO_COARSE if any(row.get(name, "") for name in FINE_TO_COARSE) else EARLIER
    return most_specific(SOURCE, (row.get(name, "") for name in columns))


def _view(image_type: str) -> str:
    return VIEWS.get(image_type.lower(), image_type.lower())


def _confirmed_by(text: str) -> str:
    """In our words; a kind that we do not know confirms nothing."""
    return CONFIRMATION.get(text.lower(), "")
