"""What dermai's values are called in FHIR: code systems, and codings to and from diagnoses, roles, risk and method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dermai.gate.reference_standard import kind_of
from dermai.language.messages import message
from dermai.taxonomy import RiskLevel, load_taxonomy

Resource = dict[str, Any]  # of FHIR, or a part of one, as JSON
OURS = "urn:dermai:"  # in front of the names of what no public system has
CASE_NUMBER, PATIENT_NUMBER, LESION_NUMBER = (f"{OURS}{what}-number" for what in ("case", "patient", "lesion"))
CLASS, RISK, ROLE, CONFIRMED_BY = (f"{OURS}{what}" for what in ("class", "risk", "photograph-role", "confirmed-by"))
PSEUDONYM, PACKAGE = f"{OURS}pseudonym", f"{OURS}package-sha256"
SNOMED_CT = "http://snomed.info/sct"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
ICD_11 = "http://id.who.int/icd/release/11/mms"
RISK_PROBABILITY = "http://terminology.hl7.org/CodeSystem/risk-probability"
TERMINOLOGIES: Mapping[str, str] = {"snomed_ct": SNOMED_CT, "icd_10": ICD_10, "icd_11": ICD_11}
WIDER = {  # than the class that has them: a pathologist may mean a diagnosis of no class, or of another one
    (SNOMED_CT, "372130007"), (ICD_10, "C44.9"), (ICD_10, "D23.9"), (ICD_10, "L81.4"), (ICD_10, "L91.8"),
}  # fmt: skip
PUBLIC_RISK = {RiskLevel.HIGH_PRIORITY: "high", RiskLevel.PRIORITY: "moderate", RiskLevel.NORMAL: "low"}
PRIORITY = {RiskLevel.HIGH_PRIORITY: "asap", RiskLevel.PRIORITY: "urgent", RiskLevel.NORMAL: "routine"}


class NoSuchDiagnosis(ValueError):
    """A concept that names no class of the taxonomy, or leaves open which; the message says what to send."""


def diagnosis_concept(code: str) -> Resource:
    """A class as a CodeableConcept: our own code, and those of the terminologies that are known.

    >>> [coding["code"] for coding in diagnosis_concept("MM")["coding"]]
    ['MM', '93655004', 'C43.9', '2C30']
    """
    taxonomy = load_taxonomy()
    names = taxonomy.terminologies.get(code)
    found = {TERMINOLOGIES[name]: value for name, value in names or () if value}
    public = [{"system": system, "code": value} for system, value in found.items()]
    own = {"system": CLASS, "code": code, "display": taxonomy.classes[code].name}
    return {"coding": [own, *public], "text": taxonomy.classes[code].name}


def diagnosis_of(concept: Resource) -> str:
    """The class that a CodeableConcept means: by our own code, else by the one that every public code allows.

    A code of `WIDER` may stand beside others, and decides nothing by itself: models learn from what is recorded.

    >>> diagnosis_of({"coding": [{"system": SNOMED_CT, "code": "254701007"}, {"system": ICD_10, "code": "C44.9"}]})
    'BCC'

    Raises:
        NoSuchDiagnosis: no class fits, or several do.
    """
    codes = load_taxonomy().codes
    codings = {(str(one.get("system", "")), str(one.get("code", ""))) for one in concept.get("coding", ())}
    own = {code for system, code in codings if system == CLASS}
    public = {(system, code) for system, code in codings if system in TERMINOLOGIES.values()}
    fitting = own & set(codes) if own else _allowed_by(public)
    if len(fitting) == 1 and (own or not public <= WIDER):
        return fitting.pop()
    if fitting and not own:
        meant = " / ".join(sorted(fitting))
        said = message(
            "the code leaves open whether %(classes)s is meant: add one of the system %(system)s",
            classes=meant, system=CLASS,
        )  # fmt: skip
        raise NoSuchDiagnosis(said)
    known = ", ".join(codes)
    raise NoSuchDiagnosis(
        message("the codes name no single class: send one of %(classes)s of %(system)s", classes=known, system=CLASS)
    )


def _allowed_by(public: set[tuple[str, str]]) -> set[str]:
    """The classes that have each of these codes; none where there is no code."""
    names_of = {
        code: {(TERMINOLOGIES[terminology], value) for terminology, value in names}
        for code, names in load_taxonomy().terminologies.items()
    }
    return {code for code, names in names_of.items() if public and public <= names}


def risk_concept(risk: RiskLevel) -> Resource:
    """A risk level as a CodeableConcept: our own code and HL7's."""
    own = {"system": RISK, "code": risk.value}
    return {"coding": [own, {"system": RISK_PROBABILITY, "code": PUBLIC_RISK[risk]}], "text": risk.replace("_", " ")}


def concept(system: str, code: str) -> Resource:
    """A code of ours as a CodeableConcept."""
    return {"coding": [{"system": system, "code": code}], "text": code.replace("_", " ")}


def code_of(found: Resource, system: str) -> str:
    """The code of a system in a CodeableConcept, else its text; "" where it has neither."""
    codes = [str(one.get("code", "")) for one in found.get("coding", ()) if one.get("system") == system]
    return codes[0] if codes else str(found.get("text", ""))


def kind_of_concept(found: Resource) -> str | None:
    """What a diagnosis was confirmed by, "" where the concept says nothing; None where it is not known."""
    return kind_of(code_of(found, CONFIRMED_BY))
