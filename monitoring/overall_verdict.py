"""Where a model stands over all: its newest window, and what the confirmed cases say beside it."""

from __future__ import annotations

from collections.abc import Sequence

from dermai.language.messages import message
from dermai.percentages import per_cent
from dermai.records.incidents import SensitivityRecord
from monitoring.assessment import DriftVerdict
from monitoring.findings import ADVICE
from monitoring.history import SEVERITY, History


def overall(history: History) -> tuple[DriftVerdict, tuple[str, ...], tuple[str, ...]]:
    """The worse verdict of the two, then changes and advice; confirmed misses come before anything else."""
    last, confirmed = history.last, history.confirmed
    if last is None:
        verdict: DriftVerdict = "too_few"
        changes: tuple[str, ...] = ()
        advice: tuple[str, ...] = (message("Run `zenml pipeline run monitor_drift` once referrals have been triaged."),)
    else:
        verdict, changes, advice = last.verdict, last.changes, last.advice
    if confirmed and confirmed.verdict in ("watch", "act"):
        verdict = max(verdict, confirmed.verdict, key=SEVERITY.index)
        advised = ADVICE["sensitivity"]
        changes = (*sensitivity_sentences(confirmed.classes), *changes)
        advice = (advised, *(line for line in advice if line != advised))
    return verdict, changes, advice


def sensitivity_sentences(classes: Sequence[SensitivityRecord]) -> tuple[str, ...]:
    """What the confirmed cases say, class by class, where the sensitivity is in doubt."""
    return tuple(
        message(
            "Of %(total)s confirmed %(diagnosis)s the model called %(count)s (%(share)s, interval %(low)s to %(high)s)"
            "; %(expected)s.",
            total=one.cases,
            diagnosis=one.lesion_class,
            count=one.hits,
            share=per_cent(one.value),
            low=per_cent(one.low),
            high=per_cent(one.high),
            expected=message("it was approved for at least %(share)s", share=per_cent(one.floor)),
        )
        for one in classes
        if one.cases and one.floor is not None and one.p_value <= 0.05
    )
