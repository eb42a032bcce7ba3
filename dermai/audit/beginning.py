"""Which log lies where, as it is known beside the key: a log that was emptied, or replaced by another, is missed."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from dermai.audit.entries import Entry, parse_head
from dermai.audit.event import Decided
from dermai.audit.key import SigningKey
from dermai.files import write_text


class LostLog(BaseModel):
    """An earlier log of the same place, by the last head of it that is known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log: str
    count: int
    hash: str


_REPLACED = TypeAdapter(tuple[LostLog, ...])


class LogBegun(Decided):
    """A new log begins where earlier ones are gone for good."""

    event: Literal["log_begun"] = "log_begun"
    replaces: tuple[LostLog, ...]

    @classmethod
    def read(cls, entry: Entry) -> LogBegun | None:
        """The record of a line; None where it is none."""
        try:
            return cls.model_validate(entry.content, extra="ignore")
        except ValidationError:
            return None


def write_place(key: SigningKey, log: str, path: Path) -> None:
    """Note beside the key where a log lies; the newest place counts, so a workspace may move."""
    if place_of(key, log) != path.resolve():
        write_text(_file(key, log), f"{path.resolve()}\n")


def place_of(key: SigningKey, log: str) -> Path | None:
    """Where a log lay when it was last written; None where that was never noted."""
    file = _file(key, log)
    return Path(file.read_text(encoding="utf-8").strip()) if file.is_file() else None


def lost_logs(key: SigningKey, path: Path, here: str) -> tuple[LostLog, ...]:
    """The logs that were kept in a place, other than the one that is `here` now."""
    lost = []
    for file in sorted(key.witness_folder.glob("*.place")):
        head_file = file.with_suffix(".head")
        if file.stem == here or place_of(key, file.stem) != path.resolve() or not head_file.is_file():
            continue
        head = parse_head(head_file.read_bytes())
        lost.append(LostLog(log=file.stem, count=head.count if head else 0, hash=head.hash if head else ""))
    return tuple(lost)


def settled_logs(entries: Iterable[Entry]) -> frozenset[str]:
    """The earlier logs of its place that a log names itself, in its first record or where a backup was restored."""
    settled: set[str] = set()
    for entry in entries:
        if entry.event == "restore" or (entry.event == "log_begun" and entry.sequence == 1):
            with suppress(ValidationError):
                settled |= {lost.log for lost in _REPLACED.validate_python(entry.body.get("replaces", ()))}
    return frozenset(settled)


def _file(key: SigningKey, log: str) -> Path:
    return key.witness_folder / f"{Path(log).name}.place"
