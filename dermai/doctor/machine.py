"""Disk, folders, keys and the clock of this machine."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from dermai.audit import AuditLog
from dermai.audit.key import KEY_VARIABLE as AUDIT_VARIABLE
from dermai.audit.key import key_file as audit_key_file
from dermai.config import Params
from dermai.data.pseudonyms import KEY_VARIABLE as PSEUDONYM_VARIABLE
from dermai.data.pseudonyms import key_file as pseudonym_key_file
from dermai.doctor.finding import Finding, ok, problem, warning
from dermai.doctor.services import ask, server_addresses
from dermai.workspace import Workspace

LEAST_FREE = 2.0  # GB; below it an update may die in the middle
MOST_SKEW = 60.0  # seconds; S3 refuses requests whose time is 15 minutes off


def check_disk(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """Room for the records, and for the caches of a training."""
    free = shutil.disk_usage(workspace.root).free / 1e9
    wanted = params.training.activation_cache_gb
    if free < LEAST_FREE:
        yield problem("disk", f"{free:.1f} GB free in {workspace.root}", "free the disk; state/cache may be deleted")
    elif free < wanted:
        yield warning(
            "disk",
            f"{free:.0f} GB free in {workspace.root}, a training may cache {wanted:.0f} GB",
            "free the disk, or lower training.activation_cache_gb",
        )
    else:
        yield ok("disk", f"{free:.0f} GB free")


def check_folders(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """What a run writes can be written."""
    refused = []
    for folder in (workspace.root, workspace.state, workspace.reports, Path(tempfile.gettempdir())):
        nearest = next(place for place in (folder, *folder.parents) if place.exists())
        try:
            with tempfile.TemporaryFile(dir=nearest):
                pass
        except OSError as error:
            refused.append(folder)
            yield problem("folders", f"{folder} cannot be written ({error.strerror})", f"chown -R $(id -un) {nearest}")
    if not refused:
        yield ok("folders", f"{workspace.root} can be written")


def check_keys(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """Both keys are there where they are needed, outside the repository, for their owner only."""
    audit = AuditLog(workspace.audit_log)
    needed = {
        "audit key": (audit_key_file(), AUDIT_VARIABLE, audit.path.exists()),
        "pseudonym key": (
            pseudonym_key_file(), PSEUDONYM_VARIABLE, (workspace.state / "pseudonym_key.json").exists()
        ),
    }  # fmt: skip
    for name, (path, variable, used) in needed.items():
        if path.resolve().is_relative_to(workspace.root.resolve()):
            yield problem("keys", f"the {name} {path} lies inside the repository", f"move it out and set {variable}")
        elif not path.exists() and used:
            yield problem("keys", f"the {name} {path} is gone", f"restore it from its safe, or set {variable}")
        elif not path.exists():
            yield ok("keys", f"the {name} will be made on first use: {path}")
        elif path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield problem("keys", f"the {name} {path} can be read by other users", f"chmod 600 {path}")
        elif not os.access(path, os.R_OK):
            yield problem("keys", f"the {name} {path} cannot be read", f"chown $(id -un) {path}")
        else:
            yield ok("keys", f"the {name} is readable by its owner only")


def check_clock(workspace: Workspace, params: Params) -> Iterator[Finding]:
    """The clock agrees with the servers that are in use, and has not gone back behind the newest record."""
    now, wrong = datetime.now(UTC), False
    fix = "set the clock, and keep it right with an NTP service (chrony, systemd-timesyncd)"
    entries = AuditLog(workspace.audit_log).entries()
    if entries and datetime.fromisoformat(entries[-1].time) > now:
        wrong = True
        yield problem("clock", f"it is {now:%Y-%m-%d %H:%M} UTC here, the newest record is of {entries[-1].time}", fix)
    for server in server_addresses(workspace):
        began = time.time()
        answer = ask(server)
        server_time = answer.headers.get("Date") if answer is not None else None
        if server_time is None:
            continue
        ended = time.time()
        theirs = parsedate_to_datetime(server_time).timestamp()
        skew = theirs - ended if theirs > ended else min(0.0, theirs + 1 - began)  # a date has whole seconds only
        if abs(skew) > MOST_SKEW:
            wrong = True
            yield problem("clock", f"{server} is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}", fix)
    if not wrong:
        yield ok("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")
