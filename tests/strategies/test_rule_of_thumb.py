"""Which shared categories are merged and which are trained on before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dermai.config import CompareParams
from dermai.strategies.rule_of_thumb import judge_categories, mean_distance
from tests.strategies.three_sources import three_sources


def test_the_distance_of_two_samples_of_one_population_is_about_none() -> None:
    random = np.random.default_rng(0)
    same = [mean_distance(random.normal(size=(20, 50)), random.normal(size=(30, 50))) for _ in range(50)]
    apart = mean_distance(random.normal(size=(20, 50)), random.normal(size=(30, 50)) + 1)
    assert np.mean(same) < 0.7
    assert apart == pytest.approx(np.sqrt(50), rel=0.1)


def test_a_category_that_looks_different_is_merged_and_a_small_one_that_looks_alike_is_chained(tmp_path: Path) -> None:
    cases = three_sources(tmp_path)
    rows = cases.set_index("image")
    centres = {"Nev": 0.0, "BCC": 4.0, "MM": 8.0, "SebKer": 0.0}

    def embed(images: Sequence[str]) -> np.ndarray:
        """One dimension that tells the classes apart, one that moves EDRA's melanomas far away, and noise."""
        random = np.random.default_rng(1)
        far = [rows.loc[image, "source"] == "edra" and rows.loc[image, "diagnosis"] == "MM" for image in images]
        features = np.array([[centres[rows.loc[i, "diagnosis"]], 30.0 * f] for i, f in zip(images, far, strict=True)])
        return features + random.normal(0, 0.2, features.shape)

    verdicts = judge_categories(cases, ["edra", "dermofit"], CompareParams(small_category=5), embed)
    found = {(verdict.source, verdict.category): (verdict.merge, verdict.reason) for verdict in verdicts}
    assert set(found) == {("edra", "Nev"), ("edra", "MM"), ("dermofit", "BCC"), ("dermofit", "Nev")}
    assert found[("edra", "MM")] == (True, "looks different")
    assert found[("edra", "Nev")][0]  # alike, but the target has 6
    chained = judge_categories(cases, ["dermofit"], CompareParams(small_category=60), embed)
    assert not any(verdict.merge for verdict in chained)
