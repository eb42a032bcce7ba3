"""FHIR's OperationOutcome: what went wrong, or what should be known of what went well."""

from __future__ import annotations

from collections.abc import Sequence

from dermai.exchange.codings import Resource

FHIR_JSON = "application/fhir+json"
ISSUE = {  # HL7's code of an issue for a status of HTTP
    400: "structure", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 409: "conflict",
    413: "too-long", 422: "invalid", 500: "exception", 503: "transient",
}  # fmt: skip


def operation_outcome(status: int, said: str) -> Resource:
    """Why a request was refused."""
    return outcome([("error", ISSUE.get(status, "processing"), said)])


def outcome(issues: Sequence[tuple[str, str, str]]) -> Resource:
    """Of severities, HL7's codes and sentences."""
    found = [{"severity": severity, "code": code, "details": {"text": said}} for severity, code, said in issues]
    return {"resourceType": "OperationOutcome", "issue": found}
