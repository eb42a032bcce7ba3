"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line of the examination: a problem stops work, a warning will one day."""

    check: str
    state: State
    what: str
    fix: str = ""


def ok(check: str, what: str) -> Finding:
    return Finding(check, "ok", what)


def warning(check: str, what: str, fix: str) -> Finding:
    return Finding(check, "warning", what, fix)


def problem(check: str, what: str, fix: str) -> Finding:
    return Finding(check, "problem", what, fix)
