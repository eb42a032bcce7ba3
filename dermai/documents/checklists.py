"""Reporting checklists of the field, each item filled from what is recorded or visibly left to a person."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from dermai.documents.facts import Fact
from dermai.documents.version_evidence import VersionEvidence
from dermai.report.pages import render_page

FOLDER = Path(__file__).parent
CLEAR_DERM, TRIPOD_AI = FOLDER / "clear_derm.yaml", FOLDER / "tripod_ai.yaml"


class Part(BaseModel):
    """A part of a checklist: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Item(Part):
    """What one item asks for, and the names of the facts that answer it; none where only a person can."""

    number: str
    section: str
    asks: str
    facts: tuple[str, ...] = ()


class Checklist(Part):
    """A published checklist; the publication's own wording is the one that counts."""

    name: str
    publication: str
    items: tuple[Item, ...]


class Answer(Part):
    """An item's answer and where each part of it stands; empty where nothing is recorded."""

    number: str
    section: str
    asks: str
    answer: str
    sources: tuple[str, ...]


class FilledChecklist(Part):
    """A checklist of a version."""

    name: str
    publication: str
    model: str
    version: str
    package_sha256: str
    record: int
    answered: int
    items: tuple[Answer, ...]

    @property
    def open(self) -> int:
        """Items that a person has to fill in."""
        return len(self.items) - self.answered


@cache
def load_checklist(file: Path) -> Checklist:
    """A checklist's items, validated."""
    return Checklist.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))


def filled(checklist: Checklist, evidence: VersionEvidence, facts: Mapping[str, Fact]) -> FilledChecklist:
    """Answer every item that the facts can answer."""
    items = []
    for item in checklist.items:
        known = [facts[name] for name in item.facts if facts[name].text]
        items.append(
            Answer(
                number=item.number,
                section=item.section,
                asks=item.asks,
                answer=" ".join(fact.text for fact in known),
                sources=tuple(dict.fromkeys(fact.source for fact in known)),
            )
        )
    return FilledChecklist(
        name=checklist.name,
        publication=checklist.publication,
        model=evidence.name,
        version=evidence.version,
        package_sha256=evidence.sha256,
        record=evidence.attempt.sequence,
        answered=sum(bool(item.answer) for item in items),
        items=tuple(items),
    )


def checklist_page(checklist: FilledChecklist, evidence: VersionEvidence) -> str:
    """The checklist as a page: what is open stands out."""
    return render_page(
        "checklist.html",
        checklist=checklist,
        as_of=evidence.as_of,
        simulated=evidence.record.dataset.is_simulated,
    )
