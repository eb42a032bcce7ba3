"""HAM10000 (Tschandl et al. 2018): dermoscopic photographs of four acquisition sources, Vienna and Queensland."""

from __future__ import annotations

from pathlib import Path

from dermai.data.tables import read_text_table
from dermai.ingest.delivery import Delivery, PhotographFiles, metadata_file, number

COLUMNS = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")
CONFIRMATION = {"histo": "histology", "consensus": "consensus", "confocal": "confocal", "follow_up": "follow_up"}


def read_ham10000(folder: Path) -> Delivery:
    """`HAM10000_metadata.csv` and the photographs of both parts; no patients, so a lesion stands for one."""
    table = read_text_table(metadata_file(folder, "HAM10000_metadata*"), COLUMNS)
    files = PhotographFiles(folder)
    rows = (
        {
            "file": files.find(row["image_id"], f"{row['image_id']}.jpg"),
            "case": row["lesion_id"],
            "patient": row["lesion_id"],
            "lesion": row["lesion_id"],
            "label": row["dx"],
            "site": row.get("dataset", ""),
            "view": "dermoscopic",
            "age": number(row["age"]),
            "sex": _known(row["sex"]),
            "body_site": _known(row["localization"]),
            "confirmed_by": CONFIRMATION.get(row["dx_type"], ""),
        }
        for row in table.to_dict("records")
    )
    return Delivery.of("ham10000", folder, rows)


def _known(text: str) -> str:
    return "" if text == "unknown" else text
