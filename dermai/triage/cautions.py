"""Reasons why a model's answer may not send a case to the end of the worklist unread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dermai.language.messages import message
from dermai.taxonomy import RiskLevel

PROVISIONAL = message("the model is provisional")


@dataclass(frozen=True)
class Cautions:
    """Sentences without a full stop: those that hold for all answers of a run, and those about single photographs."""

    of_run: tuple[str, ...] = ()
    of_photograph: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def about(self, images: Iterable[str]) -> tuple[str, ...]:
        """What holds for a case with these photographs, once each.

        >>> Cautions(("the model is provisional",), {"a": ("a new view",)}).about(["a", "b"])
        ('the model is provisional', 'a new view')
        """
        found = [*self.of_run, *(reason for image in images for reason in self.of_photograph.get(image, ()))]
        return tuple(dict.fromkeys(found))


def cautious_risk(risk: str, cautions: Sequence[str]) -> str:
    """The level under which a case is shown: never normal where there is a caution.

    >>> cautious_risk("normal", ("a new view",)), cautious_risk("normal", ())
    ('priority', 'normal')
    """
    return RiskLevel(risk).to_be_read.value if cautions else risk
