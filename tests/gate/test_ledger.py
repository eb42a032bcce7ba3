"""However often and however cunningly the same test patients are used, false promotions stay under alpha."""

from typing import get_args

import numpy as np
import pytest
from scipy.stats import binom

from dermai.gate import ledger
from dermai.gate.decision import decide
from dermai.gate.exact import fewest_without_miss
from dermai.gate.findings import Outcome
from dermai.gate.ledger import NOTHING_LEFT, Account, Emptied, Result, Use, evaluated_rows, next_use
from dermai.gate.planning import rejects
from dermai.gate.policy import GatePolicy
from tests.gate.simulated import first_hit, lesions

POLICY = GatePolicy()


def patients(count, first=0):
    names = [f"{number:04}" for number in range(first, first + count)]
    return {"MM": names, "BCC": names, "benign": names}


def used(lines, candidate, outcome="insufficient_evidence", policy=POLICY, pool=None):
    """The ledger after one more use, and its level."""
    pool = pool or patients(100)
    use = next_use(lines, policy, pool, evaluated=str(pool), candidate=str(candidate), champion="c")
    return [*lines, use, Result(number=use.number, at="", outcome=outcome)], use.level


def test_the_first_use_of_new_patients_is_at_the_policys_share_of_alpha():
    _, level = used([], "a")
    assert level == pytest.approx(POLICY.ledger.spend * POLICY.test_set_alpha)


def test_all_uses_without_a_promotion_spend_alpha_together():
    lines, levels = [], []
    for candidate in range(50):
        lines, level = used(lines, candidate)
        levels.append(level if lines[-2].spends else 0.0)
    assert sum(levels) <= POLICY.test_set_alpha
    assert levels[1] == pytest.approx(levels[0] * (1 - POLICY.ledger.spend) / 2)


def test_a_promotion_hands_its_level_on():
    after, first = used([], "a", "promote")
    assert ledger.accounts(after)["MM"].wealth == pytest.approx(first)
    worn, _ = used([], "a", "reject")
    assert ledger.accounts(worn)["MM"].wealth == pytest.approx((POLICY.test_set_alpha - first) / 2)


def test_a_use_ends_in_one_of_the_three_outcomes_that_the_theorem_has():
    assert set(get_args(Outcome)) == {"promote", "reject", "insufficient_evidence"}
    assert Result.model_fields["outcome"].annotation == Outcome


def largest_chance(lines, depth, spend):
    """Of ever promoting a candidate that falls short, over every strategy that may act on each outcome: union bound."""
    if depth == 0:
        return 0.0
    policy = GatePolicy(ledger={"spend": spend})
    after = {outcome: used(lines, depth, outcome, policy) for outcome in get_args(Outcome)}
    level = after["reject"][1] if after["reject"][0][-2].spends else 0.0
    future = {outcome: largest_chance(found, depth - 1, spend) for outcome, (found, _) in after.items()}
    bad_now = level + future["reject"] + future["insufficient_evidence"]
    good_now = sum(future.values())
    return max(bad_now, good_now)


@pytest.mark.parametrize("spend", [0.3, 0.75])
def test_no_strategy_that_acts_on_outcomes_exceeds_alpha(spend):
    assert largest_chance([], 5, spend) <= POLICY.test_set_alpha + 1e-12


@pytest.mark.slow
def test_50_candidates_worse_by_the_margin_on_one_test_set_are_promoted_with_at_most_alpha():
    """Every candidate loses 10 points of melanoma sensitivity, with errors of its own: 100 patients, 50 uses."""
    rng, runs, n, lines = np.random.default_rng(20211003), 3000, 100, []
    promoted = np.zeros(runs, dtype=bool)
    naive = np.zeros(runs, dtype=bool)
    for candidate in range(50):
        lines, level = used(lines, candidate)
        gains, losses, _ = rng.multinomial(n, [0.05, 0.15, 0.80], size=runs).T
        if lines[-2].spends:
            promoted |= rejects(gains, losses, n, 0.10, level)
        naive |= gains >= losses
    assert promoted.sum() <= binom.ppf(0.9999, runs, POLICY.test_set_alpha)
    assert naive.mean() > 0.5  # what `>=` does with the same candidates


def test_new_patients_refresh_in_proportion_and_never_beyond_alpha():
    lines, level = used([], "a", pool=patients(100))
    left = (POLICY.test_set_alpha - level) / 2
    use = next_use(lines, POLICY, patients(125), evaluated="rows", candidate="b", champion="c")
    assert use.level == pytest.approx(POLICY.ledger.spend * (left + POLICY.test_set_alpha * 25 / 125))
    assert len(use.new_patients["MM"]) == 25
    full = Account(wealth=POLICY.alpha, alpha=POLICY.alpha, known=frozenset("ab")).refreshed("cdefgh", POLICY.alpha)
    assert full.wealth == POLICY.alpha


def test_as_many_new_patients_as_are_asked_for_renew_a_worn_out_test_set():
    lines = []
    for candidate in range(4):
        lines, _ = used(lines, candidate)
    worn = next(account for account in ledger.status(lines, POLICY) if account.account == "MM")
    assert (worn.worn_out, worn.uses) == (True, 4)
    renewed = Account(wealth=worn.left, alpha=POLICY.test_set_alpha, known=frozenset(patients(100)["MM"])).refreshed(
        patients(worn.new_patients_to_renew, first=100)["MM"], POLICY.test_set_alpha
    )
    assert renewed.wealth >= 0.5 * POLICY.test_set_alpha - 1e-12


def test_the_same_question_is_the_same_use_and_another_one_is_not():
    lines, _ = used([], "a")
    pool, rows = patients(100), str(patients(100))
    again = next_use(lines, POLICY, pool, evaluated=rows, candidate="a", champion="c")
    assert again == lines[0]
    for changed in (
        next_use(lines, POLICY, pool, evaluated="other rows", candidate="a", champion="c"),
        next_use(lines, POLICY, pool, evaluated=rows, candidate="a", champion="d"),
        next_use(lines, GatePolicy(alpha=0.04), pool, evaluated=rows, candidate="a", champion="c"),
    ):
        assert (changed.number, changed.key != again.key) == (2, True)


def test_a_use_that_cannot_promote_spends_nothing():
    few = next_use([], POLICY, {**patients(100), "MM": ["1", "2"]}, evaluated="rows", candidate="a")
    point = next_use([], GatePolicy(mode="point"), patients(100), evaluated="rows", candidate="a")
    assert (few.spends, point.spends) == (False, False)
    assert ledger.accounts([few])["MM"].wealth == POLICY.test_set_alpha


def test_an_open_use_has_spent_already():
    """A crash between use and result loses a decision, never the spending."""
    use = next_use([], POLICY, patients(100), evaluated="rows", candidate="a")
    assert isinstance(use, Use)
    assert ledger.accounts([use])["BCC"].wealth == pytest.approx(POLICY.test_set_alpha - use.level)
    assert ledger.result_of([use], use) is None


ROWS = lesions({"MM": first_hit(20, 30), "BCC": first_hit(25, 30), "Nev": first_hit(50, 60)})


def test_the_rows_of_a_question_are_the_same_in_any_order():
    order = np.random.default_rng(1).permutation(len(ROWS))
    values = {name: value[order] for name, value in vars(ROWS).items() if value is not None}
    assert evaluated_rows(type(ROWS)(**values), ROWS) == evaluated_rows(ROWS, ROWS)


@pytest.mark.parametrize("name", ["lesion_id", "patient_id", "truth", "predicted", "sex"])
def test_another_lesion_patient_diagnosis_answer_or_attribute_makes_other_rows(name):
    values = np.full(len(ROWS), "") if getattr(ROWS, name) is None else getattr(ROWS, name).astype("U8").copy()
    values[0] = "other"
    assert evaluated_rows(type(ROWS)(**{**vars(ROWS), name: values})) != evaluated_rows(ROWS)


def test_a_patient_whose_diagnosis_was_changed_brings_nothing_back():
    pool = {"MM": patients(60)["MM"], "BCC": patients(60, 100)["BCC"], "benign": patients(200, 200)["benign"]}
    lines, _ = used([], "a", pool=pool)
    moved = {**pool, "MM": pool["MM"][20:], "benign": [*pool["benign"], *pool["MM"][:20]]}
    use = next_use(lines, POLICY, moved, evaluated="relabelled", candidate="a", champion="c")
    assert use.spends
    assert use.new_patients == {"MM": (), "BCC": (), "benign": ()}
    assert use.level == pytest.approx(POLICY.ledger.spend * ledger.accounts(lines)["MM"].wealth)


def test_where_spending_is_no_longer_known_only_new_patients_have_a_budget():
    lines, _ = used([], "a")
    lines = [*lines, Emptied()]
    assert all(account.wealth == 0 for account in ledger.accounts(lines).values())
    same = next_use(lines, POLICY, patients(100), evaluated="rows", candidate="b", champion="c")
    more = next_use(lines, POLICY, patients(300), evaluated="rows", candidate="b", champion="c")
    assert (same.level, more.level > 0.001) == (NOTHING_LEFT, True)


def test_patients_without_a_budget_are_never_judged_at_the_level_of_a_first_use():
    lines, _ = used([], "a")
    lines = [*lines, Emptied()]
    for number in range(20):
        lines, level = used(lines, f"retry {number}")
        assert level <= NOTHING_LEFT
    assert all(0 <= account.wealth <= NOTHING_LEFT for account in ledger.accounts(lines).values())


def test_where_it_is_not_known_on_whom_it_was_spent_the_patients_of_the_next_use_bring_nothing():
    lines, level = used([Emptied(patients_too=True)], "a")
    assert level == NOTHING_LEFT
    later = next_use(lines, POLICY, patients(300), evaluated="rows", candidate="b", champion="c")
    assert later.level > 0.001, "those who come later are new"


@pytest.mark.parametrize("champion", [None, "perfect"])
def test_a_use_that_spends_nothing_never_promotes(champion):
    """Even where no lesion is missed: the floor of a class with one patient too few cannot be shown."""
    level = POLICY.ledger.spend * POLICY.test_set_alpha
    fewest = {code: fewest_without_miss(POLICY.floors[code], level) for code in POLICY.gated_classes}
    for short in POLICY.gated_classes:
        sizes = {**fewest, short: fewest[short] - 1, "Nev": 200}
        perfect = lesions({code: first_hit(n, n) for code, n in sizes.items()})
        pool = ledger.test_patients(POLICY, perfect, champion is not None)
        assert not next_use([], POLICY, pool, evaluated="rows", candidate="a").spends
        assert decide(POLICY, perfect, perfect if champion else None, alpha=level).outcome != "promote"
