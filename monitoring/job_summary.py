"""The newest monitoring run in Markdown, for the summary of a job."""

from __future__ import annotations

import json
from pathlib import Path

from dermai.workspace import Workspace


def job_summary(workspace: Workspace) -> str:
    """Verdict, what changed and what to do; a run that left nothing behind has failed."""
    written = list((workspace.reports / "monitor_drift").glob("*/monitoring.json"))
    if not written:
        return "## Drift monitoring failed\n\nNo window was judged: the job's log says why."
    newest: Path = max(written, key=lambda file: file.stat().st_mtime)
    found = json.loads(newest.read_text(encoding="utf-8"))
    parts = [
        f"## {found['headline']}",
        f"Model version {found['model_version']}: {found['windows']} new windows judged "
        f"({', '.join(found['verdicts']) or 'none full yet'}), {found['waiting']} photographs wait for a full window, "
        f"{found['alarms']} new alarms.",
    ]
    for title, key in (("What changed", "changes"), ("What to do", "advice"), ("Problems", "problems")):
        if found[key]:
            parts.append(f"**{title}**\n\n" + "\n".join(f"- {sentence}" for sentence in found[key]))
    return "\n\n".join(parts)
