"""A referral as multipart form data: photographs by role, and fields or one JSON part with the numbers and columns."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from dermai.inbox.sent import ROLES, SentPhotograph, SentReferral, UnclearReferral

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
        raise UnclearReferral("a quality check takes photographs alone: leave the other parts out")
    if not sent.photographs:
        raise UnclearReferral(f"no photograph came with it: send at least one as {' or '.join(ROLES)}")
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
            raise UnclearReferral(f"{name} came as text: send the photograph as a file")
        else:
            found = {name: value}
        if twice := sorted(set(found) & set(fields)):
            raise UnclearReferral(f"{twice[0][:40]} came twice: send it once")
        fields |= found
    follows = fields.pop(FOLLOWS, "")
    return SentReferral(site, fields, tuple(photographs), follows)


def _photograph(role: str, sent: UploadFile, file: Path) -> SentPhotograph:
    if role not in ROLES:
        raise UnclearReferral(f"a file came as a part that is none of {', '.join(ROLES)}: name it by what it shows")
    digest = hashlib.sha256()
    with file.open("wb") as stream:
        while piece := sent.file.read(CHUNK):
            digest.update(piece)
            stream.write(piece)
    return SentPhotograph(file, digest.hexdigest(), role)


def _from_json(content: bytes) -> dict[str, str]:
    """The fields of the JSON part; numbers and true or false as they are written in a table."""
    if len(content) > MOST_JSON:
        raise UnclearReferral(f"the part {JSON_PART} is larger than {MOST_JSON} bytes: it holds fields alone")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise UnclearReferral(f"the part {JSON_PART} is no JSON: send an object such as {{'case_id': '17'}}") from None
    if not isinstance(found, dict):
        raise UnclearReferral(f"the part {JSON_PART} is no JSON object: send one such as {{'case_id': '17'}}")
    fields = {}
    for name, value in found.items():
        if isinstance(value, dict | list):
            raise UnclearReferral(f"a value in the part {JSON_PART} is a list or an object: send texts and numbers")
        fields[name] = "" if value is None else str(value)
    return fields
