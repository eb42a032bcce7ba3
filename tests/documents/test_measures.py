"""Every measure has its interval and says what it is of."""

from __future__ import annotations

from dermai.documents.measures import group_measures, measures_of
from dermai.documents.version_evidence import VersionEvidence


def test_measures_are_those_of_the_evaluation_with_their_intervals(evidence: VersionEvidence) -> None:
    found = {measure.label: measure for measure in measures_of(evidence)}
    melanoma = found["sensitivity, MM"]
    assert (melanoma.value, melanoma.lesions) == (0.86, 50)
    assert melanoma.low < melanoma.value < melanoma.high
    assert melanoma.words == "sensitivity, MM: 86 % (95 % interval 73 to 94 %), 50 lesions"
    assert {"balanced accuracy", "macro F1", "specificity, BCC"} <= set(found)


def test_groups_of_patients_are_measured_too(evidence: VersionEvidence) -> None:
    (group,) = group_measures(evidence)
    assert (group.label, group.value, group.lesions) == ("sensitivity, MM, skin type 2", 0.925, 40)
