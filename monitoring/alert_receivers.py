"""Who is alerted: the webhook, the mail and the addresses that params.yaml or the environment name.

Apprise sends to all of them. What it says meanwhile is read here and kept out of every log, as an address may hold its
own password or token.
"""

from __future__ import annotations

import logging
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from dermai.config import MonitoringParams

if TYPE_CHECKING:
    from apprise import NotifyBase

ADDRESSES = "DERMAI_ALERT_URLS"
WEBHOOK, SMTP_USER, SMTP_PASSWORD = "DERMAI_ALERT_WEBHOOK", "DERMAI_SMTP_USER", "DERMAI_SMTP_PASSWORD"
PATIENCE = 10  # seconds, for the webhook and the mail server; an address sets its own with `?cto=` and `?rto=`
UNKNOWN = "is not an address that Apprise can use: see https://appriseit.com/services/"
# Why a receiver did not take an alert, as far as it names no address.
REASON = re.compile(r"(?:error=|\()(\d{3})\b|\[Errno -?\d+\] ([A-Za-z ]+)|(timed out|certificate verify failed)")
# What Apprise's JSON would hold beside ours; an empty value leaves the field out.
LEFT_OUT = {"version": "", "title": "", "message": "", "attachments": "", "type": ""}


@dataclass(frozen=True)
class Receiver:
    """One address: what it is called in messages, how to reach it, and what is wrong with it."""

    name: str
    service: NotifyBase | None
    problem: str = ""

    def send(self, subject: str, sentences: tuple[str, ...], facts: Mapping[str, Any]) -> str:
        """Send an alert; returns why it was not taken, or nothing.

        What takes JSON gets `subject`, `text` and the facts.
        """
        import apprise
        from apprise.plugins.custom_json import NotifyJSON

        if self.service is None:
            return self.problem
        if isinstance(self.service, NotifyJSON):
            text = "\n".join([subject, *sentences])
            own = {"subject": subject, "text": text, **facts}
            self.service.payload_extras = {**LEFT_OUT, **own, **self.service.payload_extras}
        sender = apprise.Apprise(self.service, asset=self.service.asset)
        with _what_apprise_says(logging.DEBUG) as log:
            taken = sender.notify(
                body="\n\n".join(sentences) or subject,
                title=subject,
                notify_type=apprise.NotifyType.WARNING,
                body_format=apprise.NotifyFormat.TEXT,
            )
        if taken:
            return self.problem
        found = REASON.search(log.getvalue())
        status, *reasons = found.groups() if found else ("",)
        why = f"status {status}" if status else next(filter(None, reasons), "no reason given")
        return f"did not take the {'e-mail' if self.service.schema == 'mailto' else 'alert'} ({why})"


def receivers(params: MonitoringParams) -> list[Receiver]:
    """Everybody who is to be alerted; empty where nobody is named."""
    found = []
    if webhook := os.environ.get(WEBHOOK) or params.webhook:
        found.append(_receiver("the webhook", _json_service(webhook), "is no http address"))
    if params.smtp_host and params.mail_to:
        found.append(_receiver(params.smtp_host, _mail_service(params), "is no mail server, or mail_from no address"))
    for place, addresses in (("monitoring.alerts", params.alerts), (ADDRESSES, os.environ.get(ADDRESSES, "").split())):
        found += [
            _receiver(f"address {number} of {place}", address, UNKNOWN)
            for number, address in enumerate(addresses, start=1)
        ]
    return found


def _receiver(name: str, address: str | dict[str, Any] | None, unusable: str) -> Receiver:
    import apprise

    asset = apprise.AppriseAsset(
        app_id="dermai", app_desc="dermai", app_url="", image_url_mask="", image_url_logo="", async_mode=False,
        storage_mode="memory", pgp_autogen=False, pem_autogen=False, http_redirects=False, allow_templates=False,
    )  # fmt: skip
    with _what_apprise_says(logging.WARNING) as log:
        service = apprise.Apprise.instantiate(address, asset=asset) if address else None
    if service is None:
        return Receiver(name, None, unusable)
    if service.verify_certificate:
        service.verify_certificate = _authorities()  # type: ignore[assignment]  # a folder or file will do as well
    # Apprise warns where it leaves a part out, such as a recipient whose address it does not understand.
    return Receiver(name, service, "has a part that Apprise does not understand" if log.getvalue() else "")


def _json_service(address: str) -> dict[str, Any] | None:
    """An http address as what Apprise posts JSON to."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return {
        "schema": "jsons" if parts.scheme == "https" else "json",
        "host": f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname,
        "port": port,
        "user": parts.username,
        "password": parts.password,
        "fullpath": parts.path,
        "params": parse_qs(parts.query, keep_blank_values=True),
        "cto": PATIENCE,
        "rto": PATIENCE,
    }


def _mail_service(params: MonitoringParams) -> dict[str, Any]:
    """The mail server; a login goes over TLS only."""
    user = os.environ.get(SMTP_USER, "")
    return {
        "schema": "mailto",
        "host": params.smtp_host,
        "smtp_host": params.smtp_host,
        "port": params.smtp_port,
        "user": quote(user, safe=""),  # Apprise takes both for parts of an address
        "password": quote(os.environ.get(SMTP_PASSWORD, ""), safe=""),
        "secure_mode": "starttls" if user else "insecure",
        "from_addr": params.mail_from or "dermai@localhost",
        "targets": list(params.mail_to),
        "format": "text",
        "cto": PATIENCE,
    }


def _authorities() -> bool | str:
    """The certificate authorities that this machine trusts, a hospital's own among them, where it keeps any."""
    if os.environ.get("REQUESTS_CA_BUNDLE"):  # requests looks there itself
        return True
    paths = ssl.get_default_verify_paths()
    folder = paths.capath if paths.capath and any(Path(paths.capath).iterdir()) else None
    return paths.cafile or folder or True


@contextmanager
def _what_apprise_says(level: int) -> Iterator[StringIO]:
    import apprise

    loggers = [logging.getLogger(name) for name in (apprise.LOGGER_NAME, "urllib3")]
    before = [logger.propagate for logger in loggers]
    try:
        for logger in loggers:
            logger.propagate = False
        with apprise.LogCapture(level=level, fmt="%(message)s") as log:
            yield log
    finally:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.propagate = propagate
