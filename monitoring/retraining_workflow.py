"""Starting the repository's retraining workflow, on GitHub or a server that speaks its API."""

from __future__ import annotations

import os

from dermai.errors import DermaiError
from monitoring.alert_delivery import Message, deliver
from monitoring.alert_receivers import json_service

API, REPOSITORY, TOKEN = "GITHUB_API_URL", "GITHUB_REPOSITORY", "DERMAI_GITHUB_TOKEN"
WORKFLOW = "retrain.yml"


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
    address = json_service(f"{api}/repos/{repository}/actions/workflows/{WORKFLOW}/dispatches")
    if address is None:
        raise WorkflowNotStarted(f"the retraining workflow was not started: {API} is no http address")
    address["headers"] = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    content = {"ref": "main", "inputs": {"reason": reason[:200], "trigger": "drift"}}
    if why := deliver(Message(address, "", reason, (), content)):
        raise WorkflowNotStarted(f"the retraining workflow was not started ({why})")
