"""From every state of data, registry, records and policy, the commands that `dermai status` names lead on."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dermai.cli import app
from dermai.config import Overrides, lay_over, load_params
from dermai.errors import AuditLogDamaged
from dermai.promotion.automatic import act_on_decision
from dermai.promotion.next_step import CONFIRM, INGEST, MONITOR, TRIAGE, UPDATE
from dermai.promotion.shadow_mode import settle_challenger
from dermai.promotion.status import read_status
from dermai.promotion.transaction import approve_current_policy, promote, record_attempt, reject, repair, rollback
from dermai.records.after_alarms import AfterAlarm, AfterAlarms
from dermai.records.log import records_of
from dermai.records.update_record import NothingNew, UpdateAttempt
from dermai.registry.champion import reference_to
from dermai.registry.registry import Registry
from dermai.workspace import dataset_version
from tests.promotion.fleet import WHO, Fleet, training_with
from tests.promotion.test_alarms import raise_alarm, raise_sensitivity_alarm
from tests.promotion.test_shadow_mode import confirm_all, log_answers

MOST_STEPS = 8


def shell(folder, command):
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest.fixture(scope="session")
def versioned(tmp_path_factory) -> Path:
    """A repository whose dataset is versioned."""
    root = tmp_path_factory.mktemp("versioned")
    shell(root, "git init -q . && git config user.name Desk && git config user.email desk@localhost && dvc init -q")
    (root / "data").mkdir()
    (root / "data" / "cases.csv").write_text("image\n")
    shell(root, "dvc add -q data && git add -A && git commit -qm Dataset")
    return root


def dermai(monkeypatch, *arguments):
    """Run a command in this process; its exit status."""
    with monkeypatch.context() as patched:
        patched.setattr(sys, "argv", ["dermai", *arguments])
        with pytest.raises(SystemExit) as ended:
            app()
    return ended.value.code or 0


class World:
    """A workspace and the people around it, who do what status says."""

    def __init__(self, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fleet, self.root, self.monkeypatch = fleet, fleet.workspace.root, monkeypatch
        self.commands: list[str] = []

    @property
    def params(self):
        return load_params(self.fleet.workspace.params_file)

    @property
    def data(self):
        return dataset_version(self.fleet.workspace).hash

    def status(self):
        with suppress(AuditLogDamaged):
            repair(self.fleet.workspace, self.params)
        return read_status(self.fleet.workspace, self.params)

    def update(self, outcome="promote", **changes):
        self.fleet.params = self.params
        dataset = self.fleet.record(self.fleet.registry.get("1")).dataset.model_copy(update={"version": self.data})
        return self.fleet.candidate(outcome, policy=self.params.gate, **{"dataset": dataset, **changes})

    def provisional(self, version=None, days=180):
        over = datetime.now(UTC).date() + timedelta(days=days)
        with self.monkeypatch.context() as patched:
            patched.setattr("dermai.promotion.transaction.last_day", lambda _: over)
            version = version or self.update("insufficient_evidence")
            promote(self.fleet.workspace, self.params, version, **WHO, provisional=True)

    def diagnoses_come_back(self):
        versions = [alias.version for alias in (self.status().champion, self.status().challenger) if alias]
        named = f"{len(self.fleet.events())}-"
        for version in versions:
            diagnoses = log_answers(self.fleet, version, named=named)
        confirm_all(self.fleet, diagnoses)
        settle_challenger(self.fleet.workspace, self.params)

    def set_params(self, before, after):
        file = self.fleet.workspace.params_file
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after))

    def follow(self, command: str) -> None:
        """Do what a command says; trainings, triages and deliveries are those of the world outside."""
        self.commands.append(command)
        if command == UPDATE:
            self.update()
            act_on_decision(self.fleet.workspace, self.params, records_of(self.fleet.audit, UpdateAttempt)[-1].body)
        elif command in (TRIAGE, CONFIRM):
            self.diagnoses_come_back()
        elif command == MONITOR:
            owed = AfterAlarms.read(self.fleet.workspace)
            for alarm in owed.alarms:
                owed = owed.with_states({alarm: AfterAlarm(alert=False, follow_up=False)})
        elif command == INGEST:
            table = self.root / "data" / "cases.csv"
            table.parent.mkdir(exist_ok=True)
            table.write_text((table.read_text() if table.exists() else "image\n") + f"{len(self.commands)}\n")
        elif command.startswith("dermai "):
            filled = command.replace('"NAME"', "'Dr Silva'").replace('"ROLE"', "dermatologist").replace('"WHY"', "seen")
            assert dermai(self.monkeypatch, *shlex.split(filled)[1:]) == 0, command
        else:
            shell(self.root, command.replace("MESSAGE", "Data"))


@pytest.fixture
def world(fleet, versioned, monkeypatch):
    shutil.copytree(versioned, fleet.workspace.root, dirs_exist_ok=True)
    monkeypatch.chdir(fleet.workspace.root)
    return World(fleet, monkeypatch)


def new_workspace(world):
    shutil.rmtree(world.root / "data")
    (world.root / "data.dvc").unlink()


def data_not_pulled(world):
    shutil.rmtree(world.root / "data")


def pin_damaged(world):
    (world.root / "data.dvc").write_text("outs: [")


def data_not_committed(world):
    world.follow(INGEST)


def no_attempt(world):
    pass


def first_candidate_rejected(world):
    world.update("reject")


def first_candidate_open(world):
    world.update("insufficient_evidence")


def first_candidate_from_uncommitted_data(world):
    dataset = world.fleet.record(world.fleet.registry.get("1")).dataset
    world.update("promote", dataset=dataset.model_copy(update={"version": world.data, "dirty_reason": "data differs"}))


def open_candidate_from_uncommitted_data(world):
    dataset = world.fleet.record(world.fleet.registry.get("1")).dataset
    dirty = dataset.model_copy(update={"version": world.data, "dirty_reason": "data differs"})
    world.update("insufficient_evidence", dataset=dirty)


def passed_and_waits_for_a_person(world):
    world.set_params("approval: auto", "approval: manual")
    approve_current_policy(world.fleet.workspace, world.params, **WHO)
    world.update("promote")


def provisional(world):
    world.provisional()


def provisional_expired(world):
    world.provisional(days=-1)


def provisional_expired_with_a_challenger(world):
    world.provisional(days=-1)
    world.update("insufficient_evidence")


def provisional_harmful(world):
    world.provisional()
    confirm_all(world.fleet, log_answers(world.fleet, "1", wrong=0.7))
    settle_challenger(world.fleet.workspace, world.params)
    world.fleet.workspace.prediction_log.rename(world.root / "harmful")


def provisional_rejected(world):
    world.provisional()
    reject(world.fleet.workspace, world.params, "1", **WHO)


def provisional_rejected_with_a_challenger(world):
    provisional_rejected(world)
    world.update("insufficient_evidence")


def provisional_expired_under_a_new_policy(world):
    world.provisional(days=-1)
    world.set_params("fewest_lesions: 5", "fewest_lesions: 6")


def regular(world):
    promote(world.fleet.workspace, world.params, world.update(), **WHO)


def regular_with_a_challenger(world):
    regular(world)
    world.update("insufficient_evidence")


def regular_with_new_data(world):
    regular(world)
    world.follow(INGEST)


def challenger_of_another_champion(world):
    regular(world)
    regular(world)
    world.update("insufficient_evidence")
    rollback(world.fleet.workspace, world.params, **WHO)


def policy_changed(world):
    regular(world)
    world.set_params("fewest_lesions: 5", "fewest_lesions: 6")


def passed_under_an_old_policy(world):
    world.set_params("approval: auto", "approval: manual")
    approve_current_policy(world.fleet.workspace, world.params, **WHO)
    world.update("promote")
    world.set_params("fewest_lesions: 5", "fewest_lesions: 6")


def alias_moved(world):
    regular(world)
    regular(world)
    world.fleet.registry.set_alias("champion", "1")


def alias_removed(world):
    regular(world)
    world.fleet.registry.delete_alias("champion")


def alias_set_by_hand(world):
    world.fleet.registry.set_alias("champion", "1")


def crash_before_the_alias(world):
    version = world.update()
    with world.monkeypatch.context() as patched:
        patched.setattr(Registry, "set_alias", _killed)
        with pytest.raises(KeyboardInterrupt):
            promote(world.fleet.workspace, world.params, version, **WHO)


def part_of_the_prediction_log_damaged(world):
    world.provisional()
    log_answers(world.fleet, "1")
    next(world.fleet.workspace.prediction_log.rglob("*.parquet")).write_bytes(b"not a table")


def provisional_renewed(world):
    world.provisional()
    world.provisional("1")


def regular_with_other_parameters(world):
    regular(world)
    world.set_params("dropout: 0.2", "dropout: 0.3")


def owed_after_an_alarm(world):
    regular(world)
    raise_alarm(world.fleet)
    world.follow(world.status().next_command)
    AfterAlarms(world.fleet.workspace, {}, {}).write()  # it was killed before it had alerted anybody


def alarms_about_a_regular_champion(world):
    regular(world)
    raise_alarm(world.fleet, world.status().champion.version)
    raise_sensitivity_alarm(world.fleet, world.status().champion.version)


def alarm_about_a_provisional_champion(world):
    provisional(world)
    raise_alarm(world.fleet)


def alarm_while_a_challenger_waits(world):
    alarms_about_a_regular_champion(world)
    world.update("insufficient_evidence")


def alarm_and_new_data(world):
    alarms_about_a_regular_champion(world)
    world.follow(INGEST)


def alarm_about_an_expired_provisional_champion(world):
    provisional_expired(world)
    raise_alarm(world.fleet)


def _killed(*_):
    raise KeyboardInterrupt


STATES = (
    new_workspace, data_not_pulled, pin_damaged, data_not_committed, no_attempt, first_candidate_rejected,
    first_candidate_open, first_candidate_from_uncommitted_data, open_candidate_from_uncommitted_data,
    passed_and_waits_for_a_person, provisional, provisional_expired, provisional_expired_with_a_challenger,
    provisional_harmful, provisional_rejected, provisional_rejected_with_a_challenger,
    provisional_expired_under_a_new_policy, regular, regular_with_a_challenger, regular_with_new_data,
    challenger_of_another_champion, policy_changed, passed_under_an_old_policy, alias_moved, alias_removed,
    alias_set_by_hand, crash_before_the_alias, part_of_the_prediction_log_damaged,
    provisional_renewed, regular_with_other_parameters, owed_after_an_alarm,
    alarms_about_a_regular_champion, alarm_about_a_provisional_champion, alarm_while_a_challenger_waits,
    alarm_and_new_data, alarm_about_an_expired_provisional_champion,
)  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=[state.__name__ for state in STATES])
def test_the_commands_that_status_names_lead_from_every_state_to_a_regular_champion(world, state):
    state(world)
    world.commands.clear()
    for _ in range(MOST_STEPS):
        status = world.status()
        if "nothing to do" in status.next_step:
            break
        world.follow(status.next_command)
    assert "nothing to do" in status.next_step, world.commands
    assert status.champion is not None
    assert status.champion.provisional_until is None
    assert status.anchor is not None
    assert status.problems == ()


def test_a_changed_log_is_looked_at_before_anything_else(world):
    regular(world)
    content = world.fleet.workspace.audit_log.read_bytes()
    world.fleet.workspace.audit_log.write_bytes(content.replace(b"Dr Silva", b"Dr Silvo"))
    status = world.status()
    assert status.next_command == "dermai audit verify"
    assert "dermai restore" in status.next_step
    assert dermai(world.monkeypatch, "audit", "verify") == 1


ALARMED = (alarms_about_a_regular_champion, alarm_about_a_provisional_champion, alarm_while_a_challenger_waits)


@pytest.mark.parametrize("state", ALARMED, ids=[state.__name__ for state in ALARMED])
def test_an_open_alarm_is_named_before_what_only_waits_for_diagnoses(world, state, capsys):
    state(world)
    status = world.status()
    assert status.next_command.startswith("dermai settle-alarms ")
    assert f"drift alarm{'s' if len(status.open_alarms) > 1 else ''} about version" in status.next_step
    assert f"`{INGEST}`, then `{UPDATE}`" in status.next_step
    assert "New site: Faro." in status.open_alarms[0]
    assert dermai(world.monkeypatch, "status") == 0
    assert status.open_alarms[0] in capsys.readouterr().out


def test_no_alarm_is_shown_once_it_is_settled_or_another_version_is_the_champion(world):
    alarms_about_a_regular_champion(world)
    assert [line.split(": ", 1)[1] for line in world.status().open_alarms] == ["New site: Faro.", "finds 0 of 12 BCC"]
    world.follow(world.status().next_command)
    assert world.status().open_alarms == ()
    alarm_and_new_data(world)
    assert len(world.status().open_alarms) == 2
    while UPDATE not in world.commands:
        world.follow(world.status().next_command)
    assert "dermai settle-alarms" not in " ".join(world.commands[-2:])
    assert world.status().open_alarms == ()


def test_without_a_champion_a_person_is_offered_the_provisional_way_and_triage_goes_on(world):
    first_candidate_open(world)
    step = world.status().next_step
    assert "dermai promote 1 --provisional" in step
    assert f"triage (`{TRIAGE}`) and `{CONFIRM}` go on without a model's answers" in step


def test_a_provisional_champion_is_shown_with_its_last_day(world, capsys):
    provisional(world)
    assert dermai(world.monkeypatch, "status") == 0
    until = world.status().champion.provisional_until
    assert f"provisional until {until}" in capsys.readouterr().out
    assert until > datetime.now(UTC).date()


def test_alerts_that_are_owed_are_sent_before_there_is_nothing_to_do(world):
    owed_after_an_alarm(world)
    status = world.status()
    assert status.next_step == f"1 alert of drift alarms (model version 1) still owed: `{MONITOR}`"


def test_other_parameters_of_the_model_are_a_reason_for_an_update_and_are_named(world):
    regular(world)
    world.set_params(
        "columns: [age, sex, body_site, itch, grew, hurt, changed, bleed, elevation]", "columns: [age, sex]"
    )
    world.set_params("late_stages: 3", "late_stages: 2")
    status = world.status()
    assert status.next_command == UPDATE
    assert "model.late_stages from 3 to 2; clinical.columns from " in status.next_step
    assert '"elevation"] to ["age", "sex"]' in status.next_step


def test_parameters_that_leave_the_model_as_it_is_are_none(world):
    regular(world)
    world.set_params("window: 100", "window: 90")
    world.set_params("checkpoint_every: 1", "checkpoint_every: 2")
    world.set_params("dropout: 0.2", "dropout: 0.3")  # linear heads know none
    assert "nothing to do" in world.status().next_step


def test_an_attempt_with_other_parameters_is_one_even_where_it_was_rejected(world):
    regular(world)
    world.set_params("late_stages: 3", "late_stages: 2")
    world.update("reject")
    assert "nothing to do" in world.status().next_step


def test_parameters_put_back_ask_for_one_more_run_which_finds_nothing_new(world):
    regular(world)
    world.set_params("late_stages: 3", "late_stages: 2")
    world.update("reject")
    world.set_params("late_stages: 2", "late_stages: 3")
    assert world.status().next_command == UPDATE
    attempt = records_of(world.fleet.audit, UpdateAttempt)[0].body
    of_champion = reference_to(world.fleet.registry.by_alias("champion"))
    nothing = attempt.model_dump(exclude={"event", "candidate", "outcome", "training", "decision", "served_sha256"})
    record_attempt(world.fleet.workspace, world.params, NothingNew(**{**nothing, "champion": of_champion}))
    assert "nothing to do" in world.status().next_step


def test_what_an_attempt_laid_over_the_parameters_is_no_change_of_them(world):
    laid_over = {"model.late_stages": 1}
    training = training_with(lay_over(world.params, Overrides(values=laid_over)))
    promote(world.fleet.workspace, world.params, world.update(overrides=laid_over, training=training), **WHO)
    assert "nothing to do" in world.status().next_step
    world.set_params("image_size: 224", "image_size: 200")
    assert "(model.image_size from 224 to 200)" in world.status().next_step


def test_of_an_attempt_of_an_earlier_release_no_parameters_are_known(world):
    promote(world.fleet.workspace, world.params, world.update(training=None), **WHO)
    world.set_params("late_stages: 3", "late_stages: 2")
    assert "nothing to do" in world.status().next_step
