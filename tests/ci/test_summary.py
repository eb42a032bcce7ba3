"""What a job says of an update, from its records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dermai.ci.outcome import job_outcome
from dermai.ci.report_files import collect
from dermai.ci.summary import summary
from dermai.continual.relabelling import Relabelling
from dermai.gate.decision import decide
from dermai.gate.findings import GateDecision
from dermai.gate.policy import GatePolicy
from dermai.records.failures import write_failure
from dermai.records.log import read_record
from dermai.records.summary import summarise
from dermai.records.update_record import DatasetRecord
from dermai.report.thumbnails import thumbnail
from dermai.workspace import Workspace
from tests.gate.simulated import first_hit, lesions

SIZES = {"MM": 60, "BCC": 60, "Nev": 80, "SebKer": 80}


def decision(melanomas: int) -> GateDecision:
    """Of a candidate that finds so many of 60 melanomas, and a champion that finds 55."""
    champion = lesions({code: first_hit(size - 5, size) for code, size in SIZES.items()})
    candidate = lesions({code: first_hit(melanomas if code == "MM" else n - 5, n) for code, n in SIZES.items()})
    return decide(GatePolicy(), candidate, champion, champion)


def attempted(fleet: Any, melanomas: int, **changes: Any) -> str:
    found = decision(melanomas)
    body = {"decision": found, "reasons": found.sentences, **changes}
    return str(fleet.candidate(found.outcome, **body))


def outcome(fleet: Any) -> Any:
    return job_outcome(fleet.audit.entries(), "c")


def test_a_promotion_shows_each_test_that_decided(fleet: Any) -> None:
    fleet.promote(attempted(fleet, 55))
    text = summary(outcome(fleet))
    assert text.startswith("## Version 1 is the champion\n")
    assert "| MM found | 55 of 60 lesions, at least 83.3 % certain | above 70 % | ✓ shown |" in text
    assert "| MM found, against the champion | 0.0 points (" in text
    assert "not shown" not in text
    assert "loss of 10 points ruled out, drop of at most 3 points" in text


def test_a_rejection_says_what_speaks_against_the_candidate(fleet: Any) -> None:
    attempted(fleet, 30)
    found = outcome(fleet)
    assert found.result == "rejected"
    text = summary(found)
    assert "| MM found, against the champion |" in text
    assert "**✗ worse**" in text
    assert "- ✗ Malignant melanoma (MM): " in text


def test_a_rejection_after_a_labelling_accident_leads_with_what_changed(fleet: Any) -> None:
    changes = (Relabelling(before="MM", now="Nev", cases=38, photographs=41),)
    attempted(fleet, 30, dataset=DatasetRecord(version="d", relabelled=changes))
    text = summary(outcome(fleet))
    assert text.index("| MM | Nev | 38 |") < text.index("| what must hold |")
    assert "Look first at the relabelled cases above" in text
    assert "new cases" not in text
    assert "after cases were relabelled (38 from MM to Nev): ✗ " in summarise(fleet.audit.entries()[-1])


def test_a_candidate_that_passed_waits_for_a_person_or_is_held_back(fleet: Any) -> None:
    version = attempted(fleet, 55)
    assert outcome(fleet).result == "waits_for_approval"
    fleet.params = fleet.params.model_copy(update={"gate": fleet.params.gate.model_copy(update={"alpha": 0.04})})
    with pytest.raises(Exception, match="is empty"):
        fleet.promote(version, approver=" ")
    found = outcome(fleet)
    assert (found.result, found.version) == ("held_back", version)
    assert "--approver is empty" in summary(found)


def test_a_failure_names_its_step_and_reason_and_none_is_a_failure_too(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dermai.audit import AuditLog

    assert job_outcome([], "c").result == "failed"
    write_failure(workspace, ValueError("patient 7 is in two splits\n| and | more"), step="validate_cases")
    entries = AuditLog(workspace.audit_log).entries()
    found = job_outcome(entries, read_record(entries[-1]).body.code.commit)
    assert found.result == "failed"
    assert "validate_cases: patient 7 is in two splits \\| and \\| more" in summary(found)
    assert "ended before an attempt was recorded" in summary(job_outcome(entries, "another commit"))


def test_what_leaves_the_runner_holds_no_photographs_unless_asked_for(fleet: Any, tmp_path: Path) -> None:
    attempted(fleet, 55, report="reports/incremental_finetune/a/report.html")
    made = fleet.workspace.reports / "incremental_finetune" / "a"
    made.mkdir(parents=True)
    picture = f'<img src="{thumbnail(tmp_path / "none.jpg")}">'
    (made / "report.html").write_text(f"<p>A report</p>{picture}")
    (made / "test_predictions.parquet").write_bytes(b"rows")
    (made / "replay.html").write_text(picture)  # of referrals: it never leaves the machine
    collect(fleet.workspace, outcome(fleet), tmp_path / "job")
    page = (tmp_path / "job" / "report.html").read_text()
    assert "A report" in page
    assert "photograph left out" in page
    assert "image/jpeg" not in page
    assert sorted(file.name for file in (tmp_path / "job").iterdir()) == ["report.html", "summary.md"]
    collect(fleet.workspace, outcome(fleet), tmp_path / "job", photographs=True)
    assert picture in (tmp_path / "job" / "report.html").read_text()
    assert not (tmp_path / "job" / "replay.html").exists()
