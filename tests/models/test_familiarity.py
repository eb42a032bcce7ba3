"""What is unlike the learnt photographs is noticed, and what is like them is rarely taken for it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dermai.data.cases import photograph_path
from dermai.errors import PackageTampered
from dermai.models.familiarity import FEWEST, Familiarity, fit_familiarity
from dermai.models.learnt_photographs import familiarity_of
from dermai.models.package import ModelPackage
from dermai.models.reference_backbone import APPEARANCE, kept_appearance
from tests.packages import make_package

WIDTH = 60


def drawn(seed, count, centre=0.0):
    """Photographs' features: correlated, some directions wider than others."""
    generator = np.random.default_rng(seed)
    mixing = np.random.default_rng(7).normal(0, 1, (WIDTH, WIDTH)) * np.linspace(3, 0.1, WIDTH)[:, None]
    return generator.normal(0, 1, (count, WIDTH)) @ mixing + centre


def people(count):
    return [f"patient {number}" for number in range(count)]


def fitted(seed=0, count=600, false_flags=0.02):
    return fit_familiarity(
        drawn(seed, count), ["phone"] * count, people(count), false_flags, ["macroscopic"], ["Porto"]
    )


@pytest.mark.parametrize("false_flags", [0.02, 0.1])
def test_new_photographs_of_the_same_kind_are_flagged_no_more_often_than_stated(false_flags):
    shares = [fitted(seed, 500, false_flags).unfamiliar(drawn(seed + 100, 1000)).mean() for seed in range(12)]
    error = np.std(shares) / np.sqrt(len(shares))
    assert np.mean(shares) <= false_flags + 3 * error


def test_photographs_of_another_kind_are_flagged():
    assert fitted().unfamiliar(drawn(5, 200, centre=4.0)).mean() > 0.95


def test_a_photograph_that_is_like_one_of_the_learnt_groups_is_familiar():
    features = np.concatenate([drawn(1, 300), drawn(2, 300, centre=30.0)])
    both = fit_familiarity(features, ["a"] * 300 + ["b"] * 300, people(600), 0.02)
    assert len(both.groups) == 2
    assert both.unfamiliar(drawn(3, 300)).mean() < 0.06
    assert both.unfamiliar(drawn(4, 300, centre=30.0)).mean() < 0.06
    assert both.unfamiliar(drawn(5, 300, centre=15.0)).mean() > 0.95


def test_groups_of_few_photographs_are_put_together():
    names = [f"source {number % 10}" for number in range(100)]
    found = fit_familiarity(drawn(0, 100), names, people(100), 0.02)
    assert [group.name for group in found.groups] == ["others"]


def test_too_few_photographs_or_patients_say_nothing():
    count = FEWEST - 1
    assert fit_familiarity(drawn(0, count), ["a"] * count, people(count), 0.02) is None
    assert fit_familiarity(drawn(0, 100), ["a"] * 100, ["one patient"] * 100, 0.02) is None


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), count=st.integers(FEWEST, 120))
def test_the_same_photographs_give_the_same_bytes_in_any_order_of_reading(seed, count):
    found = fitted(seed, count)
    again = Familiarity.from_bytes(found.to_bytes())
    assert again.to_bytes() == found.to_bytes()
    assert (again.views, again.sites, again.false_flags) == (("macroscopic",), ("Porto",), 0.02)
    new = drawn(seed + 1, 50)
    assert (again.unfamiliar(new) == found.unfamiliar(new)).all()


def test_it_keeps_no_single_photograph():
    features = drawn(0, 200)
    kept = np.concatenate([np.vstack([group.mean, group.directions]) for group in fitted(0, 200).groups])
    nearest = np.abs(kept[:, None, :] - features[None, :, :]).max(axis=2).min()
    assert nearest > 0.5


def test_a_package_keeps_it_as_a_file_checked_by_its_hash(tmp_path):
    plain, made = make_package(), make_package().with_familiarity(fitted())
    assert "familiarity.safetensors" not in plain.files
    folder = made.save(tmp_path / "package")
    loaded = ModelPackage.load(folder)
    assert b'"format": 5' in made.files["model.json"]
    assert loaded.sha256 == made.sha256 != plain.sha256
    assert loaded.familiarity.to_bytes() == made.familiarity.to_bytes()
    assert replace(loaded, familiarity=None).sha256 == plain.sha256
    (folder / "familiarity.safetensors").write_bytes(fitted(seed=1).to_bytes())
    with pytest.raises(PackageTampered, match="does not match"):
        ModelPackage.load(folder)
    (folder / "familiarity.safetensors").unlink()
    with pytest.raises(PackageTampered, match="is missing"):
        ModelPackage.load(folder)


def test_the_learnt_photographs_of_a_dataset_are_summarised_without_its_test_patients(tmp_path):
    count = 90
    splits = ["train"] * 50 + ["validation"] * 20 + ["test"] * 20
    cases = pd.DataFrame(
        {"image": [f"{n:064x}" for n in range(count)], "patient_id": people(count), "split": splits,
         "source": "dermai", "view": "macroscopic", "site": ["Porto"] * 70 + ["Faro"] * 20}
    )  # fmt: skip
    for image in cases["image"]:
        path = photograph_path(tmp_path, image)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"measured already")
    kept = kept_appearance(tmp_path / "cache")
    values = np.random.default_rng(0).normal(0, 1, (70, sum(APPEARANCE))).astype(np.float32)
    kept.append(list(cases["image"][:70]), values)  # a test patient's photograph would have to be measured, and fail
    found = familiarity_of(cases, cases, tmp_path, tmp_path / "cache", 0.02)
    assert (found.views, found.sites) == (("macroscopic",), ("Porto",))
    assert np.concatenate([part.mean for part in found.groups]) == pytest.approx(values.mean(axis=0), abs=1e-5)
    fewer = cases[cases["split"] != "train"]
    assert familiarity_of(cases, fewer, tmp_path, tmp_path / "cache", 0.02) is None, (
        "withdrawn photographs are left out"
    )


@pytest.mark.parametrize("false_flags", [0.02, 0.1])
def test_photographs_measured_in_parts_are_flagged_no_more_often_either(false_flags):
    shares = [
        fit_familiarity(drawn(seed, 500), ["a"] * 500, people(500), false_flags, parts=(2, WIDTH - 2))
        .unfamiliar(drawn(seed + 100, 1000))
        .mean()
        for seed in range(12)
    ]
    assert np.mean(shares) == pytest.approx(false_flags, abs=0.6 * false_flags)


def test_a_photograph_far_in_one_part_is_unlike_and_each_part_counts_alike():
    found = fit_familiarity(drawn(0, 600), ["a"] * 600, people(600), 0.02, parts=(2, WIDTH - 2))
    photographs = drawn(1, 3)
    photographs[1, 0] += 1000
    photographs[2, -1] += 1000
    assert list(found.unfamiliar(photographs)[1:]) == [True, True]
    assert (found.width, [part.first for part in found.groups]) == (WIDTH, [0, 2])
    beyond = [(part.distances(drawn(2, 4000)) > part.threshold).mean() for part in found.groups]
    assert beyond[0] == pytest.approx(beyond[1], abs=0.015)
    again = Familiarity.from_bytes(found.to_bytes())
    assert np.array_equal(again.unfamiliar(photographs), found.unfamiliar(photographs))
