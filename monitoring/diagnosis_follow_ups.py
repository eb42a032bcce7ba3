"""What follows whenever diagnoses were recorded: missed cancers become incidents, a challenger is judged anew."""

from __future__ import annotations

from dataclasses import dataclass

from dermai.config import Params
from dermai.files import locked
from dermai.promotion.shadow_mode import settle_challenger
from dermai.triage.missed_cancer import Incident, raise_incidents
from dermai.workspace import Workspace
from monitoring.notices import incident_notices, send_notices


@dataclass(frozen=True)
class FollowUps:
    """The incidents that were raised, the alerts that reached nobody, and what was found of the challenger."""

    incidents: tuple[Incident, ...]
    undelivered: tuple[str, ...]
    challenger: str  # sentences; "" where nothing waits for evidence


def follow_up_diagnoses(workspace: Workspace, params: Params) -> FollowUps:
    """The same after a file of diagnoses as after a signed reading; doing it twice is doing it once.

    Raises:
        DermaiError: a record cannot be written, or registry and records do not agree.
    """
    with locked(workspace.state / ".follow-ups.lock"):  # a command and the service may come at the same time
        raised = raise_incidents(workspace, params)
        undelivered = send_notices(workspace, params.monitoring, incident_notices(workspace)) if raised else []
        return FollowUps(tuple(raised), tuple(undelivered), settle_challenger(workspace, params))
