"""What one window of referrals showed, beside the photographs that the champion was validated on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from dermai.config import Params
from dermai.gate.reference_standard import counting
from monitoring.assessment import assess
from monitoring.findings import find
from monitoring.history import History, WindowRecord, assessment_fields
from monitoring.reference import ReferenceSet
from monitoring.windows import Window


def judge_window(
    window: Window,
    reference: ReferenceSet,
    retakes: pd.DataFrame,
    history: History,
    params: Params,
    run: str,
    skipped: bool,
) -> WindowRecord:
    """Judge the window that comes next in the history; `skipped`: older photographs were waiting.

    Diagnoses that were confirmed in a way that does not count are left out.
    """
    number = len(history.windows) + 1
    generator = np.random.default_rng([params.seed, number])
    table = window.photographs.table
    counts = counting(params.gate, table["diagnosis"], table["confirmed_by"])
    found = assess(
        replace(window.photographs, table=table.assign(diagnosis=table["diagnosis"].where(counts, ""))),
        reference.own,
        params.gate.gated_classes,
        params.monitoring,
        generator,
        reference.known,
        params.gate.floors,
    )
    words = find(found)
    asked = retakes["asked_at"].between(pd.Timestamp(window.first), pd.Timestamp(window.last)).sum()
    fields: dict[str, Any] = {
        **assessment_fields(found),
        "model_version": history.model_version,
        "number": number,
        "run": run,
        "first": window.first,
        "last": window.last,
        "last_image": window.last_image,
        "behind": window.behind,
        "headline": words.headline,
        "changes": words.changes,
        "causes": words.causes,
        "advice": words.advice,
        "retakes": float(asked / (asked + found.photographs)),
        "skipped_before": skipped,
    }
    return WindowRecord.model_validate(fields)
