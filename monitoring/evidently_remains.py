"""What runs that were killed, or found no room, have left in Evidently's workspace: one such file ends every later run.

Evidently writes its files in place, and reads all of them when it opens the workspace.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any


def clear_remains(folder: Path, title: str, project: str, reports: Collection[str]) -> None:
    """Remove what is not whole, and what the history of the project does not know, since its window is judged again.

    `project` is the id of the project called `title`, or "" before its first window; `reports` are the ids of its
    windows' reports. A project without a readable name is removed, one without panels gets them when it is opened.
    """
    for home in [path for path in folder.glob("*") if path.is_dir()]:
        about = _content(home / "metadata.json")
        if about is None or (about.get("name") == title and home.name != project):
            shutil.rmtree(home)
            continue
        if _content(home / "dashboard.json") is None:
            (home / "dashboard.json").unlink(missing_ok=True)
        for report in (home / "snapshots").glob("*.json"):
            if (home.name == project and report.stem not in reports) or _content(report) is None:
                report.unlink()


def _content(path: Path) -> dict[str, Any] | None:
    """None where the file is not there, or not whole."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
