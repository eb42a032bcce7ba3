"""The same photograph delivered again: known, a corrected diagnosis, or a contradiction to refuse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from dermai.ingest.row_checks import Problems

RESOLVE = "find out which is right, then deliver that one only"


class Shot(NamedTuple):
    """What a photograph is said to show."""

    image: str
    patient_id: str
    lesion_id: str
    diagnosis: str
    source_label: str
    name: str  # how it is called in reasons

    @property
    def label(self) -> tuple[str, str]:
        return self.diagnosis, self.source_label.casefold()

    def agrees(self, other: Shot) -> bool:
        """The same patient and diagnosis; then a second lesion is a slip that no model learns from."""
        return (self.patient_id, self.diagnosis) == (other.patient_id, other.diagnosis)

    def difference(self, other: Shot) -> str:
        differs = [
            what
            for what, mine, its in (
                ("patient", self.patient_id, other.patient_id),
                ("lesion", self.lesion_id, other.lesion_id),
                ("diagnosis", self.diagnosis, other.diagnosis),
            )
            if mine != its
        ]
        labels = f" ({self.source_label} and {other.source_label})" if self.label != other.label else ""
        return f"but of another {' and '.join(differs or ['label'])}{labels}"


@dataclass
class KnownPhotographs:
    """What becomes of delivered rows that show a photograph seen before."""

    known: list[int] = field(default_factory=list)
    corrected: list[int] = field(default_factory=list)
    problems: Problems = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def delivered_shots(rows: pd.DataFrame) -> dict[int, Shot]:
    """Delivered rows, called by their files."""
    return dict(zip(rows.index.tolist(), _shots(rows, rows["file"]), strict=True))


def known_shots(cases: pd.DataFrame) -> dict[str, Shot]:
    """The dataset's photographs by content hash."""
    names = [f"photograph {i[:12]} of batch {b}" for i, b in zip(cases["image"], cases["batch"], strict=True)]
    return {shot.image: shot for shot in _shots(cases, names)}


def compare_identical(rows: dict[int, Shot], known: dict[str, Shot]) -> KnownPhotographs:
    """Judge rows whose stored photograph is in the dataset, or in the delivery more than once.

    Of identical photographs of one patient and diagnosis the first is taken; a photograph under two patients or two
    diagnoses is a contradiction, and every new row that has it is refused.
    """
    groups: dict[str, dict[int, Shot]] = defaultdict(dict)
    for row, shot in rows.items():
        groups[shot.image][row] = shot
    result = KnownPhotographs()
    for image, group in groups.items():
        if image in known:
            _compare_with_known(group, known[image], result)
        elif len(group) > 1:
            _compare_with_each_other(group, result)
    return result


def _compare_with_known(group: dict[int, Shot], before: Shot, result: KnownPhotographs) -> None:
    for row, now in group.items():
        same_lesion = (now.patient_id, now.lesion_id) == (before.patient_id, before.lesion_id)
        labels = {other.label for other in group.values() if other.lesion_id == now.lesion_id}
        if same_lesion and now.label == before.label:
            result.known.append(row)
        elif same_lesion and len(labels) == 1:
            result.corrected.append(row)
        elif now.agrees(before):
            result.known.append(row)
            result.notes.append(f"{now.name}: known under another lesion of the patient, which is kept")
        else:
            others = sorted({other.name for other in group.values()} - {now.name})
            which = ", ".join([before.name, *others])
            result.problems[row] = (f"identical to {which}, {now.difference(before)}", RESOLVE)


def _compare_with_each_other(group: dict[int, Shot], result: KnownPhotographs) -> None:
    (first_row, first), *others = group.items()
    clash = next((other for _, other in others if not first.agrees(other)), None)
    for row, now in group.items():
        if clash is not None:
            names = ", ".join(sorted({other.name for other in group.values()} - {now.name}))
            against = clash if now.agrees(first) else first
            reason = f"identical to {names or 'another row with the same file'}, {now.difference(against)}"
            result.problems[row] = (reason, RESOLVE)
        elif row != first_row:
            result.known.append(row)
            if now.lesion_id != first.lesion_id:
                result.notes.append(f"{now.name}: identical to {first.name}, whose lesion is kept")


def compare_near(rows: dict[int, Shot], known: dict[str, Shot], pairs: Iterable[tuple[str, str]]) -> KnownPhotographs:
    """Judge pairs of near-identical photographs of which at least one is new, in `rows`."""
    place = {shot.image: row for row, shot in rows.items()}
    shots = {**known, **{shot.image: shot for shot in rows.values()}}
    clashes: dict[str, list[Shot]] = defaultdict(list)
    result = KnownPhotographs()
    for first, second in ((shots[a], shots[b]) for a, b in pairs):
        if not first.agrees(second):
            clashes[first.image].append(second)
            clashes[second.image].append(first)
        elif first.lesion_id != second.lesion_id:
            result.notes.append(f"{second.name}: nearly identical to {first.name}, another lesion of the patient")
    for image, others in clashes.items():
        if image in place:
            which = ", ".join(sorted(other.name for other in others))
            reason = f"nearly identical to {which}, {shots[image].difference(others[0])}"
            result.problems[place[image]] = (reason, RESOLVE)
    return result


def _shots(table: pd.DataFrame, names: Iterable[str]) -> list[Shot]:
    columns = (table[name] for name in ("image", "patient_id", "lesion_id", "diagnosis", "source_label"))
    return [Shot(*values) for values in zip(*columns, names, strict=True)]


def kept_under_another_case(rows: pd.DataFrame, repeated: list[int], known: pd.DataFrame) -> list[str]:
    """A line for each photograph that is in the dataset once although its row names another case of the patient."""
    first = rows.drop(index=repeated)
    cases = {
        **dict(zip(first["image"], first["case_id"], strict=True)),
        **dict(zip(known["image"], known["case_id"], strict=True)),
    }
    return [
        f"{row['file']} (case {row['case']!r}): the photograph is kept once, under another case of the patient"
        for _, row in rows.loc[repeated].iterrows()
        if cases.get(row["image"], row["case_id"]) != row["case_id"]
    ]
