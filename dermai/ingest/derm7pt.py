"""derm7pt (Kawahara et al. 2019), the paper's EDRA: a clinical and a dermoscopic photograph of each case."""

from __future__ import annotations

from pathlib import Path

from dermai.data.cases import read_text_table
from dermai.errors import InvalidCases
from dermai.ingest.delivery import Delivery, files_below, metadata_file

COLUMNS = ("case_num", "diagnosis", "location", "sex", "clinic", "derm")
VIEWS = {"clinic": "macroscopic", "derm": "dermoscopic"}
INDEXES = {"train_indexes.csv": "train", "valid_indexes.csv": "validation", "test_indexes.csv": "test"}


def read_derm7pt(folder: Path, published_split: bool = False) -> Delivery:
    """`meta/meta.csv` and `images/`; no patients, so a case stands for one. Letter case of paths is forgiven.

    With `published_split`, the cases keep the publisher's split instead of being drawn.
    """
    meta = metadata_file(folder, "meta.csv")
    images = meta.parent.parent / "images"
    prefix = images.relative_to(folder).as_posix() if images.is_dir() else "images"
    files = {file.casefold(): file for file in files_below(images)}
    table = read_text_table(meta, COLUMNS)
    splits = _published_splits(meta.parent, len(table)) if published_split else {}
    rows = (
        {
            "file": f"{prefix}/{files.get(row[column].strip().casefold(), row[column].strip())}",
            "case": row["case_num"],
            "patient": row["case_num"],
            "lesion": row["case_num"],
            "label": row["diagnosis"],
            "site": "edra",
            "view": view,
            "sex": row["sex"].lower(),
            "body_site": row["location"],
            "split": splits.get(place, ""),
        }
        for place, row in enumerate(table.to_dict("records"))
        for column, view in VIEWS.items()
        if row[column].strip()
    )
    return Delivery.of("edra", folder, rows)


def _published_splits(folder: Path, cases: int) -> dict[int, str]:
    """The publisher's split by place in meta.csv."""
    splits: dict[int, str] = {}
    for name, split in INDEXES.items():
        if (folder / name).is_file():
            for text in read_text_table(folder / name, ("indexes",))["indexes"]:
                if not text.strip().isdecimal() or int(text) >= cases:
                    raise InvalidCases(f"{name}: {text!r} is not a row of meta.csv (0 to {cases - 1})")
                splits[int(text)] = split
    return splits
