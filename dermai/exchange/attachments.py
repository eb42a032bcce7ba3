"""Photographs within FHIR resources, and the role in which each was sent."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path

from dermai.exchange.codings import ROLE, Resource, code_of
from dermai.exchange.strict_reading import UnclearResource, only, text
from dermai.inbox.sent import ROLES, SentPhotograph
from dermai.language.messages import message

OF_ATTACHMENT = ("data",)
OF_ATTACHMENT_NOT_KEPT = ("contentType", "language", "size", "hash", "title", "creation")  # they may come


def photograph_in(attachment: Resource, where: str, role: str, file: Path) -> SentPhotograph:
    """The photograph that an attachment holds, written as `file`; nothing is fetched from anywhere.

    Raises:
        UnclearResource: it is a link, no base64, or empty.
    """
    if "url" in attachment:
        raise UnclearResource(
            message(
                "%(where)s: send the photograph itself in data; nothing is fetched from elsewhere", where=f"{where}.url"
            )
        )
    only(attachment, OF_ATTACHMENT, OF_ATTACHMENT_NOT_KEPT, where)
    try:
        content = base64.b64decode(text(attachment, "data", where), validate=True)
    except (binascii.Error, ValueError):
        raise UnclearResource(message("%(where)s is no base64", where=f"{where}.data")) from None
    if not content:
        raise UnclearResource(message("%(where)s is empty: send the photograph in base64", where=f"{where}.data"))
    file.write_bytes(content)
    return SentPhotograph(file, hashlib.sha256(content).hexdigest(), role)


def role_of(concept: Resource, where: str) -> str:
    """A photograph's role, "photograph" where the concept names none.

    Raises:
        UnclearResource: it is not known.
    """
    found = code_of(concept, ROLE).strip().casefold().replace(" ", "_").replace("-", "_")
    if found and found not in ROLES:
        raise UnclearResource(
            message(
                "%(where)s is no known role: send one of %(choices)s of the system %(system)s",
                where=where,
                choices=", ".join(ROLES),
                system=ROLE,
            )
        )
    return found or "photograph"
