"""Texts and tables without a patient: what others have in the same file stays."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from dermai.files import write_bytes
from dermai.prediction_log.erasing import IN_ITS_PLACE, without_rows
from dermai.withdrawal.contents import PICTURE_IN_A_PAGE
from dermai.withdrawal.removals import delete
from dermai.withdrawal.traces import Traces

TEXTS = {".html", ".json", ".jsonl", ".csv", ".md", ".txt", ".yaml", ".yml", ".log"}
PAGES = {".html", ".md"}
NO_PICTURE = (
    b"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='160' height='24'%3E"
    b"%3Ctext y='16' font-size='12'%3Ewithdrawn%3C/text%3E%3C/svg%3E"
)


def redact(file: Path, traces: Traces) -> None:
    """Write a text again without the patient: each name becomes `withdrawn`.

    A page loses all its photographs: a heat map laid over one is another picture, and would not be recognised.
    """
    content = file.read_bytes()
    if file.suffix in PAGES:
        content = PICTURE_IN_A_PAGE.sub(NO_PICTURE, content)
    for word in traces.spoken:
        content = content.replace(word.encode(), IN_ITS_PLACE.encode())
    write_bytes(file, content)


def drop_rows(file: Path, traces: Traces) -> None:
    """Write a Parquet file again without the patient's rows; where none is left the file goes."""
    columns = pq.read_schema(file).names
    content = without_rows(file, traces.identifiers, traces.spoken, columns).content
    if content is None:
        delete(file)
    else:
        write_bytes(file, content)
