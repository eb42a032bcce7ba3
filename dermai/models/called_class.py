"""The model's answer to one photograph: the class that it calls, and what made the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dermai.percentages import per_cent


@dataclass(frozen=True)
class CalledClass:
    """The called class with its probability.

    It is the most probable class, or `reached` names the class whose operating point `threshold` made the call.
    """

    code: str
    probability: float
    reached: str = ""
    threshold: float = 0.0

    @property
    def reason(self) -> str:
        """Why this class.

        >>> CalledClass("MM", 0.64).reason.replace(chr(160), " ")
        '64 %, the most probable'
        >>> CalledClass("MM", 0.33, "MM", 0.058).reason.replace(chr(160), " ")
        '33 %, called from 5.8 % on'
        """
        if not self.reached:
            return f"{per_cent(self.probability)}, the most probable"
        close = self.probability - self.threshold < 0.01  # rounded, it would read as if it lay below
        shown, threshold = per_cent(self.probability, 1 if close else 0), per_cent(self.threshold, 1)
        if self.reached == self.code:
            return f"{shown}, called from {threshold} on"
        return f"{shown}, more probable than {self.reached}, which is called from {threshold} on"


def called_class(code: str, probabilities: Mapping[str, float], operating_points: Mapping[str, float]) -> CalledClass:
    """What made the call of `code`, from the same probabilities and operating points that made it."""
    own = probabilities[code]
    if own >= max(probabilities.values()):
        return CalledClass(code, own)
    reached = {name: probabilities[name] / threshold for name, threshold in operating_points.items()}
    by = code if code in operating_points else max(reached, key=reached.__getitem__, default="")
    return CalledClass(code, own, by, operating_points.get(by, 0.0))
