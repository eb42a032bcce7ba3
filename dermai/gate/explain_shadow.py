"""The decision on a challenger in shadow mode in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dermai.gate.explain import REFERENCES, about_words, further_words
from dermai.gate.findings import Outcome, ShadowTest
from dermai.gate.policy import ShadowRules
from dermai.percentages import per_cent

_WHERE = {
    "test patients": "on the test patients",
    "daily practice": "in daily practice",
    "daily practice with earlier challengers": "in daily practice, with what earlier challengers showed",
}


def summary(outcome: Outcome, tests: Sequence[ShadowTest], further: Mapping[str, int | None]) -> str:
    """What daily practice says of the challenger, in a sentence or two."""
    if outcome == "promote":
        return "Promote: what the update left open, confirmed diagnoses of daily practice have shown."
    if outcome == "reject":
        return "Reject: confirmed diagnoses of daily practice are evidence that the challenger is worse than allowed."
    left = [test for test in tests if test.verdict == "not_shown"]
    return f"Keep going: {len(left)} of {len(tests)} tests are still open{further_words(further)}."


def reasons(
    tests: Sequence[ShadowTest],
    macro_f1_kept: bool,
    open_groups: tuple[str, ...],
    unconfirmed: float,
    rules: ShadowRules,
) -> Iterator[str]:
    """A sentence for each test, in its order, then what else holds the challenger back."""
    for test in tests:
        if test.against == "floor":
            what = f"{about_words(test.about)}, sensitivity above the floor"
        else:
            what = f"{about_words(test.about)}, no worse than {REFERENCES[test.against]}"
        if test.verdict == "worse":
            yield f"{what}: no, it is worse ({_odds(test.largest_e_value_worse)} after {_patients(test.patients)})."
        elif test.verdict == "shown":
            yield f"{what}: shown {_WHERE.get(test.on, f'on {test.on}')}."
        elif test.against == "anchor" and not test.patients and test.lesions:
            yield f"{what}: open, because the anchor does not score in shadow."
        else:
            yield f"{what}: not shown yet; {_so_far(test)}{_price(test)}{_together(test)}."
    if unconfirmed > rules.most_unconfirmed + 1e-12:
        share, most = per_cent(unconfirmed), per_cent(rules.most_unconfirmed)
        asked = " that were to be read" if any(test.probability < 1 for test in tests) else ""
        yield (
            f"No floor is shown in daily practice: {share} of the referrals{asked}, or of those with the answers "
            f"under which misses would hide, have no diagnosis that counts after {rules.follow_up_days} days, more "
            f"than {most}."
        )
    if not macro_f1_kept:
        yield "Macro-F1 over all diagnoses is not kept yet."
    for group in open_groups:
        yield f"Subgroup {group} fell on the test patients, and too few lesions since then show otherwise."


def _so_far(test: ShadowTest) -> str:
    """The evidence in words: an e-value is what a bet of 1 against the opposite has become (Shafer 2021)."""
    asked = f"{_odds(test.threshold)} is asked"
    if not test.patients:
        return f"no diagnosis of such a lesion has come back since, {asked}"
    seen = _patients(test.patients)
    if test.largest_e_value >= test.threshold:
        return f"the margin is ruled out, but over {seen} its estimate fell by more than is allowed"
    if test.e_value >= test.threshold:
        return f"what {seen} showed would be enough ({_odds(test.e_value)}, {asked}), but too many are unconfirmed"
    if test.e_value < 1:
        return f"what {seen} showed speaks against it rather than for it so far ({_odds(test.e_value)}, {asked})"
    return f"what {seen} showed speaks for it, but not clearly enough ({_odds(test.e_value)}, {asked})"


def _price(test: ShadowTest) -> str:
    """What second readings cost: the bet on each patient is as many times smaller as a drawn case stands for others."""
    if test.probability == 1:
        return ""
    times = f"{1 / test.probability:.3g}"
    drawn = f"; {test.drawn} of them by second readings, each of which stands for up to {times} cases"
    return f"{drawn}, so that every bet is {times} times smaller"


def _together(test: ShadowTest) -> str:
    """What the challengers of its recipe showed together."""
    if test.series is None:
        return ""
    found = test.series
    seen = f"the {found.challengers} challengers of this recipe showed {_odds(found.largest_e_value)} together"
    if found.largest_e_value >= found.threshold:
        return f"; {seen}, so that {_odds(found.own_threshold)} of its own is enough"
    return f"; {seen}: from {_odds(found.threshold)} on, {_odds(found.own_threshold)} of its own would be enough"


def _odds(e_value: float) -> str:
    """In words that need no powers of ten.

    >>> _odds(0.0314), _odds(1343.4), _odds(1e300)
    ('0.0314 to 1', '1,343 to 1', 'more than a million to 1')
    """
    if e_value > 1_000_000:
        return "more than a million to 1"
    return f"{e_value:,.0f} to 1" if e_value >= 100 else f"{e_value:.3g} to 1"


def _patients(number: int) -> str:
    return "1 patient" if number == 1 else f"{number:,} patients"
