"""The few things asked of GitHub, or of a server that speaks its API: who approved a job, and a comment."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from dermai.errors import DermaiError, Refused

PATIENCE = 30  # seconds


class GitHubRefused(DermaiError):
    """GitHub could not be asked, or said no."""


@dataclass(frozen=True)
class Approval:
    """Who let a job into a protected environment, and what they wrote."""

    login: str
    comment: str


def environment_approval(environment: str) -> Approval:
    """The newest approval of this run for an environment.

    Raises:
        Refused: nobody approved: the environment asks for no reviewers.
        GitHubRefused: the answer did not come.
    """
    run = _variable("GITHUB_RUN_ID")
    for review in reversed(_call("GET", f"actions/runs/{run}/approvals")):
        named = [each["name"] for each in review["environments"]]
        if review["state"] == "approved" and environment in named:
            return Approval(review["user"]["login"], review.get("comment") or "")
    raise Refused(
        f"nobody approved this run for the environment {environment}: give it required reviewers in the repository's "
        "settings, or use `dermai promote`"
    )


def comment(text: str) -> str:
    """Comment on the pull request that brought this run's commit, or else on the commit; says where.

    Raises:
        GitHubRefused: the comment was not taken.
    """
    commit = _variable("GITHUB_SHA")
    pulls = _call("GET", f"commits/{commit}/pulls")
    if pulls:
        _call("POST", f"issues/{pulls[0]['number']}/comments", {"body": text})
        return f"pull request {pulls[0]['number']}"
    _call("POST", f"commits/{commit}/comments", {"body": text})
    return f"commit {commit[:12]}"


def _call(method: str, path: str, body: Any = None) -> Any:
    address = f"{_variable('GITHUB_API_URL')}/repos/{_variable('GITHUB_REPOSITORY')}/{path}"
    if not address.startswith(("https://", "http://")):
        raise GitHubRefused(f"GITHUB_API_URL is no http address: {address}")
    request = urllib.request.Request(
        address,
        None if body is None else json.dumps(body).encode("utf-8"),
        {"Authorization": f"Bearer {_variable('GITHUB_TOKEN')}", "Accept": "application/vnd.github+json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise GitHubRefused(f"{method} {path}: status {error.code}; has the job the permission for it?") from None
    except (OSError, ValueError) as error:
        raise GitHubRefused(f"{method} {path}: {error}") from None


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise GitHubRefused(f"{name} is not set: this command is for a job of GitHub Actions")
    return value
