"""The CHAI Applied Model Card is valid by the publisher's schema.

The schema's text is no part of this repository: `DERMAI_CHAI_SCHEMA` names a copy of `v0.2/schema.xsd` of
coalition-for-health-ai/mc-schema, or it lies beside the repository in shared/schemas/; without one the test is skipped.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dermai.documents.applied_model_card import NAMESPACE, NOT_RECORDED, applied_model_card
from dermai.documents.facts import Fact
from dermai.documents.version_evidence import VersionEvidence, evidence_of
from tests.conftest import REPOSITORY
from tests.promotion.fleet import Fleet

SCHEMA = Path(os.environ.get("DERMAI_CHAI_SCHEMA") or REPOSITORY.parent / "shared" / "schemas" / "chai_mc_v0.2.xsd")


def text_of(card: ElementTree.Element, path: str) -> str:
    return card.findtext("/".join(f"{{{NAMESPACE}}}{part}" for part in path.split("/"))) or ""


@pytest.mark.skipif(not SCHEMA.is_file(), reason="the publisher's schema is not beside the repository")
def test_cards_are_valid_by_the_publisher_s_schema(
    evidence: VersionEvidence, facts: dict[str, Fact], fleet: Fleet
) -> None:
    import xmlschema

    from dermai.documents.facts import facts_of

    schema = xmlschema.XMLSchema(SCHEMA, allow="local")
    schema.validate(applied_model_card(evidence, facts).decode())
    bare = evidence_of(fleet.workspace, fleet.params, fleet.candidate("reject"))  # no evaluation, no data, no decision
    schema.validate(applied_model_card(bare, facts_of(bare, fleet.params)).decode())
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        schema.validate(applied_model_card(evidence, facts).decode().replace("FundingSource", "Funding"))


def test_the_card_says_what_is_recorded_and_that_the_rest_is_not(
    evidence: VersionEvidence, facts: dict[str, Fact]
) -> None:
    card = ElementTree.fromstring(applied_model_card(evidence, facts))
    assert text_of(card, "ReleaseInfo/ReleaseVersion") == f"1 (package {evidence.sha256})"
    assert "400 photographs" in text_of(card, "TrustIngredients/AISystemFacts/DevelopmentDataCharacterization")
    assert text_of(card, "TrustIngredients/TransparencyInformation/FundingSource") == NOT_RECORDED
    assert text_of(card, "Warnings/ClinicalRiskLevel") == NOT_RECORDED


def test_numbers_stand_with_their_intervals(evidence: VersionEvidence, facts: dict[str, Fact]) -> None:
    card = ElementTree.fromstring(applied_model_card(evidence, facts))
    safety = f"{{{NAMESPACE}}}KeyMetrics/{{{NAMESPACE}}}SafetyReliability"
    results = card.findall(f"{safety}/{{{NAMESPACE}}}Results/{{{NAMESPACE}}}MetricResult")
    found = {text_of(each, "Label"): json.loads(text_of(each, "ValueJson")) for each in results}
    assert set(found) == {"sensitivity, MM", "sensitivity, BCC"}
    assert found["sensitivity, MM"] == {
        "kind": "estimate_ci", "estimate": 86.0, "lower": 73.2604, "upper": 94.1808, "level": 95.0, "unit": "%",
    }  # fmt: skip
