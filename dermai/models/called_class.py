"""The model's answer to one photograph: the class that it calls, and what made the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dermai.language.messages import message
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
            return message("%(share)s, the most probable", share=per_cent(self.probability))
        close = self.probability - self.threshold < 0.01  # rounded, it would read as if it lay below
        shown, threshold = per_cent(self.probability, 1 if close else 0), per_cent(self.threshold, 1)
        if self.reached == self.code:
            return message("%(share)s, called from %(low)s on", share=shown, low=threshold)
        return message(
            "%(share)s, more probable than %(diagnosis)s, which is called from %(low)s on",
            share=shown,
            diagnosis=self.reached,
            low=threshold,
        )


def called_class(code: str, probabilities: Mapping[str, float], operating_points: Mapping[str, float]) -> CalledClass:
    """What made the call of `code`, from the same probabilities and operating points that made it."""
    own = probabilities[code]
    if own >= max(probabilities.values()):
        return CalledClass(code, own)
    reached = {name: probabilities[name] / threshold for name, threshold in operating_points.items()}
    by = code if code in operating_points else max(reached, key=reached.__getitem__, default="")
    return CalledClass(code, own, by, operating_points.get(by, 0.0))
