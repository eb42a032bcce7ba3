"""An assessment in plain words: what changed, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dermai.percentages import per_cent
from dermai.taxonomy import load_taxonomy
from monitoring.assessment import Assessment, DriftVerdict
from monitoring.statistics.columns import ColumnChange
from monitoring.statistics.diagnosis_mix import OTHER

Cause = Literal["sensitivity", "photography", "new_site", "patients", "diagnoses", "new_kind", "unclear"]

HEADLINES: dict[DriftVerdict, str] = {
    "stable": "The model still sees the patients it knows.",
    "watch": "Something is different: keep an eye on it.",
    "act": "The model may no longer be right for these patients: act.",
    "too_few": "Too few patients to judge.",
}
ADVICE: dict[Cause, str] = {
    "sensitivity": "Have a dermatologist review the missed cases now, and retrain with the confirmed cases.",
    "photography": "Ask where they are taken whether the phone, the light or the focus changed, and retake them.",
    "new_site": "Treat the model's answers for the new site as untested until its first cases are confirmed.",
    "patients": "Expect another mix of diagnoses; compare confirmed cases with the model before trusting its ranking.",
    "diagnoses": "The photographs are as before, the diagnoses are not: plan for the demand; retraining is not urgent.",
    "new_kind": "Look at the newest photographs together: they may show a lesion the model was never taught.",
    "unclear": "Look at the newest photographs and at the Evidently report, and wait for the next window.",
}
KINDS: dict[str, str] = {  # of change, for a glance
    "sensitivity": "missed cancers",
    "photography": "photography",
    "new_site": "new site",
    "patients": "other patients",
    "diagnoses": "other diagnoses",
    "new_kind": "unknown lesions",
    "unclear": "unclear",
}
NEW_KIND = "The lesions look unlike those the model knows; light, focus and site do not explain it."
NEW_GROUP = "A group of lesions look like each other and like nothing that the model knows."
PROPERTIES = {
    "brightness": ("darker", "brighter"),
    "contrast": ("flatter", "with more contrast"),
    "sharpness": ("blurrier", "sharper"),
    "redness": ("less red", "redder"),
    "blueness": ("less blue", "bluer"),
    "shorter_side": ("smaller", "larger"),
}


@dataclass(frozen=True)
class Findings:
    """Sentences for people who do not read p-values."""

    headline: str
    changes: tuple[str, ...]
    causes: tuple[Cause, ...]
    advice: tuple[str, ...]


def find(assessment: Assessment) -> Findings:
    """Say what an assessment found."""
    if assessment.verdict == "too_few":
        sentence = f"{assessment.patients} patients are in this window."
        return Findings(HEADLINES["too_few"], (sentence,), (), ("Wait for more referrals.",))
    if assessment.verdict == "stable":
        return Findings(HEADLINES["stable"], (), (), ("Nothing to do.",))
    level = assessment.watch_level
    found: list[tuple[Cause, str]] = []
    p_values = assessment.p_values
    if p_values.get("sensitivity", 1.0) <= level:
        found += [("sensitivity", _sensitivity(assessment))]
    if p_values["acquisition"] <= level:
        found += [("photography", _photography(assessment.acquisition, level))]
    found += _patients(assessment, level)
    prevalence = _prevalence(assessment) if p_values.get("diagnoses", 1.0) <= level else ""
    unexplained = min(p_values["photographs"], p_values["scores"]) <= level and not assessment.explained_by_diagnoses
    if prevalence and p_values["acquisition"] > level and not unexplained:
        found += [("diagnoses", prevalence)]
    if unexplained and not any(cause in ("photography", "new_site") for cause, _ in found):
        found += [("new_kind", NEW_GROUP if assessment.apart else NEW_KIND)]
    where = _where(assessment)
    if where and found:
        found += [(found[-1][0], where)]
    causes = tuple(dict.fromkeys(cause for cause, _ in found)) or ("unclear",)
    return Findings(
        HEADLINES[assessment.verdict],
        tuple(sentence for _, sentence in found) or ("The window is unusual, but no single column stands out.",),
        causes,
        tuple(ADVICE[cause] for cause in causes),
    )


def _name(code: str) -> str:
    classes = load_taxonomy().classes
    return f"{classes[code].name.lower()} ({code})" if code in classes else code


def _sensitivity(assessment: Assessment) -> str:
    worst = min((found for found in assessment.confirmed if found.cases), key=lambda found: found.p_value)
    expected = f"on photographs that it had not learnt it was {per_cent(worst.reference_sensitivity)}"
    if worst.floor is not None:
        expected = f"it was approved for at least {per_cent(worst.floor)}"
    return (
        f"Of {worst.cases} confirmed {_name(worst.lesion_class)} the model called {worst.hits} "
        f"({per_cent(worst.sensitivity)}, interval {per_cent(worst.low)} to {per_cent(worst.high)}); {expected}."
    )


def _photography(columns: tuple[ColumnChange, ...], level: float) -> str:
    said = [
        f"{PROPERTIES[change.column][change.window > change.reference]} "
        f"({change.column.replace('_', ' ')} {change.window:.3g}, was {change.reference:.3g})"
        for change in columns
        if change.p_value <= level and change.column in PROPERTIES
    ]
    return f"The photographs are {_joined(said)}." if said else "The photographs are taken differently."


def _patients(assessment: Assessment, level: float) -> list[tuple[Cause, str]]:
    if assessment.p_values["case_mix"] > level:
        return []
    found: list[tuple[Cause, str]] = []
    for change in assessment.categories:
        if change.p_value > level:
            continue
        place = change.column.replace("_", " ")
        if change.column in ("site", "device") and change.new:
            cause: Cause = "new_site" if change.column == "site" else "photography"
            found.append((cause, f"New {place}: {_joined(list(change.new))}."))
        else:
            found.append(
                (
                    "patients",
                    f"{place.capitalize()} {change.category}: {per_cent(change.window)}, "
                    f"was {per_cent(change.reference)}.",
                )
            )
    if assessment.age and assessment.age.p_value <= level:
        now, before = assessment.age.window, assessment.age.reference
        older = "older" if now > before else "younger"
        found.append(("patients", f"The patients are {older} (median {now:.0f} years, was {before:.0f})."))
    return found


def _prevalence(assessment: Assessment) -> str:
    shift = assessment.label_shift
    if shift is None:
        return ""
    said = [
        f"{_name(name)} about {per_cent(shift.window[position])} "
        f"({per_cent(shift.low[position])} to {per_cent(shift.high[position])}), "
        f"was {per_cent(shift.reference[position])}"
        for position, name in enumerate(shift.classes)
        if name in shift.moved() and name != OTHER
    ]
    return f"Other diagnoses than before: {_joined(said)}." if said else "Other diagnoses than before."


def _where(assessment: Assessment) -> str:
    """The site or device that holds most of the newest-looking photographs, where it stands out."""
    for group in assessment.groups:
        if group.share < 0.95 and group.share_of_newest >= 0.6 and group.share_of_newest >= 1.5 * group.share:
            return f"Most of the newest-looking photographs come from {group.kind} {group.name}."
    return ""


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else ""
