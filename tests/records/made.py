"""Events for tests that need a line in the log and do not care what it says."""

from __future__ import annotations

from dermai.gate.findings import ShadowDecision
from dermai.records.incidents import Failure
from dermai.workspace import CodeVersion


def failure(why: str = "out of memory") -> Failure:
    return Failure(why=why, code=CodeVersion(commit="c", dirty=False))


def shadow_decision(*reasons: str) -> ShadowDecision:
    """That a challenger has shown everything."""
    return ShadowDecision(
        outcome="promote", summary="Promote.", reasons=reasons, alpha=0.05, policy_hash="p", lesions=60, tests=()
    )
