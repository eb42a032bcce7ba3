"""Dermofit (Ballerini et al. 2013, University of Edinburgh): one folder a class, a mask beside each photograph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from dermai.errors import InvalidCases
from dermai.ingest.delivery import Delivery, files_below
from dermai.taxonomy import load_taxonomy


def read_dermofit(folder: Path) -> Delivery:
    """Photographs below class folders, however nested (`AK/AK/A1/A1.png`); every photograph is a lesion of its own."""
    if not folder.is_dir():
        raise InvalidCases(f"{folder} is not a folder")
    return Delivery.of("dermofit", folder, _rows(folder))


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    classes = {label.casefold(): label for label in load_taxonomy().sources["dermofit"]}
    seen: dict[str, str] = {}
    for file in files_below(folder):
        path = PurePosixPath(file)
        if path.stem.casefold().endswith("mask"):
            continue
        label = next((classes[part.casefold()] for part in path.parts[:-1] if part.casefold() in classes), None)
        if label is None:  # the folder's own name: an unknown label that the reader can recognise
            label = path.parts[0] if len(path.parts) > 1 else ""
        lesion = f"{label}/{path.stem}"
        if lesion in seen:
            raise InvalidCases(f"{file} and {seen[lesion]} are called the same: keep the photograph, not its preview")
        seen[lesion] = file
        yield {
            "file": file,
            "case": lesion,
            "patient": lesion,
            "lesion": lesion,
            "label": label,
            "site": "edinburgh",
            "view": "macroscopic",
        }
