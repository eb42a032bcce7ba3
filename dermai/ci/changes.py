"""Whether a push asks for an update, and whether there is a place to keep what the update leaves."""

from __future__ import annotations

import os
import subprocess

from dermai.config import PROFILE_VARIABLE
from dermai.errors import DermaiError
from dermai.workspace import STATE_VARIABLE, Workspace

INPUTS = ("data.dvc", "params.yaml")  # what the retraining workflow watches


def changed_inputs(workspace: Workspace, before: str) -> tuple[str, ...]:
    """Those of `data.dvc`, `params.yaml` and the chosen profile that differ between a commit and HEAD.

    Where git does not know the commit (the first push of a branch, a history that was rewritten, a run by hand), all
    count as changed: an update that finds nothing new costs little, one that is left out is missed.
    """
    profile = os.environ.get(PROFILE_VARIABLE)
    inputs = (*INPUTS, f"profiles/{profile}.yaml") if profile else INPUTS
    if not before.strip("0") or _git(workspace, "cat-file", "-e", f"{before}^{{commit}}").returncode:
        return inputs
    result = _git(workspace, "diff", "--name-only", before, "HEAD", "--", *inputs)
    if result.returncode:
        raise DermaiError(f"git cannot compare {before} with HEAD: {result.stderr.strip()}")
    return tuple(result.stdout.split())


def check_state_is_kept(workspace: Workspace) -> None:
    """The registry and the records of the last run must be those that the next one finds.

    Raises:
        DermaiError: no folder outside the checkout is named, or it cannot be written.
    """
    named = os.environ.get(STATE_VARIABLE, "")
    if not named:
        raise DermaiError(
            f"{STATE_VARIABLE} is not set: name a folder on the runner that outlives the job, for the audit log and "
            "the registry; without it every run would start from nothing"
        )
    state = workspace.state
    if state == workspace.root or workspace.root in state.parents:
        raise DermaiError(
            f"{STATE_VARIABLE} is {named}, inside the checkout, which the next job makes anew: move it out"
        )
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DermaiError(f"{STATE_VARIABLE} is {named}: {error.strerror}; let the runner's user write there") from None
    if not os.access(state, os.W_OK):
        raise DermaiError(f"{STATE_VARIABLE} is {named}, which the runner's user cannot write: give it the folder")


def _git(workspace: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(workspace.root), *arguments], capture_output=True, text=True, check=False)
