"""Confirmed diagnoses that come back as Condition or Observation, recorded as `dermai confirm` records a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from dermai.data.sender_numbers import SenderNumbers
from dermai.exchange.codings import (
    CASE_NUMBER,
    CONFIRMED_BY,
    LESION_NUMBER,
    PATIENT_NUMBER,
    NoSuchDiagnosis,
    Resource,
    diagnosis_of,
    kind_of_concept,
)
from dermai.exchange.fhir_referral import RESULT
from dermai.exchange.strict_reading import (
    UnclearResource,
    an_object,
    concept_at,
    day,
    marked_number,
    objects,
    one_of,
    only,
    text,
)
from dermai.gate.reference_standard import KINDS
from dermai.ingest.clinical_values import one_line
from dermai.language.messages import message
from dermai.prediction_log.confirmations import read_entries, record_diagnoses
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.standing_diagnoses import SENT_BY, standing_diagnoses
from dermai.prediction_log.triaged_cases import TriagedCases

OF_CONDITION = ("identifier", "code", "subject", "evidence", "extension", "recordedDate", "verificationStatus")
OF_OBSERVATION = ("identifier", "valueCodeableConcept", "subject", "basedOn", "method", "effectiveDateTime", "status")
NOT_KEPT = {
    "Condition": ("clinicalStatus", "category", "severity", "recorder", "asserter", "encounter", "onsetDateTime"),
    "Observation": ("category", "code", "issued", "performer", "encounter", "specimen"),
}
FINAL = ("final", "amended", "corrected")
NO_SUCH_CASE = message("no photograph of this case was triaged, or it is not one of yours: check the case number")


@dataclass(frozen=True)
class SentDiagnosis:
    """A diagnosis of one lesion, in the sender's own numbers or by the id of the ServiceRequest; `code` is a class."""

    case: str = field(repr=False)
    lesion: str = field(repr=False)
    patient: str = field(repr=False)
    code: str
    confirmed_by: str
    confirmed_on: str


class RecordedDiagnosis(NamedTuple):
    """Of which case and lesion, by their pseudonyms; `known` where it was recorded before."""

    case: str
    lesion: str
    known: bool


@dataclass(frozen=True)
class RefusedDiagnosis:
    """What was sent of a lesion that has another diagnosis; `known_until` is `written` of its newest entry."""

    case: str
    lesion: str
    diagnosis: str
    confirmed_by: str
    known_until: int


class NotRecorded(UnclearResource):
    """A diagnosis that cannot be taken as it is; the message says why and what to do."""


class Disagrees(NotRecorded):
    """Another diagnosis of the lesion is recorded already; `refused` is the one that was sent."""

    def __init__(self, said: str, refused: RefusedDiagnosis) -> None:
        super().__init__(said)
        self.refused = refused


def read_diagnosis(resource: Resource) -> SentDiagnosis:
    """The diagnosis of a Condition or an Observation.

    Raises:
        UnclearResource: it is not of the form that docs/fhir.md describes; the message names the element.
    """
    if resource.get("resourceType") == "Condition":
        return _of_condition(resource)
    if resource.get("resourceType") == "Observation":
        return _of_observation(resource)
    raise UnclearResource(message("send a Condition or an Observation"))


def record_sent(
    log: PredictionLog, sent: SentDiagnosis, site: str, numbers: SenderNumbers, sent_by: str
) -> RecordedDiagnosis:
    """Record a diagnosis of a case of this site; the same again changes nothing. `sent_by` is how its token begins.

    Raises:
        NotRecorded: the case is not known or another site's, or the diagnosis cannot be taken.
        Disagrees: another one is recorded.
        PredictionLogError: the log cannot be written.
        AuditLogDamaged: the audit log, which names each part, does not verify.
    """
    case, lesion, _ = TriagedCases.read(log, [sent.case], numbers).find(sent.case, sent.lesion, sent.patient)
    sites = {one_line(str(name or "")) for name in log.referred(case_id=[case])["site"]}
    if sites != {one_line(site)}:
        raise NotRecorded(NO_SUCH_CASE)
    row = {
        "case_id": sent.case, "lesion_id": sent.lesion, "patient_id": sent.patient, "diagnosis": sent.code,
        "confirmed_by": sent.confirmed_by, "confirmed_on": sent.confirmed_on, SENT_BY: sent_by,
    }  # fmt: skip
    done = record_diagnoses(log, pd.DataFrame([row]), numbers=numbers)
    reason = str(done.reasons.iloc[0])
    if not reason:
        return RecordedDiagnosis(case, lesion, known=not done.accepted)
    before = standing_diagnoses(read_entries(log)[0]).get((case, lesion))
    if before and before.diagnosis != sent.code:
        said = message(
            "another diagnosis of lesion %(lesion)s of case %(case)s is recorded and stays until the service corrects "
            "it: it is told there; call them where it is urgent",
            lesion=lesion,
            case=case,
        )
        raise Disagrees(said, RefusedDiagnosis(case, lesion, sent.code, sent.confirmed_by, before.written))
    raise NotRecorded(reason)


def _of_condition(resource: Resource) -> SentDiagnosis:
    only(resource, OF_CONDITION, NOT_KEPT["Condition"], "Condition")
    status = concept_at(resource, "verificationStatus", "Condition")
    if {one.get("code") for one in status.get("coding", ())} != {"confirmed"}:
        raise UnclearResource(
            message("Condition.verificationStatus must be confirmed: nothing else is taken as a diagnosis")
        )
    details = [
        (detail, where)
        for evidence, place in objects(resource, "evidence", "Condition")
        for detail, where in objects(evidence, "detail", place)
    ]
    kinds = [(text(one, "valueCode", where), where) for one, where in objects(resource, "extension", "Condition")
             if text(one, "url", where) == CONFIRMED_BY]  # fmt: skip
    if len(kinds) != len(list(objects(resource, "extension", "Condition"))) or len(kinds) > 1:
        raise UnclearResource(
            message("Condition.extension: one of the url %(system)s is taken, with a valueCode", system=CONFIRMED_BY)
        )
    method: Resource = {"text": kinds[0][0]} if kinds else {}
    return _sent(resource, "Condition", details, concept_at(resource, "code", "Condition"), method, "recordedDate")


def _of_observation(resource: Resource) -> SentDiagnosis:
    only(resource, OF_OBSERVATION, NOT_KEPT["Observation"], "Observation")
    one_of(resource, "status", FINAL, "Observation")
    details = list(objects(resource, "basedOn", "Observation"))
    value = concept_at(resource, "valueCodeableConcept", "Observation")
    return _sent(
        resource, "Observation", details, value, concept_at(resource, "method", "Observation"), "effectiveDateTime"
    )


def _sent(
    resource: Resource, kind: str, details: list[tuple[Resource, str]], value: Resource, method: Resource, when: str
) -> SentDiagnosis:
    try:
        code = diagnosis_of(value)
    except NoSuchDiagnosis as why:
        raise UnclearResource(message("%(where)s holds no diagnosis: %(why)s", where=kind, why=why)) from None
    confirmed_by = kind_of_concept(method)
    if not confirmed_by:
        raise UnclearResource(
            message(
                "%(where)s: say what confirmed the diagnosis: %(choices)s of %(system)s",
                where=kind,
                choices=", ".join(KINDS),
                system=CONFIRMED_BY,
            )
        )
    moment = text(resource, when, kind)
    return SentDiagnosis(
        case=_case(details, kind),
        lesion=marked_number(resource, LESION_NUMBER, kind),
        patient=_identifier(an_object(resource.get("subject", {}), f"{kind}.subject"), PATIENT_NUMBER, kind),
        code=code,
        confirmed_by=confirmed_by,
        confirmed_on=day(moment, f"{kind}.{when}").isoformat() if moment else "",
    )


def _case(details: list[tuple[Resource, str]], kind: str) -> str:
    """The case that a reference names: by our ServiceRequest, or by the sender's own case number."""
    if len(details) != 1:
        where = "evidence.detail" if kind == "Condition" else "basedOn"
        raise UnclearResource(
            message(
                "%(where)s must name one case: the ServiceRequest, or its identifier %(system)s",
                where=f"{kind}.{where}",
                system=CASE_NUMBER,
            )
        )
    reference, where = details[0]
    named = RESULT.fullmatch(text(reference, "reference", where).removeprefix("ServiceRequest/"))
    found = named[1] if named else _identifier(reference, CASE_NUMBER, where)
    if not found:
        raise UnclearResource(
            message(
                "%(where)s names no ServiceRequest of this service, and no identifier of %(system)s",
                where=where,
                system=CASE_NUMBER,
            )
        )
    return found


def _identifier(reference: Resource, system: str, where: str) -> str:
    """The value of a logical reference of a system; "" where it is none."""
    identifier = an_object(reference.get("identifier", {}), f"{where}.identifier")
    given = text(identifier, "system", where) or system
    if given != system:
        raise UnclearResource(
            message("%(where)s must be of the system %(system)s", where=f"{where}.identifier", system=system)
        )
    return text(identifier, "value", where)
