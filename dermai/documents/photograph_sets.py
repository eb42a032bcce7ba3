"""The sets of photographs of a version in sentences: how many, of whom, and what they show."""

from __future__ import annotations

from collections.abc import Callable

from dermai.documents.version_evidence import VersionEvidence
from dermai.records.update_record import PhotographSet

COUNTED = {
    "diagnosis": "class", "source": "source", "site": "site", "device": "device",
    "skin_type": "Fitzpatrick skin type", "sex": "sex",
}  # fmt: skip


def _counts(part: PhotographSet | None, *names: str) -> str:
    """What a set of photographs holds, and its counts by some columns; nothing where none of them is recorded."""
    if part is None or not any(value for name in names for value in part.counts.get(name, {})):
        return ""
    sentences = [f"{part.photographs} photographs of {part.lesions} lesions of {part.patients} patients."]
    for name in names:
        counts = part.counts.get(name)
        if counts:
            listed = ", ".join(f"{value or 'not recorded'} {number}" for value, number in sorted(counts.items()))
            sentences.append(f"By {COUNTED[name]}: {listed}.")
    return " ".join(sentences)


def set_words(role: str, *names: str) -> Callable[[VersionEvidence], str]:
    """What says of a version what a set of photographs holds, by some columns."""

    def words(evidence: VersionEvidence) -> str:
        found = _counts(evidence.record.dataset.sets.get(role), *names)
        return f"{role.capitalize()}: {found}" if found else ""

    return words


def both_sets(*names: str) -> Callable[[VersionEvidence], str]:
    """The same of the training photographs and of the test photographs."""

    def words(evidence: VersionEvidence) -> str:
        return " ".join(filter(None, (set_words("train", *names)(evidence), set_words("test", *names)(evidence))))

    return words
