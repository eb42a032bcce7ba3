"""Which diagnoses count as the truth: the policy names what each class must have been confirmed by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import get_args

import numpy as np

from dermai.gate.policy import GatePolicy, ReferenceStandard
from dermai.language.messages import message

READING = "reading"  # by somebody who may have seen the model's answer
KINDS: tuple[str, ...] = (*get_args(ReferenceStandard), READING)  # the strongest first
NAMES = {  # as pages say them
    READING: message("clinical reading"),
    "histology": message("histology"),
    "confocal": message("confocal microscopy"),
    "consensus": message("expert consensus"),
    "follow_up": message("follow-up"),
}
SIMULATED = "simulated"  # of patients who do not exist, whose diagnoses are known


def counting(policy: GatePolicy, diagnoses: Iterable[str], confirmed_by: Iterable[str]) -> np.ndarray:
    """Which diagnoses count; boolean, one each. What is unknown or empty never does.

    >>> counting(GatePolicy(), ["MM", "MM", "Nev", "Nev"], ["histology", "consensus", "consensus", "reading"]).tolist()
    [True, False, True, False]
    """
    rules = policy.reference_standards
    pairs = zip(diagnoses, confirmed_by, strict=True)
    return np.array([by == SIMULATED or by in rules.of(code) for code, by in pairs], dtype=bool)


def not_counted(policy: GatePolicy, diagnoses: Iterable[str], confirmed_by: Iterable[str]) -> tuple[str, ...]:
    """A sentence for each class of which diagnoses do not count.

    >>> not_counted(GatePolicy(), ["MM", "MM", "BCC"], ["reading", "", "histology"])
    ('2 confirmed MM without histology do not count.',)
    """
    codes, kinds = list(diagnoses), list(confirmed_by)
    kept = counting(policy, codes, kinds)
    return without_standard(policy, (code for code, counts in zip(codes, kept, strict=True) if not counts))


def without_standard(policy: GatePolicy, diagnoses: Iterable[str]) -> tuple[str, ...]:
    """The sentences for diagnoses of which none counts; "" is none."""
    found = Counter(code for code in diagnoses if code)
    return tuple(
        f"{number} confirmed {code} without {_either(policy, code)} {'does' if number == 1 else 'do'} not count."
        for code, number in sorted(found.items())
    )


def counting_on_test_patients(policy: GatePolicy, diagnoses: Iterable[str], confirmed_by: Iterable[str]) -> np.ndarray:
    """Which test lesions count; boolean, one each. `confirmed_by` is as the case table has it, "" where unknown."""
    codes, kinds = list(diagnoses), [_known(text) for text in confirmed_by]
    if policy.reference_standards.test_patients == "every_diagnosis":
        return np.ones(len(codes), dtype=bool)
    return counting(policy, codes, kinds)


def left_out_of_test(policy: GatePolicy, diagnoses: Iterable[str], confirmed_by: Iterable[str]) -> tuple[str, ...]:
    """A sentence for each class of how many test lesions do not count, and why.

    >>> left_out_of_test(GatePolicy(), ["MM", "MM", "BCC"], ["consensus", "", "histology"])
    ('2 test lesions of MM do not count: without histology (1 by consensus, 1 by nothing known).',)
    """
    codes, kinds = list(diagnoses), list(confirmed_by)
    kept = counting_on_test_patients(policy, codes, kinds)
    ways: dict[str, Counter[str]] = {}
    for code, text, counts in zip(codes, kinds, kept, strict=True):
        if not counts:
            ways.setdefault(code, Counter())[_known(text).replace("_", "-") or "nothing known"] += 1
    return tuple(
        f"{found.total()} test {'lesion' if found.total() == 1 else 'lesions'} of {code} "
        f"{'does' if found.total() == 1 else 'do'} not count: without {_either(policy, code)} "
        f"({', '.join(f'{number} by {way}' for way, number in sorted(found.items()))})."
        for code, found in sorted(ways.items())
    )


def strongest(confirmed_by: Iterable[str]) -> str:
    """Of what several photographs of a lesion say, the one that confirms most.

    >>> strongest(["", "consensus", "histology"]), strongest(["", "simulated"]), strongest([""])
    ('histology', 'simulated', '')
    """
    return max(confirmed_by, key=lambda text: (strength(_known(text)), text != ""))


def _known(text: str) -> str:
    """The kind that a cell of the case table means; "" where it is none."""
    return text if text == SIMULATED else kind_of(text) or ""


def kind_of(text: str) -> str | None:
    """What a sender's `confirmed_by` means; "" where it says nothing, None where it is not known.

    >>> kind_of("Follow-up"), kind_of(""), kind_of("biopsy?")
    ('follow_up', '', None)
    """
    word = text.strip().casefold().replace("-", "_").replace(" ", "_")
    if word == "dermatologist":  # as the case table has it
        return READING
    return word if word in ("", *KINDS) else None


def strength(kind: str) -> int:
    """A larger number for what confirms more; 0 where nothing is known."""
    return len(KINDS) - KINDS.index(kind) if kind in KINDS else 0


def _either(policy: GatePolicy, code: str) -> str:
    return " or ".join(kind.replace("_", "-") for kind in policy.reference_standards.of(code))
