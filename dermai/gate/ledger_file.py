"""The test-set ledger as a file: JSON lines, appended to and never changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from dermai.errors import DermaiError
from dermai.files import sync_folder
from dermai.gate.ledger import LedgerLine, Result, Use

LINE: TypeAdapter[Use | Result] = TypeAdapter(LedgerLine)


class LedgerDamaged(DermaiError):
    """The test-set ledger cannot be read."""


def read_lines(ledger: Path) -> list[Use | Result]:
    """All lines; a last line that a crash cut short is left out.

    Raises:
        LedgerDamaged: another line cannot be read.
    """
    if not ledger.is_file():
        return []
    found: list[Use | Result] = []
    *whole, _cut = ledger.read_bytes().split(b"\n")
    for number, line in enumerate(whole, start=1):
        try:
            found.append(LINE.validate_json(line))
        except ValidationError:
            raise LedgerDamaged(f"{ledger} line {number} cannot be read: restore the file from a backup") from None
    return found


def append_line(ledger: Path, line: Use | Result) -> None:
    """Write one line and make it last; whatever a crash left half written is cut off first."""
    ledger.parent.mkdir(parents=True, exist_ok=True)
    with ledger.open("a+b") as stream:
        stream.seek(0)
        content = stream.read()
        stream.truncate(content.rfind(b"\n") + 1)
        text = json.dumps(line.model_dump(mode="json"), separators=(",", ":"), ensure_ascii=False)
        stream.write(text.encode("utf-8") + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(ledger.parent)
