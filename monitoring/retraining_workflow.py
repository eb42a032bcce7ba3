"""Starting the repository's retraining workflow, on GitHub or a server that speaks its API."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request

from dermai.errors import DermaiError

API, REPOSITORY, TOKEN = "GITHUB_API_URL", "GITHUB_REPOSITORY", "DERMAI_GITHUB_TOKEN"
WORKFLOW = "retrain.yml"
PATIENCE = 10  # seconds


class WorkflowNotStarted(DermaiError):
    """The retraining workflow was not started; the alarm itself is in the audit log."""


def open_retraining_workflow(reason: str) -> None:
    """Start the retraining workflow on the branch main.

    Raises:
        WorkflowNotStarted: address or token are missing, or the server refuses.
    """
    repository, token = os.environ.get(REPOSITORY, ""), os.environ.get(TOKEN, "")
    if not repository or not token:
        raise WorkflowNotStarted(f"on_act is workflow: set {REPOSITORY} (owner/name) and {TOKEN}")
    api = os.environ.get(API, "https://api.github.com")
    if not api.startswith(("https://", "http://")):
        raise WorkflowNotStarted(f"the retraining workflow was not started: {API} is no http address: {api}")
    request = urllib.request.Request(
        f"{api}/repos/{repository}/actions/workflows/{WORKFLOW}/dispatches",
        json.dumps({"ref": "main", "inputs": {"reason": reason[:200], "trigger": "drift"}}).encode("utf-8"),
        {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
        },
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE):
            pass
    except urllib.error.HTTPError as error:
        raise WorkflowNotStarted(f"the retraining workflow was not started (status {error.code})") from None
    except (OSError, ValueError) as error:
        raise WorkflowNotStarted(f"the retraining workflow was not started ({error})") from error
