"""The lines of a decision, each marked as passed, failed or still open: the same signs on every page and terminal."""

from __future__ import annotations

from typing import Literal, NamedTuple

from dermai.gate.findings import GateDecision, Reason, ShadowDecision, TestResult

Mark = Literal["passed", "failed", "open", "note"]
SIGNS: dict[Mark, str] = {"passed": "✓", "failed": "✗", "open": "?", "note": "·"}
MARKS: dict[TestResult, Mark] = {"shown": "passed", "not_shown": "open", "worse": "failed"}
ORDER: tuple[Mark, ...] = ("note", "failed", "open", "passed")


class MarkedLine(NamedTuple):
    """A sentence and what it says of the candidate; `str` puts the sign before it."""

    mark: Mark
    text: str

    def __str__(self) -> str:
        return f"{SIGNS[self.mark]} {self.text}"


def verdict_words(verdict: TestResult) -> str:
    """A test's result with its sign.

    >>> verdict_words("not_shown")
    '? not shown'
    """
    return f"{SIGNS[MARKS[verdict]]} {verdict.replace('_', ' ')}"


def mark_of(reason: Reason) -> Mark:
    """Whether a reason speaks for the candidate, against it, or says that something is not decided."""
    if reason.code in ("point_estimates", "columns"):
        return "note"
    if reason.code.endswith("_worse"):
        return "failed"
    return "open" if reason.code.endswith(("too_few", "_not_shown")) else "passed"


def marked(decision: GateDecision | ShadowDecision) -> tuple[MarkedLine, ...]:
    """All reasons of a decision: what failed before what is open before what passed."""
    if isinstance(decision, GateDecision):
        lines = [MarkedLine(mark_of(reason), reason.text) for reason in decision.reasons]
    else:  # the tests' sentences come first, in their order; what follows holds the challenger back
        marks = [MARKS[test.verdict] for test in decision.tests]
        marks += ["open"] * (len(decision.reasons) - len(marks))
        lines = [MarkedLine(mark, text) for mark, text in zip(marks, decision.reasons, strict=False)]
    return tuple(sorted(lines, key=lambda line: ORDER.index(line.mark)))


def objections(decision: GateDecision | ShadowDecision) -> tuple[MarkedLine, ...]:
    """Those that speak against a promotion: failed, then open."""
    return tuple(line for line in marked(decision) if line.mark in ("failed", "open"))
