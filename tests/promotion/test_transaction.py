"""Champions move only by recorded, repairable transactions that keep the rules."""

import signal
import subprocess
import sys

import pytest

from dermai.config import load_params
from dermai.errors import AuditLogDamaged, PackageTampered, Refused, UnknownVersion
from dermai.gate.policy import GatePolicy
from dermai.promotion.history import champion_history, champion_problem, recorded_anchor, waiting_version
from dermai.promotion.policy_approval import approve_policy
from dermai.promotion.recorded_models import registry_problem
from dermai.promotion.transaction import (
    record_shadow_decision,
    reject,
    repair,
    rollback,
)
from dermai.records.log import records_of
from dermai.records.moves import Confirmation, Promotion, Refusal
from dermai.records.update_record import CodeRecord
from dermai.registry.registry import Registry
from tests.conftest import REPOSITORY
from tests.promotion.fleet import WHO, Fleet, register_four
from tests.records.made import shadow_decision


def test_the_first_promotion_sets_champion_and_anchor_and_is_written_down_first(fleet):
    fleet.promote(fleet.candidate())
    assert fleet.aliases() == {"anchor": "1", "champion": "1"}
    assert fleet.events() == ["policy_approval", "update_attempt", "promotion", "confirmation"]
    promotion = records_of(fleet.audit, Promotion)[0].body
    assert promotion.approver == "Dr Silva"
    assert (promotion.champion_before, promotion.decision, promotion.policy_approval) == (None, 2, 1)
    assert fleet.audit.verify().ok


def test_a_later_promotion_keeps_the_anchor_and_remembers_the_way_back(fleet):
    fleet.champions(2)
    assert fleet.aliases() == {"anchor": "1", "previous": "1", "champion": "2"}
    assert records_of(fleet.audit, Promotion)[-1].body.rollback_target == "1"


def test_a_version_promoted_beside_an_anchor_that_holds_what_was_taken_back_is_the_new_anchor(fleet):
    fleet.champions(1)
    fleet.promote(fleet.candidate(taken_back={"champion": 2, "anchor": 2}))
    assert fleet.aliases() == {"champion": "2", "anchor": "2", "previous": "1"}
    fleet.champions(1)
    assert fleet.aliases()["anchor"] == "2"
    assert recorded_anchor(fleet.audit).version == "2"
    rollback(fleet.workspace, fleet.params, **WHO, to="1")
    assert fleet.aliases() == {"champion": "1", "anchor": "1"}
    assert registry_problem(fleet.audit, fleet.registry.versions()) == ""


@pytest.mark.parametrize("outcome", ["reject", "insufficient_evidence"])
def test_a_candidate_that_is_not_promoted_leaves_the_anchor_as_it_is(fleet, outcome):
    fleet.champions(1)
    fleet.candidate(outcome, taken_back={"anchor": 2})
    assert fleet.aliases()["anchor"] == "1"


@pytest.mark.parametrize("outcome", ["reject", "insufficient_evidence"])
def test_a_candidate_that_did_not_pass_cannot_be_promoted_by_anyone(fleet, outcome):
    version = fleet.candidate(outcome)
    with pytest.raises(Refused, match=f"outcome for version 1 is {outcome.replace('_', ' ')}: the lower bound for MM"):
        fleet.promote(version)
    assert "champion" not in fleet.aliases()
    refusal = records_of(fleet.audit, Refusal)[-1].body
    assert (refusal.action, refusal.version, refusal.approver) == ("promotion", "1", "Dr Silva")


def test_a_candidate_with_too_little_evidence_becomes_challenger_and_a_shadow_decision_can_promote_it(fleet):
    fleet.champions(1)
    version = fleet.candidate("insufficient_evidence")
    assert fleet.aliases()["challenger"] == version
    record_shadow_decision(fleet.workspace, fleet.params, version, shadow_decision("e-value 31"))
    fleet.promote(version)
    assert fleet.aliases() == {"anchor": "1", "previous": "1", "champion": "2"}


def test_a_challenger_does_not_outlive_the_promotion_of_a_later_candidate(fleet):
    fleet.champions(1)
    fleet.candidate("insufficient_evidence")
    fleet.champions(1)
    assert fleet.aliases() == {"anchor": "1", "previous": "1", "champion": "3"}


def test_a_challenger_goes_on_waiting_when_a_later_candidate_is_rejected(fleet):
    fleet.champions(1)
    version = fleet.candidate("insufficient_evidence")
    fleet.candidate("reject")
    assert fleet.aliases()["challenger"] == waiting_version(fleet.audit) == version


def test_a_decision_against_an_earlier_champion_does_not_count(fleet):
    fleet.champions(1)
    second, third = fleet.candidate(), fleet.candidate()
    fleet.promote(second)
    with pytest.raises(Refused, match="compared with version 1, but the champion is now version 2"):
        fleet.promote(third)


def test_a_version_without_a_recorded_decision_cannot_be_promoted(fleet):
    with pytest.raises(Refused, match="no decision on version 1 is recorded"):
        fleet.promote("1")


def test_the_champion_cannot_be_promoted_again(fleet):
    fleet.champions(1)
    with pytest.raises(Refused, match="is the champion already"):
        fleet.promote("1")


def test_a_candidate_of_uncommitted_data_or_code_cannot_be_promoted(fleet):
    version = fleet.candidate(dirty="data differs from data.dvc")
    with pytest.raises(Refused, match=r"cannot be promoted: data differs from data.dvc"):
        fleet.promote(version)
    code = CodeRecord(commit="c", dirty=True, lock_sha256="", python="3.11", hardware={})
    with pytest.raises(Refused, match="the code differs from its commit"):
        fleet.promote(fleet.candidate(code=code))


def test_an_unknown_version_is_refused_and_written_down(fleet):
    with pytest.raises(UnknownVersion):
        fleet.promote("9")
    assert fleet.events()[-1] == "refusal"


@pytest.mark.parametrize("missing", ["approver", "role", "reason"])
def test_a_move_without_who_or_why_is_refused(fleet, missing):
    version = fleet.candidate()
    with pytest.raises(Refused, match=f"--{missing} is empty"):
        fleet.promote(version, **{missing: " "})


def test_the_pipeline_cannot_approve_where_the_policy_asks_for_a_person(fleet):
    manual = GatePolicy(approval="manual")
    approve_policy(fleet.audit, manual, approver="Dr Silva", role="head", reason="four eyes")
    version = fleet.candidate(policy=manual)
    assert fleet.aliases()["challenger"] == version
    with pytest.raises(Refused, match="asks for a person's approval"):
        fleet.promote(version, role="automatic")
    fleet.promote(version)
    assert fleet.aliases() == {"anchor": "1", "champion": "1"}


def test_a_changed_policy_promotes_nothing_until_it_is_approved(fleet):
    changed = GatePolicy(alpha=0.2)
    version = fleet.candidate(policy=changed)
    with pytest.raises(Refused, match="a gate policy that nobody approved"):
        fleet.promote(version)
    approve_policy(fleet.audit, changed, approver="Dr Silva", role="head", reason="agreed on 3 March")
    fleet.promote(version)
    with pytest.raises(Refused, match="nobody approved"):  # the shipped policy is no longer in force
        fleet.promote(fleet.candidate())


def test_a_changed_policy_is_not_approved_by_itself_in_a_new_workspace(fleet):
    fleet.params = fleet.params.model_copy(update={"gate": GatePolicy(alpha=0.2)})
    with pytest.raises(Refused, match="nobody approved"):
        fleet.promote(fleet.candidate())
    assert "policy_approval" not in fleet.events()


def test_the_committed_policy_is_the_shipped_one():
    assert load_params(REPOSITORY / "params.yaml").gate.hash == GatePolicy().hash


def test_a_rejected_candidate_stays_rejected(fleet):
    fleet.champions(1)
    version = fleet.candidate("insufficient_evidence")
    reject(fleet.workspace, fleet.params, version, **WHO)
    assert "challenger" not in fleet.aliases()
    record_shadow_decision(fleet.workspace, fleet.params, version, shadow_decision())
    with pytest.raises(Refused, match="rejected by Dr Silva"):
        fleet.promote(version)
    with pytest.raises(Refused, match="is the champion: use `dermai rollback`"):
        reject(fleet.workspace, fleet.params, "1", **WHO)


def test_rollbacks_walk_back_one_champion_at_a_time(fleet):
    fleet.champions(3)
    rollback(fleet.workspace, fleet.params, **WHO)
    assert fleet.aliases() == {"anchor": "1", "previous": "1", "champion": "2"}
    rollback(fleet.workspace, fleet.params, **WHO)
    assert fleet.aliases() == {"anchor": "1", "champion": "1"}
    with pytest.raises(Refused, match="no earlier champion"):
        rollback(fleet.workspace, fleet.params, **WHO)
    with pytest.raises(Refused, match="rolled back by Dr Silva"):
        fleet.promote("2")
    fleet.promote(fleet.candidate())
    assert champion_history(fleet.audit) == ["1", "4"]


def test_a_rollback_can_name_an_earlier_champion(fleet):
    fleet.champions(3)
    with pytest.raises(Refused, match="version 4 was never the champion; earlier champions: 1, 2, 3"):
        rollback(fleet.workspace, fleet.params, **WHO, to=fleet.candidate("reject"))
    rollback(fleet.workspace, fleet.params, **WHO, to="1")
    assert fleet.aliases() == {"anchor": "1", "champion": "1"}
    with pytest.raises(Refused, match="rolled back"):
        fleet.promote("2")


def test_an_alias_moved_outside_is_found_and_settled(fleet):
    fleet.champions(2)
    fleet.registry.set_alias("champion", "1")
    assert "moved outside dermai" in champion_problem(fleet.audit, fleet.registry.by_alias("champion"))
    with pytest.raises(Refused, match=r"champion is 1, the records name 2.*rollback --to 2"):
        rollback(fleet.workspace, fleet.params, **WHO)
    rollback(fleet.workspace, fleet.params, **WHO, to="2")
    assert fleet.aliases()["champion"] == "2"
    assert champion_problem(fleet.audit, fleet.registry.by_alias("champion")) == ""


def test_a_tampered_candidate_is_not_promoted_and_a_tampered_predecessor_not_rolled_back_to(registry, tmp_path):
    register_four(registry, tmp_path)
    fleet = Fleet(registry)
    fleet.champions(1)
    second = fleet.candidate()
    file = fleet.registry.download(second) / "model.json"
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"0.3", b"0.4"))
    with pytest.raises(PackageTampered):
        fleet.promote(second)
    file.write_bytes(whole)
    fleet.promote(second)
    (fleet.registry.download("1") / "model.json").write_bytes(b"{}")
    with pytest.raises(PackageTampered):
        rollback(fleet.workspace, fleet.params, **WHO)
    assert fleet.aliases()["champion"] == second
    assert [record.body.action for record in records_of(fleet.audit, Refusal)] == ["promotion", "rollback"]


def test_nothing_moves_on_a_log_that_was_changed(fleet):
    version = fleet.candidate("reject")
    content = fleet.workspace.audit_log.read_bytes()
    fleet.workspace.audit_log.write_bytes(content.replace(b'"outcome":"reject"', b'"outcome":"promote"'))
    with pytest.raises(AuditLogDamaged, match="line 2: its content does not match its hash"):
        fleet.promote(version)
    assert fleet.aliases() == {}


class PowerCut(BaseException):
    """Stands for a crash: nothing after it runs."""


@pytest.mark.parametrize("aliases_set", [0, 1])
def test_a_promotion_that_dies_between_record_and_alias_is_finished_by_the_next_command(
    fleet, aliases_set, caplog, monkeypatch
):
    fleet.champions(1)
    version, original, done = fleet.candidate(), Registry.set_alias, []

    def set_alias(self, alias, target):
        if len(done) == aliases_set:
            raise PowerCut
        original(self, alias, target)
        done.append(alias)

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "set_alias", set_alias)
        with pytest.raises(PowerCut):
            fleet.promote(version)
    said = repair(fleet.workspace, fleet.params)
    assert said == ["the promotion of version 2 was recorded (record 6) but not finished: finished now"]
    assert said[0] in caplog.text
    assert fleet.aliases() == {"anchor": "1", "previous": "1", "champion": "2"}
    assert records_of(fleet.audit, Confirmation)[-1].body.repaired is True
    assert repair(fleet.workspace, fleet.params) == []


def test_a_log_begun_anew_takes_over_the_champion_that_is_there(fleet):
    fleet.champions(2)
    (fleet.workspace.state / "audit").rename(fleet.workspace.root / "evidence")  # its key was lost
    with pytest.raises(AuditLogDamaged, match="known beside the key, is not here"):
        rollback(fleet.workspace, fleet.params, **WHO, to="2")
    fleet.audit.begin_anew(**WHO)
    assert champion_problem(fleet.audit, fleet.registry.by_alias("champion"))
    rollback(fleet.workspace, fleet.params, **WHO, to="2")
    assert champion_history(fleet.audit) == ["2"]
    assert champion_problem(fleet.audit, fleet.registry.by_alias("champion")) == ""


def test_a_rollback_that_dies_before_its_aliases_is_finished_by_the_next_promotion(fleet, monkeypatch):
    fleet.champions(2)

    def power_cut(*_):
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr("dermai.promotion.transaction.set_aliases", power_cut)
        with pytest.raises(PowerCut):
            rollback(fleet.workspace, fleet.params, **WHO)
    assert fleet.aliases()["champion"] == "2"
    with pytest.raises(Refused, match="rolled back"):
        fleet.promote("2")
    assert fleet.aliases()["champion"] == "1"


MOVE = """
import os, signal, sys
from dermai.promotion import transaction
from dermai.config import Params, load_params
from dermai.workspace import find_workspace

version, killed = sys.argv[1:]
if killed == "killed":
    transaction.set_aliases = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
workspace = find_workspace()
try:
    transaction.promote(
        workspace, load_params(workspace.params_file), version, approver="Dr Silva", role="head", reason="reviewed"
    )
except transaction.Refused as refusal:
    print(refusal)
    sys.exit(1)
"""


def _start(version, killed=""):
    return subprocess.Popen([sys.executable, "-c", MOVE, version, killed], stdout=subprocess.PIPE, text=True)


def test_a_killed_promotion_blocks_nobody_and_is_finished_by_the_next_command(fleet):
    assert _start(fleet.candidate(), "killed").wait(timeout=300) == -signal.SIGKILL
    assert fleet.aliases() == {}
    with pytest.raises(Refused, match="is the champion already"):
        fleet.promote("1")
    assert fleet.aliases() == {"anchor": "1", "champion": "1"}


def test_two_processes_promoting_at_once_end_with_one_promotion_and_one_clear_refusal(fleet):
    fleet.champions(1)
    second, third = fleet.candidate(), fleet.candidate()
    processes = [_start(version) for version in (second, third)]
    said = [process.communicate(timeout=300)[0] for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 1]
    winner = (second, third)[processes[1].returncode == 0]
    assert fleet.aliases()["champion"] == winner
    assert f"compared with version 1, but the champion is now version {winner}" in "".join(said)
    assert fleet.events().count("promotion") == 2
    assert fleet.events().count("refusal") == 1
    assert fleet.audit.verify().ok
