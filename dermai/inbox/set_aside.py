"""Acknowledged referrals that cannot be filed: each is set aside by itself with the reason, and the others go on.

`set_aside/<case>-<request>.json` is the file as it was found, the `.txt` beside it says what is wrong. The practice was
told that the referral is safe: until a person has seen to it, it is named each day by `dermai tell`, and on the pages.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dermai.files import sync_folder, write_text
from dermai.workspace import Workspace

FOLDER = "set_aside"
WHAT_TO_DO = (
    "put it back from a backup, or mend it and move it to state/inbox/waiting; else ask the practice to send the case "
    "again, and remove it with its reason"
)


@dataclass(frozen=True)
class SetAside:
    """One referral; `site` is the practice that sent it, as far as the file still says."""

    file: Path
    reason: str
    site: str
    since: datetime

    @property
    def case_id(self) -> str:
        """The case's pseudonym, by the file's name."""
        return self.file.stem.rpartition("-")[0]

    def __str__(self) -> str:
        return f"{self.file.name}{f' of {self.site}' if self.site else ''}, since {self.since:%Y-%m-%d}: {self.reason}"


def set_aside(inbox: Path, file: Path, reason: str) -> None:
    """Move an entry out of the way of the others; killed in between, it is done again."""
    target = inbox / FOLDER / file.name
    write_text(target.with_suffix(".txt"), f"{reason}\n")
    file.rename(target)
    sync_folder(target.parent)


def referrals_set_aside(workspace: Workspace) -> list[SetAside]:
    """What waits for a person, the longest first."""
    found = []
    for file in (workspace.state / "inbox" / FOLDER).glob("*.json"):
        since = datetime.fromtimestamp(file.stat().st_ctime, UTC)  # when it was moved
        try:
            reason = file.with_suffix(".txt").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            reason = "the reason is gone"
        found.append(SetAside(file, reason, _site(file), since))
    return sorted(found, key=lambda one: (one.since, one.file.name))


def _site(file: Path) -> str:
    try:
        return str(json.loads(file.read_bytes())["rows"][0]["site"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""
