"""Alerts that are owed: of all alarms and model versions, to each receiver until it has taken them."""

from __future__ import annotations

from dermai.config import MonitoringParams
from dermai.files import sha256_bytes
from dermai.records.after_alarms import AfterAlarm, AfterAlarms
from dermai.records.incidents import DriftAlarm, SensitivityAlarm, WindowAlarm
from dermai.workspace import Workspace
from monitoring.alerts import AlertFailed, send_alerts, unusable_receivers
from monitoring.findings import ADVICE, HEADLINES
from monitoring.overall_verdict import sensitivity_sentences


def send_owed_alerts(workspace: Workspace, params: MonitoringParams) -> list[str]:
    """Send them and keep who has taken them; returns what went wrong.

    Alarms of one model version that the same receivers wait for go out together.
    """
    found = AfterAlarms.read(workspace)
    if not found.alerts:
        return unusable_receivers(params)
    problems: dict[str, None] = {}
    groups: dict[tuple[str, frozenset[str]], list[str]] = {}
    for name, alarm in found.alerts.items():
        groups.setdefault((alarm.version, frozenset(found.of(name).delivered)), []).append(name)
    for (version, delivered), names in groups.items():

        def taken(receiver: str, names: list[str] = names) -> None:
            nonlocal found
            states = {name: found.of(name) for name in names}
            found = found.with_states(
                {name: _changed(state, delivered=(*state.delivered, receiver)) for name, state in states.items()}
            )

        sentences, facts = _content(version, {name: found.alarms[name] for name in names})
        try:
            subject = f"dermai: act on model version {version}"
            send_alerts(params, subject, sentences, facts, already=delivered, taken=taken)
        except AlertFailed as problem:
            problems[str(problem)] = None
            continue
        found = found.with_states({name: _changed(found.of(name), alert=False) for name in names})
    return list(problems)


def _changed(state: AfterAlarm, **fields: object) -> AfterAlarm:
    return state.model_copy(update=fields)


def _content(version: str, alarms: dict[str, DriftAlarm]) -> tuple[tuple[str, ...], dict[str, object]]:
    """Sentences and facts of some alarms: what the newest of each kind found, confirmed misses first."""
    windows = [alarm for alarm in alarms.values() if isinstance(alarm, WindowAlarm)]
    confirmed = [alarm for alarm in alarms.values() if isinstance(alarm, SensitivityAlarm)]
    newest: list[SensitivityAlarm | WindowAlarm] = [*confirmed[-1:], *windows[-1:]]
    causes = list(dict.fromkeys(cause for alarm in newest for cause in alarm.causes))
    changes = [
        sentence
        for alarm in newest
        for sentence in (sensitivity_sentences(alarm.classes) if isinstance(alarm, SensitivityAlarm) else alarm.changes)
    ]
    advice = [sentence for cause, sentence in ADVICE.items() if cause in causes]
    facts: dict[str, object] = {
        "model_version": version,
        "windows": [alarm.number for alarm in windows],
        "causes": causes,
        # The same in an alert that is sent again, so that a receiver can tell
        "alarms": [sha256_bytes(name.encode())[:16] for name in alarms],
    }
    sentences = (HEADLINES["act"], *changes, *advice, "Open the overview: dermai serve")
    return sentences, facts
