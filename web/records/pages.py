"""The audit log with search, a record in full, and who looked at which case."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query
from starlette.requests import Request
from starlette.responses import Response

from dermai.audit import EVENTS, AuditLog, Entry
from dermai.language.messages import message
from dermai.records.summary import summarise, version_of
from web.accounts.access_log import accesses
from web.accounts.people import UnknownAccount, account_named
from web.accounts.roles import Permission
from web.accounts.visitor import Visitor
from web.frame.admission import permitted
from web.frame.page import page
from web.frame.service import service_of

Auditor = Annotated[Visitor, Depends(permitted(Permission.READ_RECORDS))]
AccessReader = Annotated[Visitor, Depends(permitted(Permission.READ_ACCESS_LOG))]
Text = Annotated[str, Query(max_length=200)]
A_PAGE, MOST_ACCESSES = 50, 200


def router() -> APIRouter:
    """Of the records."""
    routes = APIRouter()
    routes.get("/records")(records)
    routes.get("/records/{sequence}")(record)
    routes.get("/access")(access)
    return routes


def records(request: Request, visitor: Auditor, event: Text = "", words: Text = "", before: int = 0) -> Response:
    """The newest records first, of one kind and with all of the words where they are given."""
    log = AuditLog(service_of(request).workspace.audit_log)
    known = event if event in EVENTS else ""
    entries = [entry for entry in reversed(log.entries(*([known] if known else []))) if _has(entry, words)]
    later = [entry for entry in entries if not before or entry.sequence < before]
    shown = later[:A_PAGE]
    return page(
        request,
        "records/records.html",
        rows=[(entry, version_of(entry), summarise(entry)) for entry in shown],
        matching=len(entries),
        problems=log.verify().problems,
        event=known,
        events=EVENTS,
        words=words,
        older=shown[-1].sequence if len(later) > A_PAGE else 0,
    )


def record(request: Request, visitor: Auditor, sequence: int) -> Response:
    """One record in full, as it is signed."""
    log = AuditLog(service_of(request).workspace.audit_log)
    entry = next((entry for entry in log.entries() if entry.sequence == sequence), None)
    if entry is None:
        raise HTTPException(404, message("There is no record %(number)s.", number=sequence))
    return page(
        request,
        "records/record.html",
        entry=entry,
        version_of_record=version_of(entry),
        summary=summarise(entry),
        whole=json.dumps(asdict(entry), indent=2, ensure_ascii=False),
    )


def access(
    request: Request,
    visitor: AccessReader,
    case: Text = "",
    name: Text = "",
    before: Annotated[int, Query(ge=0, le=2**62)] = 0,
) -> Response:
    """Who saw what of which case, the newest first; of one case or one account where they are given."""
    with service_of(request).database.reading() as session:
        try:
            account = account_named(session, name).id if name.strip() else None
        except UnknownAccount as unknown:
            return page(request, "records/access.html", rows=[], case=case, name=name, older=0, problem=str(unknown))
        found = accesses(session, case.strip(), account, MOST_ACCESSES + 1, before)
        rows = found[:MOST_ACCESSES]
        older = rows[-1].id if len(found) > len(rows) else 0
        return page(request, "records/access.html", rows=rows, case=case, name=name, older=older, problem="")


def _has(entry: Entry, words: str) -> bool:
    """Whether a record holds all of the words, in its sentence or in its body."""
    if not words.strip():
        return True
    text = f"{summarise(entry)} {json.dumps(entry.body, ensure_ascii=False)}".casefold()
    return all(word in text for word in words.casefold().split())
