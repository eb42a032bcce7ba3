"""A referral as multipart form data: photographs by role, and fields or one JSON part with the numbers and columns."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from dermai.inbox.sent import ROLES, SentPhotograph, SentReferral, UnclearReferral, no_photograph
from dermai.language.messages import message

MOST_BYTES = 100_000_000  # of a request, all photographs together
MOST_PARTS = 64  # files, and fields as many
JSON_PART, FOLLOWS = "referral", "follows"
MOST_JSON = 64_000  # bytes
CHUNK = 1 << 20


async def read_referral(request: Request, folder: Path, site: str) -> SentReferral:
    """What was sent, its photographs written into `folder` under names of ours; the sender's are not looked at.

    Raises:
        HTTPException: 400, the form is broken; 413, it is too large.
        UnclearReferral: a part is of an unknown name, comes twice, or is no JSON object of texts and numbers.
    """
    async with request.form(max_files=MOST_PARTS, max_fields=MOST_PARTS) as form:
        return await run_in_threadpool(_referral, form, folder, site)


async def read_photographs(request: Request, folder: Path) -> tuple[SentPhotograph, ...]:
    """As `read_referral`, of photographs alone."""
    sent = await read_referral(request, folder, "")
    if sent.fields or sent.follows:
        raise UnclearReferral(message("a quality check takes photographs alone: leave the other parts out"))
    if not sent.photographs:
        raise UnclearReferral(no_photograph())
    return sent.photographs


def _referral(form: FormData, folder: Path, site: str) -> SentReferral:
    fields: dict[str, str] = {}
    photographs: list[SentPhotograph] = []
    for name, value in form.multi_items():
        if name == JSON_PART:
            found = _from_json(value.file.read(MOST_JSON + 1) if isinstance(value, UploadFile) else value.encode())
        elif isinstance(value, UploadFile):
            photographs.append(_photograph(name, value, folder / f"{len(photographs) + 1}.tmp"))
            continue
        elif name in ROLES:
            raise UnclearReferral(message("%(field)s came as text: send the photograph as a file", field=name))
        else:
            found = {name: value}
        if twice := sorted(set(found) & set(fields)):
            raise UnclearReferral(message("%(field)s came twice: send it once", field=twice[0][:40]))
        fields |= found
    follows = fields.pop(FOLLOWS, "")
    return SentReferral(site, fields, tuple(photographs), follows)


def _photograph(role: str, sent: UploadFile, file: Path) -> SentPhotograph:
    if role not in ROLES:
        roles = ", ".join(ROLES)
        raise UnclearReferral(
            message("a file came as a part that is none of %(roles)s: name it by what it shows", roles=roles)
        )
    digest = hashlib.sha256()
    with file.open("wb") as stream:
        while piece := sent.file.read(CHUNK):
            digest.update(piece)
            stream.write(piece)
    return SentPhotograph(file, digest.hexdigest(), role)


def _from_json(content: bytes) -> dict[str, str]:
    """The fields of the JSON part; numbers and true or false as they are written in a table."""
    if len(content) > MOST_JSON:
        raise UnclearReferral(
            message(
                "the part %(part)s is larger than %(number)s bytes: it holds fields alone",
                part=JSON_PART,
                number=MOST_JSON,
            )
        )
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise UnclearReferral(
            message("the part %(part)s is no JSON: send an object such as {'case_id': '17'}", part=JSON_PART)
        ) from None
    if not isinstance(found, dict):
        raise UnclearReferral(
            message("the part %(part)s is no JSON object: send one such as {'case_id': '17'}", part=JSON_PART)
        )
    fields = {}
    for name, value in found.items():
        if isinstance(value, dict | list):
            raise UnclearReferral(
                message("a value in the part %(part)s is a list or an object: send texts and numbers", part=JSON_PART)
            )
        fields[name] = "" if value is None else str(value)
    return fields
