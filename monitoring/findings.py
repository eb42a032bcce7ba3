"""An assessment in plain words: what changed, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dermai.language.messages import message, plural_message
from dermai.percentages import per_cent
from dermai.taxonomy import load_taxonomy
from monitoring.assessment import Assessment, DriftVerdict
from monitoring.statistics.columns import ColumnChange
from monitoring.statistics.diagnosis_mix import OTHER

Cause = Literal["sensitivity", "photography", "new_site", "patients", "diagnoses", "new_kind", "unclear"]

HEADLINES: dict[DriftVerdict, str] = {
    "stable": message("The model still sees the patients it knows."),
    "watch": message("Something is different: keep an eye on it."),
    "act": message("The model may no longer be right for these patients: act."),
    "too_few": message("Too few patients to judge."),
}
ADVICE: dict[Cause, str] = {
    "sensitivity": message("Have a dermatologist review the missed cases now, and retrain with the confirmed cases."),
    "photography": message(
        "Ask where they are taken whether the phone, the light or the focus changed, and retake them."
    ),
    "new_site": message("Treat the model's answers for the new site as untested until its first cases are confirmed."),
    "patients": message(
        "Expect another mix of diagnoses; compare confirmed cases with the model before trusting its ranking."
    ),
    "diagnoses": message(
        "The photographs are as before, the diagnoses are not: plan for the demand; retraining is not urgent."
    ),
    "new_kind": message("Look at the newest photographs together: they may show a lesion the model was never taught."),
    "unclear": message("Look at the newest photographs and at the Evidently report, and wait for the next window."),
}
KINDS: dict[str, str] = {  # of change, for a glance
    "sensitivity": message("missed cancers"),
    "photography": message("photography"),
    "new_site": message("new site"),
    "patients": message("other patients"),
    "diagnoses": message("other diagnoses"),
    "new_kind": message("unknown lesions"),
    "unclear": message("unclear"),
}
NEW_KIND = message("The lesions look unlike those the model knows; light, focus and site do not explain it.")
NEW_GROUP = message("A group of lesions look like each other and like nothing that the model knows.")
PROPERTIES = {
    "brightness": (message("darker"), message("brighter")),
    "contrast": (message("flatter"), message("with more contrast")),
    "sharpness": (message("blurrier"), message("sharper")),
    "redness": (message("less red"), message("redder")),
    "blueness": (message("less blue"), message("bluer")),
    "shorter_side": (message("smaller"), message("larger")),
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
        sentence = plural_message(
            "%(number)s patient is in this window.", "%(number)s patients are in this window.", assessment.patients
        )
        return Findings(HEADLINES["too_few"], (sentence,), (), (message("Wait for more referrals."),))
    if assessment.verdict == "stable":
        return Findings(HEADLINES["stable"], (), (), (message("Nothing to do."),))
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
        tuple(sentence for _, sentence in found)
        or (message("The window is unusual, but no single column stands out."),),
        causes,
        tuple(ADVICE[cause] for cause in causes),
    )


def _name(code: str) -> str:
    classes = load_taxonomy().classes
    return f"{classes[code].name.lower()} ({code})" if code in classes else code


def _sensitivity(assessment: Assessment) -> str:
    worst = min((found for found in assessment.confirmed if found.cases), key=lambda found: found.p_value)
    expected = message(
        "on photographs that it had not learnt it was %(share)s", share=per_cent(worst.reference_sensitivity)
    )
    if worst.floor is not None:
        expected = message("it was approved for at least %(share)s", share=per_cent(worst.floor))
    return message(
        "Of %(total)s confirmed %(diagnosis)s the model called %(count)s (%(share)s, interval %(low)s to %(high)s); "
        "%(expected)s.",
        total=worst.cases,
        diagnosis=_name(worst.lesion_class),
        count=worst.hits,
        share=per_cent(worst.sensitivity),
        low=per_cent(worst.low),
        high=per_cent(worst.high),
        expected=expected,
    )


def _photography(columns: tuple[ColumnChange, ...], level: float) -> str:
    said = [
        message(
            "%(how)s (%(property)s %(count)s, was %(total)s)",
            how=PROPERTIES[change.column][change.window > change.reference],
            property=change.column.replace("_", " "),
            count=f"{change.window:.3g}",
            total=f"{change.reference:.3g}",
        )
        for change in columns
        if change.p_value <= level and change.column in PROPERTIES
    ]
    if not said:
        return message("The photographs are taken differently.")
    return message("The photographs are %(how)s.", how=_joined(said))


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
            said = message("New %(place)s: %(names)s.", place=place, names=_joined(list(change.new)))
            found.append((cause, said))
        else:
            found.append(
                (
                    "patients",
                    message(
                        "%(place)s %(category)s: %(share)s, was %(low)s.",
                        place=place.capitalize(),
                        category=change.category,
                        share=per_cent(change.window),
                        low=per_cent(change.reference),
                    ),
                )
            )
    if assessment.age and assessment.age.p_value <= level:
        now, before = assessment.age.window, assessment.age.reference
        ages = {"count": f"{now:.0f}", "total": f"{before:.0f}"}
        older = message("The patients are older (median %(count)s years, was %(total)s).", **ages)
        younger = message("The patients are younger (median %(count)s years, was %(total)s).", **ages)
        found.append(("patients", older if now > before else younger))
    return found


def _prevalence(assessment: Assessment) -> str:
    shift = assessment.label_shift
    if shift is None:
        return ""
    said = [
        message(
            "%(diagnosis)s about %(share)s (%(low)s to %(high)s), was %(total)s",
            diagnosis=_name(name),
            share=per_cent(shift.window[position]),
            low=per_cent(shift.low[position]),
            high=per_cent(shift.high[position]),
            total=per_cent(shift.reference[position]),
        )
        for position, name in enumerate(shift.classes)
        if name in shift.moved() and name != OTHER
    ]
    if not said:
        return message("Other diagnoses than before.")
    return message("Other diagnoses than before: %(which)s.", which=_joined(said))


def _where(assessment: Assessment) -> str:
    """The site or device that holds most of the newest-looking photographs, where it stands out."""
    for group in assessment.groups:
        if group.share < 0.95 and group.share_of_newest >= 0.6 and group.share_of_newest >= 1.5 * group.share:
            return message(
                "Most of the newest-looking photographs come from %(kind)s %(name)s.", kind=group.kind, name=group.name
            )
    return ""


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else ""
