"""A version, the data that it learnt from and its numbers, as a CycloneDX bill of materials of a model (ML-BOM).

The library for CycloneDX has no model card, so that this part is written as JSON and checked against the library's copy
of the schema.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from dermai.documents.facts import Fact
from dermai.documents.measures import Measure, group_measures, measures_of
from dermai.documents.software_bill import SERIALS
from dermai.documents.version_evidence import VersionEvidence
from dermai.errors import DermaiError
from dermai.records.update_record import PhotographSet

SETS = ("train", "validation", "test")
SHA256 = "SHA-256"


def model_bill(evidence: VersionEvidence, facts: Mapping[str, Fact]) -> str:
    """CycloneDX 1.6 JSON: the model with its files and model card, and the sets of photographs, with hashes."""
    reference = f"model/{evidence.name}@{evidence.version}"
    data = {role: part for role, part in evidence.record.dataset.sets.items() if role in SETS and part.photographs}
    model = {
        "type": "machine-learning-model",
        "bom-ref": reference,
        "name": evidence.name,
        "version": evidence.version,
        "description": facts["title"].text,
        "hashes": [{"alg": SHA256, "content": evidence.sha256}],
        "components": [
            {"type": "file", "bom-ref": f"{reference}/{name}", "name": name,
             "hashes": [{"alg": SHA256, "content": digest}]}
            for name, digest in sorted(evidence.package_files.items())
        ],
        "modelCard": _model_card(evidence, facts, [_set_reference(role) for role in data]),
    }  # fmt: skip
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(SERIALS, f'model {evidence.sha256} {evidence.newest.sequence}')}",
        "version": 1,
        "metadata": {
            "timestamp": evidence.as_of.isoformat(),
            "component": model,
            "properties": [
                {"name": "dermai:audit-log", "value": evidence.log},
                {"name": "dermai:record", "value": str(evidence.attempt.sequence)},
                {"name": "dermai:newest-record", "value": str(evidence.newest.sequence)},
                {"name": "dermai:dataset", "value": evidence.record.dataset.version},
            ],
        },
        "components": [_dataset(role, part, evidence) for role, part in data.items()],
        "dependencies": [{"ref": reference, "dependsOn": [_set_reference(role) for role in data]}],
    }
    return json.dumps(bill, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def check_bill(text: str, what: str) -> None:
    """Compare a bill with the schema of CycloneDX 1.6, strictly.

    Raises:
        DermaiError: it is not of that form.
    """
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        raise DermaiError(f"{what} is not of the form of CycloneDX 1.6, nothing was written: {str(fault)[:300]}")


def _model_card(evidence: VersionEvidence, facts: Mapping[str, Fact], datasets: list[str]) -> dict[str, Any]:
    measures = (*measures_of(evidence), *group_measures(evidence))
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": "classification",
            "architectureFamily": facts["model_type"].text,
            "modelArchitecture": str(evidence.description["backbone"]),
            "datasets": [{"ref": reference} for reference in datasets],
            "inputs": [{"format": facts["inputs"].text}, {"format": facts["predictors"].text}],
            "outputs": [{"format": f"{facts['outputs'].text} {facts['classes'].text}"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": [_metric(measure) for measure in measures]},
        "considerations": {
            "users": ["Dermatologists who read referrals", "Practices that send them"],
            "useCases": [facts["intended_use"].text],
            "technicalLimitations": _said(facts, "not_for", "limits", "training_against_use", "simulated"),
            "ethicalConsiderations": [{"name": text} for text in _said(facts, "health_inequalities")],
            "fairnessAssessments": [
                {"groupAtRisk": measure.of, "harms": measure.words, "mitigationStrategy": facts["fairness"].text}
                for measure in group_measures(evidence)
            ],
        },
    }


def _metric(measure: Measure) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": measure.name,
        "value": f"{measure.value:.6f}",
        "confidenceInterval": {"lowerBound": f"{measure.low:.6f}", "upperBound": f"{measure.high:.6f}"},
    }
    return found | ({"slice": measure.of} if measure.of else {})


def _dataset(role: str, part: PhotographSet, evidence: VersionEvidence) -> dict[str, Any]:
    """A set of photographs; its hash covers the sorted content hashes of the photographs."""
    counts = [
        {"name": f"dermai:{column}:{value or 'not recorded'}", "value": str(number)}
        for column, by_value in part.counts.items()
        for value, number in sorted(by_value.items())
    ]
    simulated = [{"name": "dermai:simulated", "value": str(evidence.record.dataset.is_simulated).lower()}]
    return {
        "type": "data",
        "bom-ref": _set_reference(role),
        "name": f"{role} photographs",
        "version": evidence.record.dataset.version,
        "hashes": [{"alg": SHA256, "content": part.sha256}],
        "data": [
            {
                "type": "dataset",
                "name": f"{role} photographs",
                "description": f"{part.photographs} photographs of {part.lesions} lesions of {part.patients} patients.",
                "classification": "pseudonymised health data",
            }
        ],
        "properties": [*simulated, *counts],
    }


def _said(facts: Mapping[str, Fact], *names: str) -> list[str]:
    return [facts[name].text for name in names if facts[name].text]


def _set_reference(role: str) -> str:
    return f"data/{role}"
