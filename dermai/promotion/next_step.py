"""The way on from where a workspace stands: there is one from every state."""

from __future__ import annotations

from dataclasses import dataclass

from dermai.audit import AuditLog
from dermai.errors import Refused
from dermai.evaluation.words import count_words
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.promotion.acknowledgement import in_words, open_incidents, page_of
from dermai.promotion.alarms import open_alarms
from dermai.promotion.history import champion_history, latest_decision, unsettled_version
from dermai.promotion.policy_approval import policy_approval
from dermai.promotion.rules import check_decision, check_provisional, dirty_reason
from dermai.promotion.standing import Standing, champion_standing
from dermai.promotion.test_set_ledger import TAKE_OVER
from dermai.promotion.two_persons import first_approval
from dermai.records.log import records_of
from dermai.records.moves import PolicyApproval
from dermai.records.update_record import UpdateRecord
from dermai.registry.versions import ModelVersion

WHO = '--approver "NAME" --role "ROLE" --reason "WHY"'
UPDATE = "zenml pipeline run incremental_finetune"
TRIAGE = "zenml pipeline run triage_cases"
MONITOR = "zenml pipeline run monitor_drift"
INGEST = "dermai ingest FOLDER"
CONFIRM = "dermai confirm FILE"
ADOPT = "dermai audit adopt-diagnoses"
ADOPT_ANSWERS = "dermai audit adopt-predictions"


@dataclass(frozen=True)
class NextStep:
    """Why, what to run, and what else would do."""

    why: str
    command: str
    otherwise: str = ""

    def __str__(self) -> str:
        return f"{self.why}: `{self.command}`" + (f"; {self.otherwise}" if self.otherwise else "")


@dataclass(frozen=True)
class Place:
    """Where a workspace stands, as far as the next step depends on it.

    `data` is the dataset's version, "" where there is none; `data_problem` says why no model that is trained now may be
    promoted, and `data_command` settles that.
    """

    audit: AuditLog
    versions: tuple[ModelVersion, ...]
    champion: ModelVersion | None
    policy: RecordedPolicy
    policy_sha256: str
    data: str
    data_problem: str
    data_command: str
    log_problems: tuple[str, ...] = ()
    diagnoses_problems: tuple[str, ...] = ()
    answers_problems: tuple[str, ...] = ()
    registry_problem: str = ""
    ledger_problem: str = ""
    owed_after_alarms: tuple[str, ...] = ()
    changed_parameters: tuple[str, ...] = ()  # that change the model, since the last attempt

    def version(self, number: str) -> ModelVersion | None:
        """A registered version."""
        return next((known for known in self.versions if known.version == number), None)


def next_step(place: Place) -> NextStep:
    """The first of the ways on that applies; what is broken comes first, then who waits for a person."""
    audit = place.audit
    if place.log_problems:
        return NextStep("the records were changed, and nothing may rest on them", "dermai audit verify",
                        "then put the newest backup into a fresh clone (`dermai restore`)")  # fmt: skip
    if place.diagnoses_problems:
        return NextStep(
            f"{place.diagnoses_problems[0]}; nothing is decided on diagnoses until then", f"{ADOPT} {WHO}",
            "after the newest backup's files were put back, where there is one",
        )  # fmt: skip
    if place.answers_problems:
        return NextStep(
            f"{place.answers_problems[0]}; no challenger is judged on logged answers until then",
            f"{ADOPT_ANSWERS} {WHO}", "after the newest backup's files were put back, where there is one",
        )  # fmt: skip
    if place.registry_problem:
        return _about_registry(place)
    if place.ledger_problem:
        return NextStep("the test-set ledger of an earlier release is damaged", TAKE_OVER,
                        "or put its file back from a backup")  # fmt: skip
    missed = open_incidents(audit)
    if missed:
        first = missed[0].body
        return NextStep(
            f"{in_words(missed[0])}: read {page_of(first.incident)} and see to the patient",
            f"dermai acknowledge {first.incident} {WHO}",
        )
    if place.data_problem:
        return NextStep(place.data_problem, place.data_command)
    approvals = records_of(audit, PolicyApproval)
    if approvals and policy_approval(audit, place.policy, place.policy_sha256) is None:
        return NextStep("the gate policy was changed, and nothing is promoted before it is approved",
                        f"dermai gate approve-policy {WHO}")  # fmt: skip
    waiting = unsettled_version(audit)
    if waiting and (step := _about_candidate(place, waiting)):
        return step
    attempts = records_of(audit, UpdateRecord)
    if attempts and (step := _about_changed_labels(place, attempts[-1].body)):
        return step
    if not attempts or attempts[-1].body.dataset.version != place.data:
        why = "the data is not the last attempt's" if attempts else "no model was made yet"
        return NextStep(why, UPDATE)
    if place.changed_parameters:
        why = f"parameters that change the model are not the last attempt's ({'; '.join(place.changed_parameters)})"
        return NextStep(why, UPDATE)
    return _about_champion(place, champion_standing(audit), waiting)


def _about_registry(place: Place) -> NextStep:
    """What the registry has is not what the records name."""
    history, found = champion_history(place.audit), place.champion.version if place.champion else ""
    if not history:
        return NextStep(
            f"the registry's champion is version {found}, and the records name none",
            f"dermai reject {found} {WHO}",
            f"where the log was begun anew, `dermai rollback --to {found} {WHO}` takes it over",
        )
    if found != history[-1]:
        return NextStep(place.registry_problem, f"dermai rollback --to {history[-1]} {WHO}")
    return NextStep(place.registry_problem, "dermai restore BACKUP", "in a fresh clone, with the newest backup")


def _about_candidate(place: Place, waiting: str) -> NextStep | None:
    """What to do about a version that waits; None where only more evidence, or newer data, can decide."""
    decision, version = latest_decision(place.audit, waiting), place.version(waiting)
    if decision is None or version is None:
        return None
    if decision.body.outcome == "promote":
        try:
            check_decision(place.audit, version, place.champion, "")
        except Refused as refusal:
            return NextStep(str(refusal), UPDATE)
        if policy_approval(place.audit, decision.body.policy, decision.body.policy_sha256) is None:
            return NextStep(f"version {waiting} passed under a policy that is no longer in force", UPDATE)
        first = first_approval(place.audit, decision, provisional=False)
        so_far = f" and {first.body.approver} has approved it: a second person" if first else ""
        return NextStep(f"version {waiting} passed{so_far}", f"dermai promote {waiting} {WHO}", "or `dermai reject`")
    dirty = dirty_reason(place.audit, waiting)
    return NextStep(f"version {waiting} can never be promoted, {dirty}", UPDATE) if dirty else None


def _about_changed_labels(place: Place, newest: UpdateRecord) -> NextStep | None:
    """What to do where the champion falls short on test labels that changed; None where it does not."""
    again = newest.champion_again
    if again is None or again.decision.outcome != "reject" or newest.dataset.version != place.data:
        return None
    if place.champion is None or again.champion.version != place.champion.version:
        return None
    earlier = len(champion_history(place.audit)) > 1
    return NextStep(
        f"{again.sentence.removesuffix('.')}: look at {newest.report}; if the labels are right",
        f"dermai rollback {WHO}" if earlier else INGEST,
        f"if they are not, correct them, then `{UPDATE}`",
    )


def _about_champion(place: Place, standing: Standing | None, waiting: str | None) -> NextStep:
    """With the newest data learnt: what brings the evidence that is missing."""
    withheld = standing.withheld() if standing else "there is no champion"
    if withheld:
        return _without_answers(place, standing, waiting, withheld)
    alarms = open_alarms(place.audit)
    if alarms:  # before what only waits for diagnoses: the patients or photographs are no longer those it knows
        return NextStep(
            f"{count_words(len(alarms), 'drift alarm')} about version {alarms[0].body.version} must be looked into "
            "(`dermai audit show --event drift_alarm`); record what was found",
            f"dermai settle-alarms {WHO}",
            f"another champion closes them too: `{INGEST}`, then `{UPDATE}`",
        )
    if standing and standing.provisional:
        return NextStep(
            f"version {standing.version} is provisional until {standing.provisional.until}; triaged cases whose "
            "diagnoses come back decide on it",
            TRIAGE,
            f"and `{CONFIRM}`",
        )
    if waiting:
        decision = latest_decision(place.audit, waiting)
        if decision and place.champion and (decision.body.champion is None
                                            or decision.body.champion.version != place.champion.version):  # fmt: skip
            return NextStep(f"version {waiting} was compared with another champion", UPDATE)
        return NextStep(f"diagnoses of triaged cases decide on version {waiting} as they come back", CONFIRM)
    if place.owed_after_alarms:
        return NextStep(place.owed_after_alarms[0], MONITOR)
    return NextStep("nothing to do; new confirmed cases come in", INGEST)


def _without_answers(place: Place, standing: Standing | None, waiting: str | None, withheld: str) -> NextStep:
    """Triage runs without a model's answers: who could give them, and what would show it."""
    goes_on = f"until then triage (`{TRIAGE}`) and `{CONFIRM}` go on without a model's answers"
    for number in (waiting, standing.version if standing else None):
        version = place.version(number) if number else None
        if version is None:
            continue
        try:
            decision = check_provisional(place.audit, version, place.champion)
        except Refused:
            continue
        if policy_approval(place.audit, decision.body.policy, decision.body.policy_sha256) is None:
            return NextStep(f"{withheld}; version {number} was judged under another policy", UPDATE, goes_on)
        again = "renew" if standing and number == standing.version else "let"
        does = f"{again} version {number}" + ("" if again == "renew" else " answer provisionally")
        return NextStep(f"{withheld}; {does}, on a named person's word",
                        f"dermai promote {number} --provisional {WHO}", goes_on)  # fmt: skip
    return NextStep(f"{withheld}; another model needs more confirmed cases", INGEST,
                    f"then `{UPDATE}`; {goes_on}")  # fmt: skip
