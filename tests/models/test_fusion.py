"""Fusion: an opinion counts as far as it is right, and a class's bias follows what was held out."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dermai.models.fusion import Fusions, PartScores, choose_fusion, choose_fusions


def scored(labels: np.ndarray, sureness: float, seed: int) -> np.ndarray:
    """Log-probabilities [N, 3] that point to the truth by `sureness`."""
    scores = np.random.default_rng(seed).normal(0, 1, (len(labels), 3))
    scores[np.arange(len(labels)), labels] += sureness
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


LABELS = np.random.default_rng(0).integers(0, 3, 1500)


def test_noise_gets_no_say_and_a_good_opinion_much() -> None:
    photograph = scored(LABELS, 2.0, 1)
    noise = choose_fusion(PartScores(photograph, scored(LABELS, 0.0, 2)), LABELS)
    good = choose_fusion(PartScores(photograph, scored(LABELS, 2.0, 3)), LABELS)
    assert noise.clinical < 0.1
    assert good.clinical == pytest.approx(good.photograph, rel=0.2)
    assert good.photograph > 1


def test_an_opinion_that_misleads_gets_no_negative_weight() -> None:
    assert choose_fusion(PartScores(scored(LABELS, 2.0, 1), -scored(LABELS, 2.0, 2)), LABELS).clinical == 0


def test_a_bias_takes_back_what_held_out_answers_lean_to() -> None:
    leaning = scored(LABELS, 2.0, 1) + np.array([1.5, 0.0, 0.0])
    biases = choose_fusion(PartScores(leaning, np.zeros_like(leaning)), LABELS).biases
    assert biases[0] < min(biases[1:]) - 1


def test_few_cases_move_the_biases_little() -> None:
    leaning = scored(LABELS, 2.0, 1) + np.array([1.5, 0.0, 0.0])
    few = choose_fusion(PartScores(leaning[:6], np.zeros((6, 3))), LABELS[:6]).biases
    assert np.abs(few).max() < 0.2


def test_without_cases_both_count_once() -> None:
    fusion = choose_fusion(PartScores(np.zeros((0, 3)), np.zeros((0, 3))), np.zeros(0, dtype=int))
    assert (fusion.photograph, fusion.clinical, fusion.biases) == (1, 1, (0, 0, 0))


def test_a_class_that_is_not_known_chooses_nothing() -> None:
    photograph = scored(LABELS, 2.0, 1)
    unknown = np.where(np.arange(len(LABELS)) % 2, LABELS, -1)
    half = choose_fusion(PartScores(photograph, np.zeros_like(photograph)), unknown)
    kept = unknown >= 0
    assert half == choose_fusion(PartScores(photograph[kept], np.zeros((kept.sum(), 3))), LABELS[kept])


def test_a_case_of_which_no_column_is_known_is_left_to_its_photograph() -> None:
    photograph, opinion = scored(LABELS, 1.0, 1), scored(LABELS, 3.0, 2)
    opinion[::2] = 0
    fusions = choose_fusions(PartScores(photograph, opinion), LABELS)
    answers = fusions.scores(PartScores(photograph, opinion))
    assert answers[::2] == pytest.approx(fusions.alone.scores(PartScores(photograph, np.zeros_like(opinion)))[::2])
    assert answers[1::2] == pytest.approx(fusions.together.scores(PartScores(photograph, opinion))[1::2])


def test_a_fine_tuned_network_is_a_part_like_the_others_and_is_kept_as_json_keeps_it() -> None:
    photograph, opinion, network = (scored(LABELS, 2.0, seed) for seed in (1, 2, 3))
    opinion[::2] = 0.0
    plain = choose_fusions(PartScores(photograph, opinion), LABELS)
    three = choose_fusions(PartScores(photograph, opinion, network), LABELS)
    assert three.alone.fine_tuned == pytest.approx(three.alone.photograph, rel=0.2)
    assert "fine_tuned" not in plain.values()["alone"]
    assert Fusions.of(json.loads(json.dumps(three.values()))) == three
    assert Fusions.of(json.loads(json.dumps(plain.values()))) == plain
    right = [
        (fusions.scores(answers).argmax(axis=1) == LABELS).mean()
        for fusions, answers in (
            (plain, PartScores(photograph, opinion)),
            (three, PartScores(photograph, opinion, network)),
        )
    ]
    assert right[1] > right[0]
