"""Logs that lay where a backup's log goes: what a first start of the service wrote there stands aside, and is named."""

from __future__ import annotations

from pathlib import Path

from dermai.audit import AuditLog, SigningKey, key_file, load_public_key
from dermai.audit.beginning import LostLog, lost_logs
from dermai.errors import DermaiError
from dermai.files import sync_folder
from dermai.workspace import Workspace

FOLDER = "audit_replaced"  # below the state, a folder for each log
FIRST_START = "account_changed"  # all that is written before anything else was done in a workspace


def only_accounts(log: Path) -> LostLog | None:
    """A log that is whole and holds nothing but changes of accounts, by its last record; None for any other."""
    found = AuditLog(log)
    if not log.is_file() or not found.public_key_file.is_file():
        return None
    try:  # by the key beside it: the one in use may have been put back from its safe since
        checked = found.verify(load_public_key(found.public_key_file))
    except (DermaiError, ValueError):
        return None
    if not checked.ok or not checked.entries or any(entry.event != FIRST_START for entry in checked.entries):
        return None
    last = checked.entries[-1]
    return LostLog(log=last.log, count=last.sequence, hash=last.hash)


def set_aside(workspace: Workspace, kept: str) -> None:
    """Move such a log out of the way, unless it is the one that is `kept`."""
    here = only_accounts(workspace.audit_log)
    if here is None or here.log == kept:
        return
    target = workspace.state / FOLDER / here.log
    target.parent.mkdir(parents=True, exist_ok=True)
    workspace.audit_log.parent.rename(target)
    sync_folder(target.parent)
    sync_folder(workspace.state)


def replaced_logs(workspace: Workspace, kept: str) -> tuple[tuple[LostLog, ...], tuple[LostLog, ...]]:
    """The logs known beside the key that lay here, but for the one that is `kept`; and which may have had more in them.

    Of the rest it is known that they had nothing but changes of accounts: they are here still, or were set aside.
    """
    if not key_file().exists():
        return (), ()
    known = lost_logs(SigningKey.load_or_create(), workspace.audit_log, kept)
    places = [workspace.audit_log, *(workspace.state / FOLDER / one.log / workspace.audit_log.name for one in known)]
    harmless = {found for place in places if (found := only_accounts(place))}
    return known, tuple(one for one in known if one not in harmless)
