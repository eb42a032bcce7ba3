"""A fine-tuned network's scores: of a class that it does not know the head decides."""

from __future__ import annotations

import numpy as np
import pytest

from dermai.models.fine_tuned import FineTunedNetwork, FineTunedNetworks

CLASSES = ("Nev", "BCC", "MM")
HEAD = np.random.default_rng(0).normal(0, 2, (5, 3))


def probabilities(scores: np.ndarray) -> np.ndarray:
    found = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def test_a_class_that_it_has_not_learnt_has_the_heads_probability_and_the_others_share_the_rest() -> None:
    logits = np.random.default_rng(1).normal(0, 2, (5, 2))
    found = np.exp(FineTunedNetwork({}, ("BCC", "Nev"), {}).scores(logits, CLASSES, HEAD))
    assert found.sum(axis=1) == pytest.approx(np.ones(5))
    assert found[:, 2] == pytest.approx(probabilities(HEAD)[:, 2])
    assert found[:, 0] / found[:, 1] == pytest.approx(np.exp(logits[:, 1] - logits[:, 0]))


def test_one_that_knows_all_classes_asks_no_head() -> None:
    logits = np.random.default_rng(1).normal(0, 2, (5, 3))
    found = FineTunedNetwork({}, ("MM", "Nev", "BCC"), {}).scores(logits, CLASSES, HEAD)
    assert np.exp(found) == pytest.approx(probabilities(logits[:, [1, 2, 0]]))


def test_what_each_has_learnt_is_told_by_name() -> None:
    deployed = FineTunedNetwork({}, CLASSES, {"a": "Nev", "b": "MM"})
    found = FineTunedNetworks("whole", deployed, {1: FineTunedNetwork({}, CLASSES, {"b": "MM"})}).what_was_learnt(
        "net", 64, "nearest"
    )
    assert found.learnt == {"deployed": {"a": "Nev", "b": "MM"}, "1": {"b": "MM"}}
    assert found.form == {"backbone": "net", "image_size": 64, "interpolation": "nearest"}
