"""What a table of cases leaves empty and its DICOM files know: patient, case, day, body site and view."""

from __future__ import annotations

import logging
import warnings
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from dermai.ingest.dicom_photographs import DERMOSCOPIC, SECONDARY_CAPTURE, read_header
from dermai.ingest.file_names import locate
from dermai.ingest.formats import is_dicom
from dermai.ingest.limits import check_bytes

if TYPE_CHECKING:
    from pydicom import Dataset

DAYS = ("AcquisitionDateTime", "AcquisitionDate", "ContentDate", "StudyDate")  # the nearest to the photograph first
TAGS = (
    "SOPClassUID", "BurnedInAnnotation", "PatientID", "PatientIdentityRemoved", "AccessionNumber", "StudyInstanceUID",
    "AnatomicRegionSequence", "BodyPartExamined", *DAYS,
)  # fmt: skip
NUMBERS = ("patient", "case")


def with_dicom_columns(table: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, list[str]]:
    """The rows, all text, with empty cells filled in from the DICOM files that they name, and what to say of it.

    `table` has `file`, `patient` and `case` in the sender's own numbers, which become pseudonyms later as those of any
    row do; its index counts the rows from 0. A cell that is filled in is never changed. Of a file that cannot be read
    nothing is taken: its photograph is refused elsewhere.
    """
    filled, folder = table.copy(), folder.resolve()
    numbered: list[int] = []
    unsaid: list[int] = []
    for row, given in zip(table.index.tolist(), table.to_dict("records"), strict=True):
        known, silent = _known(folder, given["file"])
        for column, value in known.items():
            if value and not given.get(column, "").strip():
                filled.loc[row, column] = value
                if column in NUMBERS and row not in numbered:
                    numbered.append(row)
        if silent:
            unsaid.append(row)
    notes = []
    if numbered:
        notes.append(f"{_lines(numbered)} of the table: the patient or case number is that of the DICOM file")
    if unsaid:
        said = "a Secondary Capture that does not say whether writing is burnt into the picture: look whether a name is"
        notes.append(f"{_lines(unsaid)} of the table: {said}")
    return filled.fillna(""), notes


def _known(folder: Path, file: str) -> tuple[dict[str, str], bool]:
    """What a DICOM file says for each column, and whether it is a screenshot that says nothing of writing in it.

    Nothing of a file that is none or cannot be read.
    """
    try:
        path = locate(folder, file)
        check_bytes(path.stat().st_size)
        if not is_dicom(path):
            return {}, False
        logging.getLogger("pydicom").setLevel(logging.ERROR)  # its warnings may quote what a tag holds
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = read_header(path, TAGS)
            screenshot = header.get("SOPClassUID") == SECONDARY_CAPTURE
            return _values(header), screenshot and not _text(header, "BurnedInAnnotation")
    except Exception:  # whatever pydicom raises on a damaged file, now or when a tag is looked at
        return {}, False


def _values(header: Dataset) -> dict[str, str]:
    return {
        "patient": _patient(header),
        "case": _text(header, "AccessionNumber") or _text(header, "StudyInstanceUID"),
        "acquired_on": _day(header),
        "body_site": _body_site(header),
        "view": "dermoscopic" if header.get("SOPClassUID") == DERMOSCOPIC else "",
    }


def _patient(header: Dataset) -> str:
    """The patient's number; none where it was taken out, since what stands there then may be one for all patients."""
    number = _text(header, "PatientID")
    removed = _text(header, "PatientIdentityRemoved").upper() == "YES" or "anon" in number.casefold()
    return "" if removed else number


def _day(header: Dataset) -> str:
    """The day of the photograph like 2026-03-01; "" where no tag holds one."""
    for tag in DAYS:
        with suppress(ValueError):
            return datetime.strptime(_text(header, tag)[:8], "%Y%m%d").date().isoformat()
    return ""


def _body_site(header: Dataset) -> str:
    regions = list(header.get("AnatomicRegionSequence") or [])
    coded = _text(regions[0], "CodeMeaning") if regions else ""
    return (coded or _text(header, "BodyPartExamined").replace("_", " ")).lower()


def _text(header: Dataset, tag: str) -> str:
    return str(header.get(tag) or "").strip()


def _lines(rows: list[int]) -> str:
    """Rows as the lines of a table with a header.

    >>> _lines([0]), _lines([0, 4, 5])
    ('line 2', 'lines 2, 6, 7')
    """
    return f"line{'s' if len(rows) > 1 else ''} {', '.join(str(row + 2) for row in rows)}"
