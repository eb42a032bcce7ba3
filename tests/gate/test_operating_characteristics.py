"""Not one module: the fast rules of the gate's benchmark are the gate's own, and MLflow's."""

import numpy as np
import pytest

from benchmarks.gate.simulated_fleets import (
    FIRST_LEVEL,
    POLICY,
    RULES,
    SENSITIVITY,
    Fleet,
    above_thresholds,
    first_model,
    macro_f1,
    next_model,
    shares,
)
from dermai.gate.decision import decide
from dermai.gate.ledger import next_use


def update(melanomas, loss, runs=12):
    rng = np.random.default_rng(20211003)
    anchor = first_model(rng, runs, melanomas)
    champion = next_model(rng, anchor, SENSITIVITY, {"MM": 0.02})
    before = {**SENSITIVITY, "MM": SENSITIVITY["MM"] - 0.02}
    return Fleet(next_model(rng, champion, before, {"MM": loss}), champion, anchor)


@pytest.mark.slow
@pytest.mark.parametrize(("melanomas", "loss"), [(25, -0.05), (60, 0.0), (120, 0.02), (220, 0.0)])
def test_the_vectorised_gate_promotes_what_the_gate_promotes(melanomas, loss):
    fleet = update(melanomas, loss)
    fast = RULES["gate"](fleet), RULES["gate, champion only"](fleet)
    for run in range(12):
        candidate, champion, anchor = fleet.results(run)
        decision = decide(POLICY, candidate, champion, anchor, alpha=FIRST_LEVEL)
        assert (decision.outcome == "promote") == fast[0][run]
        assert decision.macro_f1.candidate == pytest.approx(macro_f1(fleet.candidate)[run])
        assert (decide(POLICY, candidate, champion, alpha=FIRST_LEVEL).outcome == "promote") == fast[1][run]


def test_the_first_level_is_the_ledgers():
    pool = {name: [str(number) for number in range(100)] for name in ("MM", "BCC", "benign")}
    assert next_use([], POLICY, pool, evaluated="rows", candidate="a").level == pytest.approx(FIRST_LEVEL)


def test_the_threshold_rule_is_mlflows():
    from mlflow.models import MetricThreshold
    from mlflow.models.evaluation import EvaluationResult
    from mlflow.models.evaluation.validation import ModelValidationFailedException, validate_evaluation_results

    fleet = update(25, 0.15, runs=40)
    thresholds = {c: MetricThreshold(threshold=floor, greater_is_better=True) for c, floor in POLICY.floors.items()}
    passed, found = above_thresholds(fleet), shares(fleet.candidate)
    assert 0 < passed.sum() < len(passed)
    for run in range(40):
        metrics = {code: float(found[code][run]) for code in thresholds}
        try:
            validate_evaluation_results(thresholds, EvaluationResult(metrics=metrics, artifacts={}))
            assert passed[run]
        except ModelValidationFailedException:
            assert not passed[run]
