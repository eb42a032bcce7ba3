"""Not one module: the records on the command line: every refusal is one line and exit status 1."""

import json
import shutil
import sys

import pytest

from dermai.audit import AuditLog
from dermai.cli import app
from tests.promotion.test_alarms import raise_alarm

WHO = ["--approver", "Dr Silva", "--role", "dermatologist", "--reason", "reviewed"]


@pytest.fixture
def dermai(capsys, monkeypatch):
    """Run `dermai` with arguments: exit status, output, errors."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["dermai", *arguments])
        with pytest.raises(SystemExit) as ended:
            app()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return run


def test_promote_reject_and_rollback_say_what_was_done(fleet, dermai):
    status, said, _ = dermai("promote", fleet.candidate(), *WHO)
    assert (status, "promotion of version 1, first champion, by Dr Silva (dermatologist): reviewed" in said) == (
        0,
        True,
    )
    fleet.promote(fleet.candidate())
    status, said, _ = dermai("rollback", *WHO)
    assert (status, "rollback of version 1, back from version 2" in said) == (0, True)
    fleet.candidate("insufficient_evidence")
    status, said, _ = dermai("reject", *WHO)  # the challenger, where no version is named
    assert (status, "rejection of version 3" in said) == (0, True)


def test_a_refusal_is_one_line_and_exit_status_1(fleet, dermai):
    status, said, error = dermai("promote", fleet.candidate("reject"), *WHO)
    assert (status, said) == (1, "")
    assert error.startswith("dermai: the gate's outcome for version 1 is reject: ")
    assert error.count("\n") == 1
    assert (
        dermai("promote", *WHO)[2] == "dermai: there is no challenger: name a version, such as `dermai promote 4 ...`\n"
    )


def test_a_decision_needs_a_name_a_role_and_a_reason(fleet, dermai):
    status, _, error = dermai("promote", fleet.candidate(), "--approver", "Dr Silva")
    assert status == 2
    assert "--role" in error


def test_a_changed_policy_is_approved_by_name(fleet, dermai):
    file = fleet.workspace.params_file
    file.write_text(file.read_text().replace("approval: auto", "approval: manual"))
    assert dermai("status")[1].count("not approved") == 1
    status, said, _ = dermai("gate", "approve-policy", *WHO)
    assert (status, "approved by Dr Silva (dermatologist): reviewed" in said) == (0, True)
    status, _, error = dermai("gate", "approve-policy", *WHO)
    assert (status, "in force already" in error) == (1, True)


def test_open_alarms_are_settled_by_name(fleet, dermai):
    fleet.champions(1)
    status, _, error = dermai("settle-alarms", *WHO)
    assert (status, "no alarm is open" in error) == (1, True)
    raised = raise_alarm(fleet)
    status, said, _ = dermai("settle-alarms", *WHO)
    assert status == 0
    assert f"alarms settled of version 1, the alarms of records {raised} settled by Dr Silva" in said


def test_verify_finds_an_edit_and_exits_with_1(fleet, dermai, tmp_path):
    fleet.champions(1)
    key = shutil.copy(AuditLog(fleet.workspace.audit_log).public_key_file, tmp_path / "auditor.pub")
    assert dermai("audit", "verify", "--public-key", str(key))[:2] == (0, "4 records, all as they were written\n")
    content = fleet.workspace.audit_log.read_bytes()
    fleet.workspace.audit_log.write_bytes(content.replace(b"Dr Silva", b"Dr Silvo"))
    status, said, error = dermai("audit", "verify", "--public-key", str(key))
    assert (status, said) == (1, "problem: line 3: its content does not match its hash\n")
    assert error.startswith("dermai: 1 problem in ")
    result = json.loads(dermai("audit", "verify", "--json")[1])
    assert (result["ok"], result["records"]) == (False, 4)
    assert "the records were changed" in dermai("status")[1]


def test_verify_finds_an_alias_that_was_moved_by_hand(fleet, dermai):
    fleet.champions(2)
    fleet.registry.set_alias("champion", "1")
    status, said, _ = dermai("audit", "verify")
    assert (status, "the registry's champion is 1, the records name 2" in said) == (1, True)


def test_show_lists_records_and_prints_one_whole(fleet, dermai):
    fleet.champions(1)
    said = dermai("audit", "show")[1]
    assert "promotion" in said
    assert "confirmation" in said
    entries = json.loads(dermai("audit", "show", "--event", "promotion", "--json")[1])
    assert [entry["body"]["approver"] for entry in entries] == ["Dr Silva"]
    assert json.loads(dermai("audit", "show", "3")[1]) == entries
    assert dermai("audit", "show", "99")[0] == 1
    assert dermai("audit", "show", "--event", "promoted")[0] == 2


def test_status_tells_models_and_the_next_step(fleet, dermai):
    fleet.champions(1)
    fleet.candidate("insufficient_evidence")
    found = json.loads(dermai("status", "--json")[1])
    assert (found["champion"]["version"], found["challenger"]["version"], found["anchor"]["version"]) == ("1", "2", "1")
    assert found["pending"]["outcome"] == "insufficient_evidence"
    assert found["policy_approved"] is True
    assert found["records"] == 5
    assert "there is no data folder" in found["next_step"]
    assert "pending     version 2: insufficient evidence" in dermai("status")[1]


def test_status_of_a_new_workspace_has_nothing_to_hide(registry, dermai):
    found = json.loads(dermai("status", "--json")[1])
    assert (found["champion"], found["records"], found["problems"], found["last_record"]) == (None, 0, [], "")


def test_export_writes_the_pages_and_a_log_that_can_be_verified_elsewhere(fleet, dermai, tmp_path):
    fleet.champions(1)
    status, said, _ = dermai("audit", "export", "--output", str(tmp_path / "export"))
    names = ["technical_documentation.html", "model_card.html", "updates.jsonl", "updates.head", "updates.pub"]
    assert (status, said.split()) == (0, [str(tmp_path / "export" / name) for name in names])
    assert AuditLog(tmp_path / "export" / "updates.jsonl").verify().ok
