"""A challenger in the shadow of the champion: judged on the diagnoses that come back from daily practice."""

from __future__ import annotations

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.errors import Refused
from dermai.gate.findings import ShadowDecision
from dermai.gate.marks import marked
from dermai.gate.recorded_policy import RecordedPolicy, policy_changes
from dermai.gate.reign import challenger_alpha
from dermai.gate.shadow import decide_in_shadow
from dermai.gate.shadow_evidence import Answers
from dermai.prediction_log.confirmations import confirmation_problems
from dermai.prediction_log.log import PredictionLog
from dermai.promotion.automatic import promote_by_evidence
from dermai.promotion.history import challenger_number, latest_attempt, latest_decision, waiting_version
from dermai.promotion.recipe_series import RecipeSeries, recipe_series
from dermai.promotion.rules import AUTOMATIC
from dermai.promotion.shadow_answers import answers_of
from dermai.promotion.standing import champion_standing
from dermai.promotion.transaction import record_shadow_decision, reject
from dermai.records.log import Record, records_of
from dermai.records.moves import ShadowDecisionRecord
from dermai.records.reassessment import Reassessment
from dermai.records.update_record import UpdateAttempt
from dermai.registry.champion import reference_to
from dermai.registry.registry import Registry
from dermai.registry.versions import ANCHOR, CHAMPION, ModelVersion
from dermai.workspace import Workspace

APPROVER = "shadow mode"


def settle_challenger(workspace: Workspace, params: Params) -> str:
    """Look at what the confirmed diagnoses say of the waiting challenger, record it, and act where it is decided.

    Nothing is recorded where no diagnosis has come back since the last look. A challenger that has shown everything
    is promoted, unless the policy asks for a person; one that is worse is rejected. A first model, with no champion to
    be compared with, and a provisional champion are judged on themselves: the floors decide. Says in a sentence or
    more what was found; empty where nothing waits for evidence.
    """
    if not Registry.exists(workspace):
        return ""
    log = PredictionLog.of(workspace)
    for what, problems in (("confirmed diagnoses", confirmation_problems(log)), ("answers", log.problems())):
        if problems:
            return f"shadow mode decides nothing on {what} that are not as they were recorded: {problems[0]}"
    audit, registry = AuditLog(workspace.audit_log), Registry(workspace, params)
    waiting, standing = waiting_version(audit), champion_standing(audit)
    provisional = standing.version if standing and standing.provisional and not standing.ended else None
    found = [_settle(workspace, params, audit, registry, version) for version in (provisional, waiting) if version]
    return "\n".join(text for text in found if text)


def _settle(workspace: Workspace, params: Params, audit: AuditLog, registry: Registry, version: str) -> str:
    attempt, champion = latest_attempt(audit, version), registry.by_alias(CHAMPION)
    if attempt is None or attempt.body.outcome != "insufficient_evidence":
        return ""
    on_itself = champion is not None and champion.version == version
    who = f"{'provisional champion' if on_itself else 'challenger'} {version}"
    if on_itself:
        compared = None
    elif attempt.body.champion != reference_to(champion):
        now = f"version {champion.version}" if champion else "none"
        return f"{who} was compared with another champion than {now}: update again"
    else:
        compared = champion
    anchor = registry.by_alias(ANCHOR) if compared else None
    found = judge_in_shadow(workspace, params, attempt, registry.get(version), compared, anchor)
    if found is None:
        days = params.gate.shadow.follow_up_days
        return f"{who}: no lesion that it scored has {days} days of follow-up behind it and a confirmed diagnosis yet"
    before = latest_decision(audit, version)
    if before is None or not isinstance(before.body, ShadowDecisionRecord) or before.body.decision != found:
        record_shadow_decision(workspace, params, version, found)
    return f"{who}, {found.lesions} confirmed lesions: {found.summary}" + _act(
        workspace, params, version, found, on_itself
    )


def judge_in_shadow(
    workspace: Workspace,
    params: Params,
    attempt: Record[UpdateAttempt],
    challenger: ModelVersion,
    champion: ModelVersion | None,
    anchor: ModelVersion | None,
) -> ShadowDecision | None:
    """The gate's e-processes on lesions that came in after the attempt, were scored by all models, and whose follow-up
    time is over. Without a champion the challenger is judged on itself.

    Lesions of patients from whom one of the models learnt do not count, nor do those with a photograph that stands
    under two patients. Without a confirmed lesion there is no decision. Beside a champion, what earlier challengers of
    its recipe showed counts too, as the policy says.
    """
    audit = AuditLog(workspace.audit_log)
    found = answers_of(workspace, params, challenger, champion, anchor, attempt.time)
    if not (found.answers.challenger.truth != "").any():
        return None
    judged = _on_test_patients(audit, attempt.body)
    same_policy = not policy_changes(judged.policy, RecordedPolicy.of(params.gate))
    series = recipe_series(audit, attempt)
    before = _before(workspace, params, series, champion, anchor) if champion and params.gate.shadow.carry_over else []
    return decide_in_shadow(
        params.gate,
        found.answers.challenger,
        found.answers.champion,
        found.answers.referred_on,
        found.answers.anchor,
        readings=found.answers.readings,
        earlier=judged.decision if same_policy else None,
        earlier_spent=judged.test_set is None or judged.test_set.use.spends,
        alpha=challenger_alpha(params.gate, challenger_number(audit, attempt)),
        before=before,
        series=series.number,
        not_counted=found.not_counted,
    )


def _before(
    workspace: Workspace,
    params: Params,
    series: RecipeSeries,
    champion: ModelVersion,
    anchor: ModelVersion | None,
) -> list[Answers]:
    """What the earlier challengers of a series answered while each waited; none that is not as it was recorded."""
    if policy_changes(series.attempts[-1].body.policy, RecordedPolicy.of(params.gate)):
        return []
    registered = {version.version: version for version in Registry(workspace, params).versions()}
    found = []
    for attempt, until in series.waited:
        version = registered.get(attempt.body.candidate.version)
        if version is not None and version.sha256 == attempt.body.candidate.sha256:
            found.append(answers_of(workspace, params, version, champion, anchor, attempt.time, until).answers)
    return [answers for answers in found if len(answers.challenger)]


def _on_test_patients(audit: AuditLog, attempt: UpdateAttempt) -> UpdateAttempt | Reassessment:
    """The newest decision on the test patients: of the attempt, or anew of what became a provisional champion."""
    anew = [record.body for record in records_of(audit, Reassessment) if record.body.candidate == attempt.candidate]
    return anew[-1] if anew else attempt


def _act(workspace: Workspace, params: Params, version: str, found: ShadowDecision, on_itself: bool) -> str:
    if found.outcome == "insufficient_evidence":
        return "".join(f"\n  {line}" for line in marked(found))
    if found.outcome == "promote":
        done = f"Version {version} is {'now a regular champion' if on_itself else 'the champion'}."
        return f" {promote_by_evidence(workspace, params, version, APPROVER, found.summary, done)}"
    if on_itself:
        return " It answers no longer: triage goes on without a model's answers."
    try:
        reject(workspace, params, version, approver=APPROVER, role=AUTOMATIC, reason=found.summary)
    except Refused as refusal:
        return f" It stays as it is: {refusal}"
    return f" Version {version} is rejected."
