"""The CHAI Applied Model Card of a version, as XML.

Its form is the schema that the Coalition for Health AI publishes, version 0.2: every element that it requires is there,
in its order. What nobody recorded says so, in the words of `NOT_RECORDED`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from xml.etree import ElementTree

from dermai.documents.facts import Fact
from dermai.documents.measures import Measure, group_measures, measures_of
from dermai.documents.version_evidence import VersionEvidence

NAMESPACE = "https://mc.chai.org/v0.2/schema.xsd"
NOT_RECORDED = "Not recorded."
NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
GOALS = {
    "UsefulnessUsabilityEfficacy": "To tell classes of skin lesions apart, so that urgent referrals are read first.",
    "FairnessEquity": "That no group of patients has its melanomas and basal cell carcinomas found less often.",
    "SafetyReliability": "That melanomas and basal cell carcinomas are not sorted as normal.",
}


def applied_model_card(evidence: VersionEvidence, facts: Mapping[str, Fact]) -> bytes:
    """The card as UTF-8 XML, its elements in the schema's order."""
    card = ElementTree.Element("AppliedModelCard", {"xmlns": NAMESPACE})

    def said(*names: str) -> str:
        return " ".join(facts[name].text for name in names if facts[name].text) or NOT_RECORDED

    _add(card, "BasicInfo", ModelName=f"{evidence.name} {evidence.version}", ModelDeveloper=said("developer"),
         DeveloperContact=said("contact"))  # fmt: skip
    _add(card, "ReleaseInfo", ReleaseStage=said("release_stage"), ReleaseDate=_release_date(evidence),
         ReleaseVersion=f"{evidence.version} (package {evidence.sha256})", GlobalAvailability=said("availability"),
         RegulatoryApproval=said("regulatory_status"))  # fmt: skip
    summary = _add(card, "ModelSummary", Summary=said("title", "intended_use", "simulated"))
    keywords = ElementTree.SubElement(summary, "Keywords")
    for word in ("dermatology", "skin lesions", "teledermatology", "triage"):
        ElementTree.SubElement(keywords, "Keyword").text = word
    _add(card, "UsesAndDirections", IntendedUseAndWorkflow=said("intended_use", "oversight"),
         PrimaryIntendedUsers="Dermatologists who read referrals, and the practices that send them.",
         HowToUse=said("outputs", "oversight"), TargetedPatientPopulation=said("patients"),
         CautionedOutOfScopeSettings=said("not_for"))  # fmt: skip
    _add(card, "Warnings", KnownRisksAndLimitations=said("limits", "training_against_use", "simulated"),
         KnownBiasesOrEthicalConsiderations=said("health_inequalities", "groups"),
         ClinicalRiskLevel=said("clinical_risk_level"))  # fmt: skip
    trust = ElementTree.SubElement(card, "TrustIngredients")
    _add(trust, "AISystemFacts", OutcomesAndOutputs=said("outputs", "classes"),
         ModelType=said("model_type", "training"), InputDataSource=said("data_sources"),
         OutputAndInputDataTypes=said("inputs", "predictors", "outputs"),
         DevelopmentDataCharacterization=said("training_data", "partitions"),
         BiasMitigationApproaches=said("imbalance", "fairness"), OngoingMaintenance=said("maintenance", "updating"),
         Security=said("security"), Transparency=said("specification", "code"))  # fmt: skip
    _add(trust, "TransparencyInformation", FundingSource=said("funding"), StakeholdersConsulted=said("stakeholders"))
    overall = measures_of(evidence)
    gated = evidence.record.policy.gated_classes
    key = ElementTree.SubElement(card, "KeyMetrics")
    for name, measures in (
        ("UsefulnessUsabilityEfficacy", overall),
        ("FairnessEquity", group_measures(evidence)),
        ("SafetyReliability", [each for each in overall if each.name == "sensitivity" and each.of in gated]),
    ):
        _key_metric(key, name, measures, said)
    _add(card, "Resources", EvaluationReferences=said("external_validation"),
         PeerReviewedPublications=said("publications"), PatientConsentOrDisclosure=said("consent"))  # fmt: skip
    ElementTree.SubElement(card, "Bibliography").text = ""
    ElementTree.indent(card)
    text: bytes = ElementTree.tostring(card, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _key_metric(above: ElementTree.Element, name: str, measures: Sequence[Measure], said: Callable[..., str]) -> None:
    """One kind of metric; the schema asks for at least one result, so that none is said by one."""
    metric = _add(above, name, MetricGoal=GOALS[name])
    results = ElementTree.SubElement(metric, "Results")
    for measure in measures:
        _add(results, "MetricResult", Label=measure.label, ValueJson=json.dumps(_value(measure)))
    if not measures:
        _add(results, "MetricResult", Label=NOT_RECORDED, ValueJson="null")
    for child, text in (
        ("Interpretation", said("decision", "gate")),
        ("TestType", said("test_type")),
        ("TestingDataDescription", said("test_data", "simulated")),
        ("ValidationProcessAndJustification", said("analysis", "outcome")),
    ):
        ElementTree.SubElement(metric, child).text = _clean(text)


def _value(measure: Measure) -> dict[str, str | float]:
    """A value with its interval in the form that the publisher's own cards have."""
    estimate, lower, upper, level = (
        round(100 * share, 4) for share in (measure.value, measure.low, measure.high, measure.confidence)
    )
    return {
        "kind": "estimate_ci", "estimate": estimate, "lower": lower, "upper": upper, "level": level, "unit": "%",
    }  # fmt: skip


def _release_date(evidence: VersionEvidence) -> str:
    promoted = [move.time[:10] for move in evidence.moves if move.event == "promotion"]
    return promoted[0] if promoted else f"Not released; made on {evidence.attempt.time[:10]}."


def _add(above: ElementTree.Element, tag: str, **children: str) -> ElementTree.Element:
    """An element with text elements in it, in the order given."""
    element = ElementTree.SubElement(above, tag)
    for name, text in children.items():
        ElementTree.SubElement(element, name).text = _clean(text)
    return element


def _clean(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold; https://www.w3.org/TR/xml/#charsets."""
    return NOT_IN_XML.sub("", text)
