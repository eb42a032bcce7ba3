"""The test-set ledger in the audit log: each use of the test patients, its result, and what earlier releases left."""

from __future__ import annotations

from operator import not_
from typing import Literal

from pydantic import Field

from dermai.audit.event import Event
from dermai.gate.ledger import LedgerLine, Result, Use


class LedgerUse(Event):
    """The test patients are about to be used: written before anything is computed, so a crash keeps the spending."""

    event: Literal["test_set_use"] = "test_set_use"
    use: Use


class LedgerResult(Event):
    """How a use of the test patients ended."""

    event: Literal["test_set_result"] = "test_set_result"
    result: Result


class LedgerTakeover(Event):
    """The ledger of an earlier release, which was a file of its own, once and for all: the file decides nothing more.

    `lines` are the file's, and those that the records of attempts hold. `file_sha256` is empty where there was no file.
    Where lines of the file could not be read, or records (by number) contradicted it, a named person let it be taken
    over, and `lines` end with the budget emptied.
    """

    event: Literal["ledger_takeover"] = "ledger_takeover"
    file_sha256: str
    lines: tuple[LedgerLine, ...]
    unreadable: tuple[int, ...] = Field((), exclude_if=not_)
    contradicted: tuple[int, ...] = Field((), exclude_if=not_)
    approver: str = Field("", exclude_if=not_)
    role: str = Field("", exclude_if=not_)
    reason: str = Field("", exclude_if=not_)
