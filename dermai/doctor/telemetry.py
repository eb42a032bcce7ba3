"""Every library's telemetry is off: nothing leaves the hospital."""

from __future__ import annotations

import os
from collections.abc import Iterator

from dermai.config import Params
from dermai.doctor.finding import Finding, ok, problem
from dermai.doctor.services import zenml_settings
from dermai.environment import TELEMETRY_OFF
from dermai.workspace import Workspace

# Which variable silences whom; all of them are read as `TELEMETRY_OFF` sets them.
SILENCES = {
    "ZENML_ANALYTICS_OPT_IN": "ZenML",
    "MLFLOW_DISABLE_TELEMETRY": "MLflow",
    "DO_NOT_TRACK": "Evidently",
    "GX_ANALYTICS_ENABLED": "Great Expectations",
    "DVC_NO_ANALYTICS": "DVC",
    "ORT_DISABLE_TELEMETRY": "ONNX Runtime",
    "HF_HUB_DISABLE_TELEMETRY": "the model hub's client",
}


def check_telemetry(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """The environment turns nothing on, and ZenML's own commands, which start before dermai, are opted out too."""
    speaking = []
    for name, library in SILENCES.items():
        if os.environ.get(name, TELEMETRY_OFF[name]).lower() != TELEMETRY_OFF[name]:
            speaking.append(library)
            yield problem(
                "telemetry", f"{library} may phone home: {name} is set", f"export {name}={TELEMETRY_OFF[name]}"
            )
    opted_in = zenml_settings().get("analytics_opt_in", True)
    if opted_in and os.environ.get("ZENML_ANALYTICS_OPT_IN", "").lower() != "false":
        speaking.append("ZenML")
        yield problem("telemetry", "ZenML may phone home: its settings have it on", "zenml analytics opt-out")
    if not speaking:
        yield ok("telemetry", f"off for {', '.join(SILENCES.values())}")
