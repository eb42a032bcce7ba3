"""What became of a referral, as FHIR R4 resources: in pseudonyms, and no more than its sender was told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dermai.exchange.answer_words import conclusion, provisional_words
from dermai.exchange.codings import (
    CONFIRMED_BY,
    OURS,
    PACKAGE,
    PRIORITY,
    PSEUDONYM,
    ROLE,
    Resource,
    concept,
    diagnosis_concept,
    risk_concept,
)
from dermai.inbox.answer import NamedModel
from dermai.inbox.entries import AnsweredReferral
from dermai.inbox.label import INTENDED_USE
from dermai.language.messages import message
from dermai.triage.practice_cases import PracticeCase
from dermai.triage.reading_list import SignedDiagnosis

RISK_EXTENSION = "http://hl7.org/fhir/StructureDefinition/diagnosticReport-risk"
WHAT = {"text": "Sorting of a referred skin lesion by its photographs"}
CLINICAL, VERIFICATION = (
    f"http://terminology.hl7.org/CodeSystem/condition-{what}" for what in ("clinical", "ver-status")
)
TASK = {"received": "requested", "read": "completed", "photograph again": "on-hold", "set aside": "on-hold"}
READINGS = ("", "reading")  # by the eye alone


@dataclass(frozen=True)
class ReferralResult:
    """A referral with what is known of its case by now; `case` is None until it is on the worklist."""

    entry: AnsweredReferral
    case: PracticeCase | None = None
    diagnoses: Mapping[str, SignedDiagnosis] = field(default_factory=dict)  # by lesion, those that count

    @property
    def id(self) -> str:
        """Of ServiceRequest, DiagnosticReport, RiskAssessment and Task."""
        return f"{self.entry.case_id}-{self.entry.request}"


def result_resources(result: ReferralResult) -> dict[str, Resource]:
    """By type and id, such as "Task/c0...-r0...": what was sent, which model answered, and what was found."""
    entry, answer = result.entry, result.entry.answer
    found = [_request(result), *_media(result), _report(result), _task(result)]
    if answer.risk is not None:
        found.append(_risk(result))
    if answer.model is not None:
        found.append(device(answer.model))
    found += [condition(entry.case_id, lesion, entry.patient_id, signed, f"ServiceRequest/{result.id}")
              for lesion, signed in result.diagnoses.items()]  # fmt: skip
    return {f"{one['resourceType']}/{one['id']}": one for one in found}


def device_id(model: NamedModel) -> str:
    """Of the version that answered."""
    return f"model-{model.version}-{model.package_sha256[:16]}"


def device(model: NamedModel, withheld: str = "") -> Resource:
    """The version that answered, with the hash of its package; `withheld` says why it answers no longer.

    R4 has no code for a device that is used for a limited time: its status says whether there is one, and its safety
    what it does to a body. So a note says it.
    """
    notes = [INTENDED_USE, *provisional_words(model)]
    notes += [message("Its answers are not shown: %(why)s.", why=withheld)] if withheld else []
    return {
        "resourceType": "Device",
        "id": device_id(model),
        "identifier": [{"system": PACKAGE, "value": model.package_sha256}],
        "status": "active",
        "deviceName": [{"name": "dermai", "type": "model-name"}],
        "type": {"text": "Software that sorts referrals; it does not diagnose"},
        "version": [{"value": model.version}],
        "note": [{"text": said} for said in notes],
    }


def condition(case: str, lesion: str, patient: str, signed: SignedDiagnosis, request: str) -> Resource:
    """A diagnosis that was signed or came back; by the eye alone it is provisional."""
    by_eye = signed.confirmed_by in READINGS
    found: Resource = {
        "resourceType": "Condition",
        "id": f"{case}-{lesion}",
        "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "active"}]},
        "verificationStatus": {"coding": [{"system": VERIFICATION, "code": "provisional" if by_eye else "confirmed"}]},
        "code": diagnosis_concept(signed.diagnosis),
        "subject": pseudonymous(patient),
        "recordedDate": signed.recorded_at.isoformat(),
        "evidence": [{"detail": [{"reference": request}]}],
    }
    if signed.confirmed_by:
        found["extension"] = [{"url": CONFIRMED_BY, "valueCode": signed.confirmed_by}]
    return found


def _request(result: ReferralResult) -> Resource:
    row = result.entry.rows[0]
    numbers = {"case": row["case_id"], "lesion": row["lesion_id"]}
    return {
        "resourceType": "ServiceRequest",
        "id": result.id,
        "identifier": [
            {"type": {"text": what}, "system": PSEUDONYM, "value": value} for what, value in numbers.items()
        ],
        "status": "completed" if result.case and result.case.state == "read" else "active",
        "intent": "order",
        "code": WHAT,
        **_about(result),
        **({"bodySite": [{"text": row["body_site"]}]} if row.get("body_site") else {}),
    }


def _about(result: ReferralResult) -> Resource:
    return {"subject": pseudonymous(result.entry.patient_id)}


def pseudonymous(patient: str) -> Resource:
    """A reference to a patient of whom nothing but the pseudonym is given out."""
    return {"type": "Patient", "identifier": {"system": PSEUDONYM, "value": patient}}


def _of_request(result: ReferralResult) -> Resource:
    return {**_about(result), "basedOn": [{"reference": f"ServiceRequest/{result.id}"}]}


def media_id(result_id: str, number: int) -> str:
    """Of a photograph, by its number in the order sent."""
    return f"{result_id}-{number}"


def _media(result: ReferralResult) -> list[Resource]:
    """The photographs without their pixels."""
    found = []
    for verdict, row in zip(result.entry.answer.photographs, result.entry.rows, strict=True):
        note = [{"text": verdict.take_again}] if verdict.take_again else []
        found.append(
            {
                "resourceType": "Media",
                "id": media_id(result.id, verdict.number),
                "status": "completed",
                **_of_request(result),
                "view": concept(ROLE, verdict.role),
                "content": {"contentType": "image/jpeg", "title": row.get("image") or "not kept"},
                **({"note": note} if note else {}),
            }
        )
    return found


def _report(result: ReferralResult) -> Resource:
    answer, when = result.entry.answer, result.entry.received.isoformat()
    risks = [{"url": RISK_EXTENSION, "valueReference": {"reference": f"RiskAssessment/{result.id}"}}]
    media = [
        {"comment": one.take_again or "usable", "link": {"reference": f"Media/{media_id(result.id, one.number)}"}}
        for one in answer.photographs
    ]
    return {
        "resourceType": "DiagnosticReport",
        "id": result.id,
        **({"extension": risks} if answer.risk else {}),
        "status": "preliminary" if answer.risk else "registered",
        "code": WHAT,
        **_of_request(result),
        "effectiveDateTime": when,
        "issued": when,
        "media": media,
        "conclusion": conclusion(answer),
        **({"conclusionCode": [diagnosis_concept(answer.called.code)]} if answer.called else {}),
    }


def _risk(result: ReferralResult) -> Resource:
    """Of the lesion that the referral shows.

    The level is a prediction by itself: beside an outcome R4 would read it as how likely that outcome is. R4 has
    probabilities in per cent.
    """
    answer, called = result.entry.answer, result.entry.answer.called
    assert answer.risk is not None
    level: Resource = {"qualitativeRisk": risk_concept(answer.risk)}
    predictions = [{**level, "rationale": answer.no_answer} if answer.no_answer else level]
    if called:
        outcome, per_cent = diagnosis_concept(called.code), round(100 * called.probability, 4)
        predictions.append({"outcome": outcome, "probabilityDecimal": per_cent, "rationale": called.reason})
    others = [code for code in answer.possible if called is None or code != called.code]
    predictions += [{"outcome": diagnosis_concept(code), "rationale": "among the possible"} for code in others]
    usable = [one.number for one in answer.photographs if one.usable]
    notes = [answer.warning, *provisional_words(answer.model), *answer.cautions, *answer.remarks]
    performer = {"performer": {"reference": f"Device/{device_id(answer.model)}"}} if answer.model else {}
    return {
        "resourceType": "RiskAssessment",
        "id": result.id,
        "basedOn": {"reference": f"ServiceRequest/{result.id}"},
        "status": "preliminary",
        "code": WHAT,
        **_about(result),
        "occurrenceDateTime": result.entry.received.isoformat(),
        **performer,
        "basis": [{"reference": f"Media/{media_id(result.id, number)}"} for number in usable],
        "prediction": predictions,
        "note": [{"text": said} for said in notes],
    }


def _task(result: ReferralResult) -> Resource:
    """The case on the worklist of those who read it."""
    entry, case, answer = result.entry, result.case, result.entry.answer
    state = case.state if case else "photograph again" if answer.risk is None else "received"
    reasons = case.reasons if case else tuple(one.take_again for one in answer.photographs if not one.usable)
    read_at = case.read_at if case else None
    output = [
        {"type": {"text": "diagnosis"}, "valueReference": {"reference": f"Condition/{entry.case_id}-{lesion}"}}
        for lesion in result.diagnoses
    ]
    return {
        "resourceType": "Task",
        "id": result.id,
        "basedOn": [{"reference": f"ServiceRequest/{result.id}"}],
        "status": TASK[state],
        **({"statusReason": {"text": "; ".join(reasons)}} if TASK[state] == "on-hold" and reasons else {}),
        "businessStatus": {"coding": [{"system": f"{OURS}state", "code": state.replace(" ", "-")}], "text": state},
        "intent": "order",
        **({"priority": PRIORITY[answer.risk]} if answer.risk else {}),
        "code": {"text": "A dermatologist reads the case"},
        "focus": {"reference": f"DiagnosticReport/{result.id}"},
        "for": pseudonymous(entry.patient_id),
        "authoredOn": entry.received.isoformat(),
        "lastModified": (read_at or entry.received).isoformat(),
        **({"output": output} if output else {}),
    }
