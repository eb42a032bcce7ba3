"""PAD-UFES-20 (Pacheco et al. 2020): smartphone photographs with clinical columns, Brazil."""

from __future__ import annotations

from pathlib import Path

from dermai.data.cases import SYMPTOMS
from dermai.data.tables import read_text_table
from dermai.ingest.delivery import Delivery, PhotographFiles, metadata_file, number

COLUMNS = ("patient_id", "lesion_id", "age", "gender", "fitspatrick", "region", "diagnostic", "img_id", "biopsed")
ANSWERS = {"true": "yes", "false": "no", "unk": ""}  # UNK: the patient does not know


def read_pad_ufes_20(folder: Path) -> Delivery:
    """`metadata.csv`, and the photographs anywhere below the folder, matched by stem.

    The publisher numbers lesions across patients with collisions: a lesion is a patient and a number. What was not
    biopsied was diagnosed by a consensus of dermatologists (Data in Brief 32 (2020) 106221).
    """
    table = read_text_table(metadata_file(folder, "metadata.csv"), COLUMNS)
    files = PhotographFiles(folder)
    rows = (
        {
            "file": files.find(row["img_id"], row["img_id"]),
            "case": f"{row['patient_id']}/{row['lesion_id']}",
            "patient": row["patient_id"],
            "lesion": f"{row['patient_id']}/{row['lesion_id']}",
            "label": row["diagnostic"],
            "site": "ufes",
            "view": "macroscopic",
            "age": number(row["age"]),
            "sex": row["gender"].lower(),
            "body_site": row["region"].lower(),
            "skin_type": number(row["fitspatrick"]),
            "device": "smartphone",
            "confirmed_by": "histology" if row["biopsed"].lower() == "true" else "consensus",
            **{name: ANSWERS.get(row.get(name, "").lower(), row.get(name, "")) for name in SYMPTOMS},
        }
        for row in table.to_dict("records")
    )
    return Delivery.of("pad_ufes_20", folder, rows)
