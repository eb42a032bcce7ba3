"""Who is alerted: the webhook, each recipient of the mail, and further addresses, by params.yaml or the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from dermai.config import MonitoringParams
from dermai.files import sha256_json
from monitoring.alert_delivery import Address, Message, deliver, service_at

ADDRESSES = "DERMAI_ALERT_URLS"
WEBHOOK, SMTP_USER, SMTP_PASSWORD = "DERMAI_ALERT_WEBHOOK", "DERMAI_SMTP_USER", "DERMAI_SMTP_PASSWORD"
PATIENCE = 10  # seconds, for the webhook and the mail server; an address sets its own with `?cto=` and `?rto=`
UNKNOWN = "is not an address that Apprise can use: see https://appriseit.com/services/"
BLANK = re.compile(r"[\s\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Receiver:
    """One recipient: what it is called in messages, how to reach it, and what is wrong with it.

    `key` tells it from the others in what is kept of delivered alerts; no password is part of it.
    """

    name: str
    address: Address
    key: str
    problem: str = ""
    target: str = ""  # a recipient of the mail
    mail: bool = False

    def send(self, subject: str, sentences: tuple[str, ...], facts: Mapping[str, Any]) -> str:
        """Send an alert; returns why it was not taken, or nothing.

        What takes JSON gets `subject`, `text` and the facts.
        """
        if self.problem:
            return self.problem
        content = {"subject": subject, "text": "\n".join([subject, *sentences]), **facts}
        why = deliver(Message(self.address, self.target, subject, sentences, content))
        return f"did not take the {'e-mail' if self.mail else 'alert'} ({why})" if why else ""


def receivers(params: MonitoringParams) -> list[Receiver]:
    """Everybody who is to be alerted; empty where nobody is named."""
    found = []
    if webhook := os.environ.get(WEBHOOK) or params.webhook:
        found += _receivers("the webhook", json_service(webhook), "is no http address")
    if params.smtp_host and params.mail_to:
        for number, recipient in enumerate(params.mail_to, start=1):
            name = params.smtp_host if len(params.mail_to) == 1 else f"{params.smtp_host}, recipient {number}"
            unusable = "is no mail server, or mail_from or mail_to no address"
            found += _receivers(name, _mail_service(params, recipient), unusable)
    for place, addresses in (("monitoring.alerts", params.alerts), (ADDRESSES, os.environ.get(ADDRESSES, "").split())):
        for number, address in enumerate(addresses, start=1):
            found += _receivers(f"address {number} of {place}", None if BLANK.search(address) else address, UNKNOWN)
    return found


def json_service(address: str) -> dict[str, Any] | None:
    """An http address as what Apprise posts JSON to; None where it is none."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or BLANK.search(address):
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


def _receivers(name: str, address: Address | None, unusable: str) -> list[Receiver]:
    """One for each recipient at an address, so that one that refuses is tried again alone."""
    from apprise.plugins.email import NotifyEmail

    service, warnings = (None, "") if address is None else service_at(address)
    if address is None or service is None:
        return [Receiver(name, address or "", "", unusable)]
    key = sha256_json(_without_password(address))[:16]
    found = [Receiver(name, address, key)]
    if isinstance(service, NotifyEmail):
        targets = [str(recipient) for _, recipient in service.targets]
        found = [
            Receiver(name if len(targets) == 1 else f"{name}, recipient {place + 1}", address,
                     f"{key}-{sha256_json(recipient)[:16]}", target=recipient, mail=True)
            for place, recipient in enumerate(targets)
        ]  # fmt: skip
    if warnings:  # where Apprise leaves a part out, such as a recipient whose address it does not understand
        found.append(Receiver(name, "", "", "has a part that Apprise does not understand"))
    return found


def _without_password(address: Address) -> object:
    if isinstance(address, dict):
        return {name: value for name, value in address.items() if name != "password"}
    return re.sub(r"(?<=:)[^:/@]*(?=@)", "", address)


def _mail_service(params: MonitoringParams, recipient: str) -> dict[str, Any] | None:
    """The mail server; a login goes over TLS only."""
    if any(BLANK.search(text) for text in (params.smtp_host, params.mail_from, recipient)):
        return None
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
        "targets": [recipient],
        "format": "text",
        "cto": PATIENCE,
    }
