"""Process settings that every entry point applies first: nothing leaves the hospital."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

TELEMETRY_OFF = {
    "ZENML_ANALYTICS_OPT_IN": "false",
    "ZENML_LOGGING_COLORS_DISABLED": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",  # Evidently, and MLflow and others that honour it
    "GX_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "true",
    "ORT_DISABLE_TELEMETRY": "1",  # read when ONNX Runtime is imported: later it has told of itself already
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "GIT_PYTHON_REFRESH": "quiet",
    "AUTO_OPEN_DASHBOARD": "false",
}


def silence_telemetry() -> None:
    """Turn every library's telemetry off, unless the environment already says something of it."""
    for name, value in TELEMETRY_OFF.items():
        os.environ.setdefault(name, value)


def print_anything() -> None:
    """Let standard output and error take every character: one that a terminal cannot show is written as its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
