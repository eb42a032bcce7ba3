"""An auditor finds a record by its words, reads it as it was signed, and sees who looked at which case."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from dermai.audit import AuditLog
from dermai.records.moves import Refusal
from dermai.workspace import Workspace
from web.accounts.access_log import note_access
from web.accounts.tables import Account
from web.accounts.visitor import Visitor
from web.records import pages


@pytest.fixture
def log(workspace: Workspace) -> AuditLog:
    log = AuditLog(workspace.audit_log)
    for number in range(60):
        log.append(Refusal(action="promotion", version=str(number), approver="Ana Silva", role="lead",
                           why=f"reason <{number}>"))  # fmt: skip
    return log


def test_records_are_verified_and_found_by_their_words_and_paged(log: AuditLog, signed_in) -> None:
    auditor = signed_in("auditor")
    shown = auditor.get("/records").text
    assert "Verified just now" in shown
    assert "60 records" in shown
    assert "reason &lt;59&gt;" in shown
    assert 'href="/records?event=&amp;words=&amp;before=11"' in shown
    assert "reason &lt;0&gt;" in auditor.get("/records?before=11").text
    found = auditor.get("/records", params={"words": "SILVA <42>"}).text
    assert "1 record." in found
    assert "No record has all of these words" in auditor.get("/records", params={"words": "nowhere"}).text
    assert "No record has" in auditor.get("/records", params={"event": "promotion"}).text


def test_a_record_is_shown_as_it_is_signed(log: AuditLog, signed_in) -> None:
    auditor = signed_in("auditor")
    shown = auditor.get("/records/7").text
    assert log.entries()[6].signature in shown
    assert "reason &lt;6&gt;" in shown
    assert auditor.get("/records/99").status_code == 404


def test_a_changed_log_is_said_at_the_top(log: AuditLog, signed_in) -> None:
    log.path.write_text(log.path.read_text().replace("Ana Silva", "Ana Costa", 1))
    assert "nothing may rest on it" in signed_in("auditor").get("/records").text


def test_who_looked_at_a_case_is_found_by_case_and_by_account(application: FastAPI, signed_in) -> None:
    auditor, reader = signed_in("auditor"), signed_in("dermatologist")
    assert reader.get("/access").status_code == 403
    database = application.state.service.database
    with database.reading() as session:
        visitor = Visitor.of(session.scalars(select(Account).where(Account.name == "dermatologist")).one())
    note_access(database, visitor, "case-1", "photograph")
    note_access(database, visitor, "case-2", "evidence map")
    shown = auditor.get("/access").text
    assert shown.index("case-2") < shown.index("case-1")
    assert "A dermatologist (dermatologist)" in shown
    assert "case-2" not in auditor.get("/access?case=case-1").text
    assert "case-1" not in auditor.get("/access?name=auditor").text
    assert "no account" in auditor.get("/access?name=nobody").text.casefold()


def test_who_looked_at_which_case_is_paged(application: FastAPI, signed_in, monkeypatch) -> None:
    monkeypatch.setattr(pages, "MOST_ACCESSES", 3)
    auditor, database = signed_in("auditor"), application.state.service.database
    with database.reading() as session:
        visitor = Visitor.of(session.scalars(select(Account)).one())
    for number in range(5):
        note_access(database, visitor, f"case-{number}", "photograph")
    shown = auditor.get("/access").text
    assert "case-4" in shown
    assert "case-1" not in shown
    older = re.search(r'href="(/access\?[^"]+)">Older lines', shown)[1].replace("&amp;", "&")
    assert "case-1" in auditor.get(older).text
    assert "Older lines" not in auditor.get(older).text
