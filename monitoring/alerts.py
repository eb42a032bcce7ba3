"""Alerts to people. No patient, case or photograph is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dermai.config import MonitoringParams
from dermai.errors import DermaiError
from monitoring.alert_receivers import receivers


class AlertFailed(DermaiError):
    """An alert did not reach its receiver; the alarm itself is in the audit log."""


def send_alerts(params: MonitoringParams, subject: str, sentences: tuple[str, ...], facts: Mapping[str, Any]) -> int:
    """Send to everybody whom params.yaml or the environment names; returns how many there are.

    Raises:
        AlertFailed: at least one receiver could not be reached; the others were.
    """
    recipients = receivers(params)
    problems = [(receiver.name, receiver.send(subject, sentences, facts)) for receiver in recipients]
    failures = "; ".join(f"{name} {problem}" for name, problem in problems if problem)
    if failures:
        raise AlertFailed(
            f"{failures}: fix monitoring: in params.yaml, or the environment; the next run sends it again"
        )
    return len(recipients)


def unusable_receivers(params: MonitoringParams) -> list[str]:
    """What is wrong with the addresses, noticed before there is an alarm."""
    fix = "no alert would arrive; fix monitoring: in params.yaml, or the environment"
    return [f"{receiver.name} {receiver.problem}: {fix}" for receiver in receivers(params) if receiver.problem]
