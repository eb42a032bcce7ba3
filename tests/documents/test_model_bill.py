"""The bill of the model is valid by CycloneDX's schema, with data, hashes and intervals."""

from __future__ import annotations

import json

import pytest

from dermai.documents.facts import Fact, facts_of
from dermai.documents.model_bill import check_bill, model_bill
from dermai.documents.version_evidence import VersionEvidence, evidence_of
from dermai.errors import DermaiError
from tests.promotion.fleet import Fleet


def test_the_bill_holds_the_model_its_data_and_numbers(evidence: VersionEvidence, facts: dict[str, Fact]) -> None:
    text = model_bill(evidence, facts)
    check_bill(text, "the bill")
    bill = json.loads(text)
    model = bill["metadata"]["component"]
    assert model["hashes"] == [{"alg": "SHA-256", "content": evidence.sha256}]
    assert {part["name"]: part["hashes"][0]["content"] for part in model["components"]} == evidence.package_files
    assert {part["name"]: part["hashes"][0]["content"][0] for part in bill["components"]} == {
        "train photographs": "a",
        "test photographs": "b",
    }
    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert {"type": "sensitivity", "value": "0.860000", "slice": "MM",
            "confidenceInterval": {"lowerBound": "0.732604", "upperBound": "0.941808"}} in metrics  # fmt: skip
    assert [each["groupAtRisk"] for each in model["modelCard"]["considerations"]["fairnessAssessments"]] == [
        "MM, skin type 2"
    ]


def test_a_version_of_which_little_is_recorded_has_a_valid_bill_too(fleet: Fleet) -> None:
    bare = evidence_of(fleet.workspace, fleet.params, fleet.candidate("reject"))
    check_bill(model_bill(bare, facts_of(bare, fleet.params)), "the bill")


def test_a_bill_of_another_form_is_refused(evidence: VersionEvidence, facts: dict[str, Fact]) -> None:
    text = model_bill(evidence, facts).replace('"type": "machine-learning-model"', '"type": "model"')
    with pytest.raises(DermaiError, match="the bill of the model is not of the form of CycloneDX"):
        check_bill(text, "the bill of the model")
