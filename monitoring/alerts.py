"""Alerts to people. No patient, case or photograph is named."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from dermai.config import MonitoringParams
from dermai.errors import DermaiError
from monitoring.alert_receivers import receivers


class AlertFailed(DermaiError):
    """An alert did not reach its receiver; the alarm itself is in the audit log."""


def send_alerts(
    params: MonitoringParams,
    subject: str,
    sentences: tuple[str, ...],
    facts: Mapping[str, Any],
    already: Collection[str] = (),
    taken: Callable[[str], object] = lambda _: None,
) -> int:
    """Send to everybody whom params.yaml or the environment names; returns how many there are.

    Receivers whose key is among `already` are passed over; `taken` is called with the key of each that took it.

    Raises:
        AlertFailed: at least one receiver could not be reached; the others were.
    """
    recipients = receivers(params)
    failures = []
    for receiver in recipients:
        if receiver.key and receiver.key in already:
            continue
        if problem := receiver.send(subject, sentences, facts):
            failures.append(f"{receiver.name} {problem}")
        else:
            taken(receiver.key)
    if failures:
        raise AlertFailed(
            f"{'; '.join(failures)}: fix monitoring: in params.yaml, or the environment; the next run sends it again"
        )
    return len(recipients)


def unusable_receivers(params: MonitoringParams) -> list[str]:
    """What is wrong with the addresses, noticed before there is an alarm."""
    fix = "no alert would arrive; fix monitoring: in params.yaml, or the environment"
    return [f"{receiver.name} {receiver.problem}: {fix}" for receiver in receivers(params) if receiver.problem]
