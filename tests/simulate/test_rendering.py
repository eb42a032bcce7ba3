from __future__ import annotations

import time

import numpy as np
import pytest

from dermai.images.quality import luminance, measure
from dermai.simulate.appearance import TYPICAL, draw_traits
from dermai.simulate.population import simulate_population
from dermai.simulate.rendering import render
from dermai.simulate.scenario import Scenario


def pictures(count: int = 24, **knobs: object) -> np.ndarray:
    scenario = Scenario.model_validate({"source": "dermai", "scale": 0.02, "size": 96, **knobs})
    return np.stack([render(photograph, scenario)[0] for photograph in simulate_population(scenario)[:count]])


def mean_of(measure_name: str, **knobs: object) -> float:
    return float(np.mean([measure(picture)[measure_name] for picture in pictures(**knobs)]))


def test_darkness_blur_and_colour_cast_show_in_the_measures():
    assert mean_of("brightness", darkness=0.3) < 0.8 * mean_of("brightness")
    assert mean_of("sharpness", blur=2) < 0.3 * mean_of("sharpness")
    assert mean_of("blue", colour_cast=(1, 1, 0.7)) < 0.8 * mean_of("blue")


def test_lesions_of_a_class_are_alike_without_spread_and_atypical_ones():
    def traits(**knobs):
        rng = np.random.default_rng(1)
        return [draw_traits("MM", "MM", rng, **knobs) for _ in range(50)]

    assert set(traits(spread=0, atypical=0)) == {TYPICAL["MM"]}
    assert len(set(traits(spread=0, atypical=0.5))) > 10
    assert np.std([lesion.melanin for lesion in traits(spread=0.1, atypical=0)]) < 0.2 * TYPICAL["MM"].melanin


def test_dermoscopic_photographs_have_a_dark_rim():
    scenario = Scenario(source="edra", scale=0.02, size=96)
    rims = {"macroscopic": [], "dermoscopic": []}
    for photograph in simulate_population(scenario)[:20]:
        grey = luminance(render(photograph, scenario)[0])
        rims[photograph.view].append(grey[:4, :4].mean())
    assert max(rims["dermoscopic"]) < 40 < np.median(rims["macroscopic"])


def test_anatomical_photographs_show_a_smaller_lesion():
    scenario = Scenario(source="dermai", scale=0.2, size=96)
    shares = {"macroscopic": [], "anatomical": []}
    for photograph in simulate_population(scenario):
        if len(shares[photograph.view]) < 20:
            shares[photograph.view].append((render(photograph, scenario)[1] > 0).mean())
    assert np.median(shares["anatomical"]) < 0.5 * np.median(shares["macroscopic"])


def test_sources_look_different():
    looks = {source: np.array([mean_of(name, source=source) for name in ("contrast", "brightness")])
             for source in ("dermai", "edra", "dermofit")}  # fmt: skip
    assert np.abs(looks["edra"] - looks["dermai"]).max() > 5
    assert np.abs(looks["edra"] - looks["dermofit"]).max() > 5


@pytest.mark.parametrize("skin_type", [1, 6])
def test_lesions_are_visible_on_every_skin(skin_type):
    scenario = Scenario(source="dermofit", scale=0.02, size=96)
    photograph = next(p for p in simulate_population(scenario) if p.label == "BCC")
    changed = type(photograph)(**{**vars(photograph), "skin_type": skin_type})
    picture, mask = render(changed, scenario)
    inside, outside = picture[mask > 0].mean(axis=0), picture[mask == 0].mean(axis=0)
    assert np.abs(inside - outside).max() > 5


def test_photographs_are_drawn_fast_enough_for_large_simulations():
    scenario = Scenario(source="dermai", scale=0.05, size=160)
    photographs = simulate_population(scenario)[:40]
    started = time.process_time()
    for photograph in photographs:
        render(photograph, scenario)
    assert len(photographs) / (time.process_time() - started) > 30  # about 100 on an idle core
