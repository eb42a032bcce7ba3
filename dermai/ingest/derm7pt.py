"""derm7pt (Kawahara et al. 2019), the paper's EDRA: a clinical and a dermoscopic photograph of each case."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path

from dermai.data.folds import HELD_OUT
from dermai.data.tables import read_text_table
from dermai.errors import InvalidCases
from dermai.ingest.delivery import Delivery, PhotographPaths, metadata_file

COLUMNS = ("case_num", "diagnosis", "location", "sex", "clinic", "derm")
# The publisher's split, and the fold of those who are no test patients where it decides it.
INDEXES = {
    "train_indexes.csv": ("train", ""),
    "valid_indexes.csv": ("train", HELD_OUT),
    "test_indexes.csv": ("test", ""),
}


def read_derm7pt(folder: Path, published_split: bool = False) -> Delivery:
    """`meta/meta.csv` and `images/`; no patients, so a case stands for one. Letter case of paths is forgiven.

    A case whose two columns name one file has a dermoscopic photograph only, as the publisher's notes say. With
    `published_split`, the cases keep the publisher's split instead of being drawn; its validation cases are the fold
    that a network holds out.

    Raises:
        InvalidCases: the folder lacks one of both, or a table is not the publisher's.
    """
    meta = metadata_file(folder, "meta.csv")
    images = meta.parent.parent / "images"
    if not images.is_dir() or not images.is_relative_to(folder):
        raise InvalidCases(f"{folder} holds {meta.name} and no images/ beside its folder: give the folder above both")
    prefix = images.relative_to(folder).as_posix()
    files = PhotographPaths(images)
    table = read_text_table(meta, COLUMNS).reset_index(drop=True)
    splits = _published_splits(meta.parent, len(table)) if published_split else {}
    nothing = ("", "")
    rows = (
        {
            "file": f"{prefix}/{files.find(named)}",
            "case": row["case_num"],
            "patient": row["case_num"],
            "lesion": row["case_num"],
            "label": row["diagnosis"],
            "site": "edra",
            "view": view,
            "sex": row["sex"].lower(),
            "body_site": row["location"],
            "split": splits.get(place, nothing)[0],
            "fold": splits.get(place, nothing)[1],
        }
        for place, row in enumerate(table.to_dict("records"))
        for view, named in _photographs(row).items()
    )
    return Delivery.of("edra", folder, rows, published_split=published_split)


def _photographs(row: Mapping[Hashable, str]) -> dict[str, str]:
    """The files of a case by view."""
    clinic, derm = row["clinic"].strip(), row["derm"].strip()
    if clinic.casefold() == derm.casefold():
        clinic = ""
    return {view: file for view, file in (("macroscopic", clinic), ("dermoscopic", derm)) if file}


def _published_splits(folder: Path, cases: int) -> dict[int, tuple[str, str]]:
    """The publisher's split, and a fold, by place in meta.csv."""
    splits: dict[int, tuple[str, str]] = {}
    for name, split in INDEXES.items():
        if (folder / name).is_file():
            for text in read_text_table(folder / name, ("indexes",))["indexes"]:
                if not text.strip().isdecimal() or int(text) >= cases:
                    raise InvalidCases(f"{name}: {text!r} is not a row of meta.csv (0 to {cases - 1})")
                splits[int(text)] = split
    return splits
