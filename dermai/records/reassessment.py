"""A provisional champion that is judged anew because the test patients are others than when it was made."""

from __future__ import annotations

from typing import Literal

from dermai.gate.findings import GateDecision
from dermai.records.moves import LaterDecision
from dermai.records.update_record import TestSetRecord


class Reassessment(LaterDecision):
    """The gate's decision on the floors of a provisional champion; `candidate` is that champion."""

    event: Literal["reassessment"] = "reassessment"
    data_version: str
    decision: GateDecision
    test_set: TestSetRecord
