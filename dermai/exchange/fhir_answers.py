"""What a FHIR client is told: what became of a transaction or a diagnosis, and what the service can do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from dermai.exchange.answer_words import conclusion
from dermai.exchange.codings import Resource
from dermai.exchange.fhir_results import ReferralResult, media_id
from dermai.exchange.outcomes import outcome
from dermai.inbox.answer import WARNING, Verdict
from dermai.language.messages import message
from dermai.language.translation import in_language

READ = ("Condition", "Device", "DiagnosticReport", "Media", "RiskAssessment", "ServiceRequest", "Task")
SENT_ALONE = ("Condition", "Observation")


def transaction_response(result: ReferralResult, entries: Sequence[tuple[str, tuple[int, ...]]]) -> Resource:
    """To each entry of a transaction where its resource is read now; `entries` has types and photographs.

    The outcome beside the ServiceRequest says the answer in words, in the language that is spoken; its DiagnosticReport
    has the same id.
    """
    answered = []
    for kind, numbers in entries:
        response: Resource = {"status": "201 Created", "lastModified": result.entry.received.isoformat()}
        if kind == "ServiceRequest":
            response |= {"location": f"ServiceRequest/{result.id}", "outcome": _hints(result)}
        elif kind == "Patient":
            response["status"] = "200 OK"  # of whom nothing is given out
        elif numbers:
            response["location"] = f"Media/{media_id(result.id, numbers[0])}"
        answered.append({"response": response})
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": answered}


def diagnosis_outcome(known: bool) -> Resource:
    """That a diagnosis was recorded, or was there already."""
    before, now = message("the diagnosis was recorded before: nothing changed"), message("the diagnosis is recorded")
    return outcome([("information", "informational", in_language(before if known else now))])


def capability_statement(today: datetime | None = None) -> Resource:
    """What can be done here, for clients that ask first."""
    interactions: dict[str, list[str]] = {kind: ["read"] for kind in READ}
    for kind in SENT_ALONE:
        interactions.setdefault(kind, []).append("create")
    resources = [
        {"type": kind, "interaction": [{"code": code} for code in codes], "versioning": "no-version"}
        for kind, codes in sorted(interactions.items())
    ]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": (today or datetime.now(UTC)).date().isoformat(),
        "kind": "instance",
        "software": {"name": "dermai", "version": version("dermai")},
        "implementation": {"description": WARNING},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": "A practice's token in the header Authorization: Bearer ..."},
                "resource": resources,
                "interaction": [{"code": "transaction"}],
            }
        ],
    }


def _hints(result: ReferralResult) -> Resource:
    answer = result.entry.answer
    issues = [("information", "informational", conclusion(answer))]
    issues += [
        ("warning", "incomplete", in_language(_to_take_again(one))) for one in answer.photographs if one.take_again
    ]
    issues += [("warning", "value", in_language(said)) for said in answer.remarks]
    return outcome(issues)


def _to_take_again(one: Verdict) -> str:
    return message("photograph %(number)s: %(why)s", number=one.number, why=one.take_again)
