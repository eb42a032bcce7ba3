"""Referrals and diagnoses as hospitals' systems send them in FHIR R4."""

from __future__ import annotations

import base64
from typing import Any

from dermai.exchange.codings import CASE_NUMBER, CLASS, CONFIRMED_BY, PATIENT_NUMBER, ROLE

Resource = dict[str, Any]
PATIENT = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
REQUEST = "urn:uuid:3fdc72f4-a11d-4a9d-9260-a9f745779e1d"


def patient(**changes: Any) -> Resource:
    """A woman of 61 years in April 2026."""
    found = {
        "resourceType": "Patient",
        "identifier": [{"system": PATIENT_NUMBER, "value": "P-1"}],
        "gender": "female",
        "birthDate": "1964-12-13",
    }
    return _with(found, changes)


def service_request(case: str = "A-1", **changes: Any) -> Resource:
    """An order of April 2026."""
    found = {
        "resourceType": "ServiceRequest",
        "identifier": [{"system": CASE_NUMBER, "value": case}],
        "status": "active",
        "intent": "order",
        "subject": {"reference": PATIENT},
        "authoredOn": "2026-04-30T09:00:00+01:00",
        "bodySite": [{"text": "back"}],
        "extension": [{"url": "urn:dermai:itch", "valueBoolean": False}],
    }
    return _with(found, changes)


def media(photograph: bytes, role: str = "close_up", **changes: Any) -> Resource:
    """A photograph in a role."""
    found = {
        "resourceType": "Media",
        "status": "completed",
        "subject": {"reference": PATIENT},
        "basedOn": [{"reference": REQUEST}],
        "view": {"coding": [{"system": ROLE, "code": role}]},
        "content": {"contentType": "image/jpeg", "data": base64.b64encode(photograph).decode()},
    }
    return _with(found, changes)


def document(content: bytes, role: str = "dermoscopic") -> Resource:
    """A photograph as a DocumentReference."""
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": ROLE, "code": role}]},
        "content": [{"attachment": {"contentType": "image/jpeg", "data": base64.b64encode(content).decode()}}],
    }


def bundle(*photographs: Resource, request: Resource | None = None, of: Resource | None = None) -> Resource:
    """A transaction of a request, its patient and photographs."""
    resources = [(REQUEST, request or service_request()), (PATIENT, of or patient())]
    resources += [(f"urn:uuid:00000000-0000-0000-0000-{number:012}", one) for number, one in enumerate(photographs)]
    entries = [
        {"fullUrl": name, "resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
        for name, one in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def condition(case: str = "A-1", code: str = "MM", by: str = "histology", **changes: Any) -> Resource:
    """A confirmed diagnosis."""
    found = {
        "resourceType": "Condition",
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "code": {"coding": [{"system": CLASS, "code": code}]},
        "subject": {"identifier": {"system": PATIENT_NUMBER, "value": "P-1"}},
        "recordedDate": "2026-05-20",
        "evidence": [{"detail": [{"identifier": {"system": CASE_NUMBER, "value": case}}]}],
        "extension": [{"url": CONFIRMED_BY, "valueCode": by}],
    }
    return _with(found, changes)


def observation(case: str = "A-1", code: str = "MM", by: str = "histology", **changes: Any) -> Resource:
    """The same as a finding with its method."""
    found = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Diagnosis"},
        "subject": {"identifier": {"system": PATIENT_NUMBER, "value": "P-1"}},
        "basedOn": [{"identifier": {"system": CASE_NUMBER, "value": case}}],
        "effectiveDateTime": "2026-05-20",
        "valueCodeableConcept": {"coding": [{"system": CLASS, "code": code}]},
        "method": {"coding": [{"system": CONFIRMED_BY, "code": by}]},
    }
    return _with(found, changes)


def _with(found: Resource, changes: Resource) -> Resource:
    """With other elements; a None takes one out."""
    return {name: value for name, value in {**found, **changes}.items() if value is not None}
