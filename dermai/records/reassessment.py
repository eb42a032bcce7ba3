"""A provisional champion that is judged anew because the test patients are others than when it was made."""

from __future__ import annotations

from typing import Literal

from dermai.audit.event import Event
from dermai.gate.findings import GateDecision, Outcome
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.records.update_record import TestSetRecord
from dermai.registry.champion import ModelReference


class Reassessment(Event):
    """The gate's decision on the floors of a provisional champion; `candidate` is that champion."""

    event: Literal["reassessment"] = "reassessment"
    candidate: ModelReference
    champion: ModelReference | None
    outcome: Outcome
    reasons: tuple[str, ...]
    policy: RecordedPolicy
    policy_sha256: str
    data_version: str
    decision: GateDecision
    test_set: TestSetRecord
