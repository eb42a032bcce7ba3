"""The test-set ledger of earlier releases, a file of JSON lines that is read once, to be taken over into the log."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from dermai.gate.ledger import LedgerLine, Lines

LINE: TypeAdapter[LedgerLine] = TypeAdapter(LedgerLine)


def read_ledger_file(file: Path) -> tuple[Lines, tuple[int, ...]]:
    """The lines that can be read, and the numbers of those that cannot; a last line that a crash cut short is left out.

    A result without its use, and a second use or result of one number, cannot be read either. No file has no lines.
    """
    found: list[LedgerLine] = []
    unreadable: list[int] = []
    *whole, _cut = file.read_bytes().split(b"\n") if file.is_file() else [b""]
    known: set[tuple[str, int]] = set()
    for place, content in enumerate(whole, start=1):
        try:
            line = LINE.validate_json(content)
        except ValidationError:
            unreadable.append(place)
            continue
        number = getattr(line, "number", 0)
        if (line.event, number) in known or (line.event != "use" and ("use", number) not in known):
            unreadable.append(place)
            continue
        known.add((line.event, number))
        found.append(line)
    return found, tuple(unreadable)
