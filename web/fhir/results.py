"""The referrals of a practice as the service holds them now, for FHIR's reads."""

from __future__ import annotations

from dermai.audit import AuditLog
from dermai.exchange.codings import Resource
from dermai.exchange.fhir_referral import RESULT
from dermai.exchange.fhir_results import ReferralResult, device, device_id, result_resources
from dermai.inbox.answer import NamedModel
from dermai.inbox.entries import AnsweredReferral, Inbox
from dermai.ingest.clinical_values import one_line
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import read_retakes
from dermai.promotion.history import recorded_packages
from dermai.promotion.standing import champion_standing
from dermai.triage.practice_cases import PracticeCase, referred_case, unjudged_cases
from dermai.triage.reading_list import ReadingList
from web.frame.service import Service
from web.reading.lists import reading_list

CASE_DIGITS = 21  # of a case's pseudonym, with which the ids of its resources begin


def found_resource(service: Service, site: str, kind: str, id: str) -> Resource | None:
    """A resource of a case that this practice sent, or a model; None where there is none, or it is another's.

    Raises:
        DermaiError: an entry, the log or the records are damaged.
    """
    if kind == "Device":
        return _model(service, id)
    case, earlier = id[:CASE_DIGITS], RESULT.fullmatch(id)
    if not case.isalnum():
        return None
    for entry in Inbox.of(service.workspace).of_case(case):
        if (earlier is None or entry.request == earlier[2]) and _is_of(entry, site):
            resource = result_resources(result_of(service, entry, site)).get(f"{kind}/{id}")
            if resource is not None:
                return resource
    return None


def result_of(service: Service, entry: AnsweredReferral, site: str) -> ReferralResult:
    """A referral with the state of its case, and the diagnoses of its lesion.

    Of a case that several practices sent neither has a diagnosis: nobody knows whose lesion was read.
    """
    listed = reading_list(service)
    case = _case(service, listed, entry.case_id, one_line(site))
    lesions = dict.fromkeys(str(row["lesion_id"]) for row in entry.rows) if case else {}
    newest = {lesion: listed.newest(entry.case_id, lesion) for lesion in lesions}
    return ReferralResult(entry, case, {lesion: signed for lesion, signed in newest.items() if signed})


def _case(service: Service, listed: ReadingList, case_id: str, site: str) -> PracticeCase | None:
    """None where nothing of it is in the prediction log yet, or where two practices used its number."""
    case = listed.by_id.get(case_id)
    if case is not None:
        return referred_case(listed, case) if case.site == site else None
    log = PredictionLog.of(service.workspace)
    tables = [read_retakes(log)[0], read_retakes(log, "set_aside")[0]]
    mine = [table[table["case_id"] == case_id] for table in tables]
    return next(unjudged_cases(mine[0], mine[1], site), None)


def _is_of(entry: AnsweredReferral, site: str) -> bool:
    return all(row["site"] == one_line(site) for row in entry.rows)


def _model(service: Service, id: str) -> Resource | None:
    """A version that the signed records name, as it stands now."""
    audit = AuditLog(service.workspace.audit_log)
    for version, sha256 in recorded_packages(audit).items():
        model = NamedModel(version=version, package_sha256=sha256)
        if device_id(model) == id:
            standing = champion_standing(audit)
            if standing is None or standing.version != version or standing.provisional is None:
                return device(model)
            until = standing.provisional.until
            return device(model.model_copy(update={"provisional_until": until}), standing.withheld())
    return None
