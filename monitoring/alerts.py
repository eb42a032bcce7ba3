"""Telling people: a webhook, an e-mail, and the retraining workflow. No patient, case or photograph is named."""

from __future__ import annotations

import json
import os
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any

from dermai.config import MonitoringParams
from dermai.errors import DermaiError

WEBHOOK, SMTP_USER, SMTP_PASSWORD = "DERMAI_ALERT_WEBHOOK", "DERMAI_SMTP_USER", "DERMAI_SMTP_PASSWORD"
GITHUB_API, REPOSITORY, TOKEN = "GITHUB_API_URL", "GITHUB_REPOSITORY", "DERMAI_GITHUB_TOKEN"
WORKFLOW = "retrain.yml"
PATIENCE = 10  # seconds


class AlertFailed(DermaiError):
    """An alert did not reach its receiver; the alarm itself is in the audit log."""


def send_alerts(params: MonitoringParams, subject: str, sentences: tuple[str, ...], facts: Mapping[str, Any]) -> int:
    """Send to every receiver that params.yaml names; returns how many there are.

    Raises:
        AlertFailed: at least one receiver could not be reached; the others were.
    """
    receivers, problems = 0, []
    webhook = os.environ.get(WEBHOOK) or params.webhook
    if webhook:
        receivers += 1
        try:
            _post(webhook, {"subject": subject, "text": "\n".join([subject, *sentences]), **facts})
        except (OSError, ValueError) as error:
            problems.append(f"the webhook did not take the alert ({error})")
    if params.smtp_host and params.mail_to:
        receivers += 1
        try:
            _mail(params, subject, sentences)
        except (OSError, smtplib.SMTPException) as error:
            problems.append(f"{params.smtp_host} did not take the e-mail ({error})")
    if problems:
        raise AlertFailed("; ".join(problems) + ": mend monitoring: in params.yaml; the next run sends it again")
    return receivers


def open_retraining_workflow(reason: str) -> None:
    """Start the repository's retraining workflow on GitHub or a server that speaks its API.

    Raises:
        AlertFailed: address or token are missing, or the server refuses.
    """
    repository, token = os.environ.get(REPOSITORY, ""), os.environ.get(TOKEN, "")
    if not repository or not token:
        raise AlertFailed(f"on_act is workflow: set {REPOSITORY} (owner/name) and {TOKEN}")
    api = os.environ.get(GITHUB_API, "https://api.github.com")
    address = f"{api}/repos/{repository}/actions/workflows/{WORKFLOW}/dispatches"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    try:
        _post(address, {"ref": "main", "inputs": {"reason": reason[:200], "trigger": "drift"}}, headers)
    except (OSError, ValueError) as error:
        raise AlertFailed(f"the retraining workflow was not started ({error})") from error


def _post(address: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
    if not address.startswith(("https://", "http://")):
        raise ValueError(f"{address!r} is no http address")
    request = urllib.request.Request(
        address,
        json.dumps(body, ensure_ascii=False).encode("utf-8"),
        {"Content-Type": "application/json", **(headers or {})},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE):
            pass
    except urllib.error.HTTPError as error:
        raise OSError(f"status {error.code}") from None


def _mail(params: MonitoringParams, subject: str, sentences: tuple[str, ...]) -> None:
    message = EmailMessage()
    message["Subject"], message["From"] = subject, params.mail_from or "dermai@localhost"
    message["To"] = ", ".join(params.mail_to)
    message.set_content("\n\n".join(sentences))
    user, password = os.environ.get(SMTP_USER, ""), os.environ.get(SMTP_PASSWORD, "")
    with smtplib.SMTP(params.smtp_host, params.smtp_port, timeout=PATIENCE) as server:
        if user:
            server.starttls(context=ssl.create_default_context())
            server.login(user, password)
        server.send_message(message)
