"""Why an update or a challenger was decided on as it was, from its record."""

from __future__ import annotations

from dermai.gate.marks import MarkedLine, marked
from dermai.records.moves import LaterDecision
from dermai.records.update_record import UpdateRecord


def marked_reasons(body: UpdateRecord | LaterDecision) -> tuple[MarkedLine, ...]:
    """The decision's lines, what failed first; a record without the gate's own account has its sentences unmarked."""
    if body.decision is None:
        return tuple(MarkedLine("note", reason) for reason in body.reasons)
    return marked(body.decision)
