"""Fitzpatrick17k (Groh et al. 2021): photographs of two atlases with skin types; labels as the atlases file them."""

from __future__ import annotations

from pathlib import Path

from dermai.data.tables import read_text_table
from dermai.ingest.delivery import Delivery, PhotographFiles, metadata_file
from dermai.ingest.most_specific import most_specific

SOURCE = "fitzpatrick17k"
COLUMNS = ("md5hash", "label", "nine_partition_label")
LICENCE = "CC-BY-NC-SA-3.0"  # of the table; the photographs are the atlases'
UNKNOWN_SKIN_TYPE = "-1"
NOTE = (
    "no patient, no lesion and no reference standard is known of Fitzpatrick17k: each photograph stands for a patient, "
    "so that one patient may be in train and test, and no diagnosis counts as confirmed"
)


def read_fitzpatrick17k(folder: Path) -> Delivery:
    """`fitzpatrick17k.csv` and the photographs, called by their `md5hash` or by `url_alphanum`.

    Skin types are those of `fitzpatrick_scale` (in the first release `fitzpatrick`), else of `fitzpatrick_centaur`. A
    label that the publisher's own check calls wrong is in no label map, so that the photograph is quarantined.
    """
    table = read_text_table(metadata_file(folder, "fitzpatrick17k*.csv"), COLUMNS)
    files = PhotographFiles(folder)
    rows = []
    for row in table.to_dict("records"):
        named = row["md5hash"]
        file = files.find(named, "") or files.find(row.get("url_alphanum", "") or named, f"{named}.jpg")
        label = most_specific(SOURCE, (row["label"], row["nine_partition_label"]))
        types = (row.get(name, "") for name in ("fitzpatrick_scale", "fitzpatrick", "fitzpatrick_centaur"))
        known = (text.removesuffix(".0") for text in types)
        rows.append(
            {
                "file": file,
                "case": named,
                "patient": named,
                "lesion": named,
                "label": f"{row['label']}, wrongly labelled" if "wrong" in row.get("qc", "").lower() else label,
                "site": "atlas",
                "view": "macroscopic",
                "skin_type": next((text for text in known if text not in ("", UNKNOWN_SKIN_TYPE)), ""),
                "licence": LICENCE,
            }
        )
    return Delivery.of(SOURCE, folder, rows, [NOTE])
