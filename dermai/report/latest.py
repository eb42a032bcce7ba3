"""`reports/<pipeline>/latest`: a link to the newest run's folder."""

from __future__ import annotations

import os
from pathlib import Path

from dermai.files import sync_folder


def point_latest_at(folder: Path) -> None:
    """Make `latest` beside a report folder a link to it, replaced at once."""
    link, temporary = folder.parent / "latest", folder.parent / f".latest.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(folder.name)
    temporary.replace(link)
    sync_folder(folder.parent)
