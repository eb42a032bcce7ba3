"""What the gate can show, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dermai.gate.findings import BENIGN
from dermai.gate.prospects import FloorInPractice, floors_in_practice
from dermai.gate.reign import challenger_alpha
from dermai.percentages import per_cent, points

if TYPE_CHECKING:
    from dermai.gate.policy import GatePolicy
    from dermai.promotion.prospects import Prospects


def prospect_lines(
    policy: GatePolicy, found: Sequence[Prospects], per_month: Mapping[str, float], share: float
) -> Iterator[str]:
    """A paragraph a column, that which promotes first, and one of daily practice, where `share` of the cases that are
    sorted as normal are read."""
    for column in found:
        yield f"{column.column[0].upper()}{column.column[1:]}, at level {column.level:.4g}"
        for kind in column.attainable:
            asked = policy.guards.specificity_margin if kind.about == BENIGN else policy.margins.champion[kind.about]
            text = f"  {kind.about}: {kind.patients} patients"
            if kind.worth != kind.patients:
                text += f", worth {kind.worth} independent ones"
            text += f"; at best a loss of {100 * kind.margin:.1f} points is ruled out ({100 * asked:.3g} asked)"
            if kind.floor is not None:
                text += f" and {per_cent(kind.floor)} is certain ({per_cent(policy.floors[kind.about])} asked)"
            yield text
        chances = (f"{_named(change)} {per_cent(chance)}" for change, chance in column.power.items())
        yield f"  chance of a promotion, by true difference in sensitivity: {', '.join(chances)}"
        yield f"  {_months(policy, column.months, any(per_month.values()))}"
    yield from _practice_lines(policy, per_month, share)
    yield (
        "Assumed: the target sensitivities, a specificity of 90 %, and two models that differ on "
        f"{per_cent(policy.planning.discordance)} of the lesions. Subgroups and macro-F1 can hold one back as well."
    )


def _practice_lines(policy: GatePolicy, per_month: Mapping[str, float], share: float) -> Iterator[str]:
    yield (
        f"Daily practice, at level {challenger_alpha(policy):.4g}: confirmed patients until a floor is shown in "
        f"{per_cent(policy.planning.power)} of cases"
    )
    everything = floors_in_practice(policy, per_month, 1.0)
    for whole, part in zip(everything, floors_in_practice(policy, per_month, share), strict=True):
        rate = per_month.get(whole.code, 0.0)
        text = f"  {whole.code}: {_patients(whole, rate)} where every case is read"
        if share == 0:
            text += "; never where cases sorted as normal are sent home and none is drawn for a second reading"
        elif share < 1:
            text += f", {_patients(part, rate)} with second readings of {per_cent(share)} of the normal cases"
        yield text


def _patients(found: FloorInPractice, rate: float) -> str:
    if found.patients is None:
        return "no number"
    if not rate:
        return f"{found.patients:,}"
    after = f"{found.months} months" if found.months else "more than ten years"
    return f"{found.patients:,} ({after})"


def _named(change: float) -> str:
    return "equal" if change == 0 else f"{points(change)} points"


def _months(policy: GatePolicy, months: int | None, asked: bool) -> str:
    planned = f"an equal candidate is promoted in {per_cent(policy.planning.power)} of cases"
    if not asked:
        return f"months until {planned}: give the confirmed patients a month with --per-month"
    if months is None:
        return f"not within ten years at this rate: until {planned}"
    return f"now: {planned}" if months == 0 else f"{months} months at this rate until {planned}"
