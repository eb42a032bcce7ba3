"""One alert to one receiver, by Apprise, in a process of its own: whatever the receiver does, it ends in time.

What Apprise says meanwhile is read here and kept out of every log, as an address may hold its own password or token. As
a program it reads a `Message` from standard input and writes why it was not taken, or "".
"""

from __future__ import annotations

import json
import logging
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apprise import NotifyBase

TIME_LIMIT = 30.0  # seconds, for a receiver that keeps the connection busy
# Why a receiver did not take an alert, as far as it names no address.
REASON = re.compile(r"(?:error=|\()(\d{3})\b|\[Errno -?\d+\] ([A-Za-z ]+)|(timed out|certificate verify failed)")
# What Apprise's JSON would hold beside ours; an empty value leaves the field out.
LEFT_OUT = {"version": "", "title": "", "message": "", "attachments": "", "type": ""}

Address = str | dict[str, Any]


@dataclass(frozen=True)
class Message:
    """`target` is one of the recipients at the address, or "" for all; `content` is what a receiver of JSON gets."""

    address: Address
    target: str
    subject: str
    sentences: tuple[str, ...]
    content: Mapping[str, Any]


def deliver(message: Message) -> str:
    """Why a message was not taken; "" if it was."""
    program = [sys.executable, "-P", str(Path(__file__))]
    try:
        done = subprocess.run(
            program, input=json.dumps(asdict(message)).encode(), capture_output=True, timeout=TIME_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {TIME_LIMIT:.0f} s"
    try:
        return str(json.loads(done.stdout))
    except ValueError:
        return "no reason given"


def service_at(address: Address) -> tuple[NotifyBase | None, str]:
    """Apprise's service for an address, or None, and what Apprise warns of."""
    import apprise

    asset = apprise.AppriseAsset(
        app_id="dermai", app_desc="dermai", app_url="", image_url_mask="", image_url_logo="", async_mode=False,
        storage_mode="memory", pgp_autogen=False, pem_autogen=False, http_redirects=False, allow_templates=False,
    )  # fmt: skip
    with _what_apprise_says(logging.WARNING) as log:
        service = apprise.Apprise.instantiate(deepcopy(address), asset=asset) if address else None
    if service is not None and service.verify_certificate:
        service.verify_certificate = _authorities()  # type: ignore[assignment]  # a folder or file will do as well
    return service, log.getvalue()


def _send(message: Message) -> str:
    import apprise
    from apprise.plugins.custom_json import NotifyJSON
    from apprise.plugins.email import NotifyEmail

    service, _ = service_at(message.address)
    if service is None:
        return "no address"
    if message.target and isinstance(service, NotifyEmail):
        service.targets = [recipient for recipient in service.targets if recipient[1] == message.target]
    if isinstance(service, NotifyJSON):
        service.payload_extras = {**LEFT_OUT, **message.content, **service.payload_extras}
    sender = apprise.Apprise(service, asset=service.asset)
    with _what_apprise_says(logging.DEBUG) as log:
        taken = sender.notify(
            body="\n\n".join(message.sentences) or message.subject,
            title=message.subject,
            notify_type=apprise.NotifyType.WARNING,
            body_format=apprise.NotifyFormat.TEXT,
        )
    if taken:
        return ""
    found = REASON.search(log.getvalue())
    status, *reasons = found.groups() if found else ("",)
    return f"status {status}" if status else next(filter(None, reasons), "no reason given")


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


if __name__ == "__main__":
    print(json.dumps(_send(Message(**json.load(sys.stdin)))))
