"""One simulated photograph as pixels: skin, surroundings, lesion, hairs, camera."""

from __future__ import annotations

import numpy as np

from dermai.simulate.appearance import draw_traits
from dermai.simulate.camera import take
from dermai.simulate.lesions import Placement, paint_lesion
from dermai.simulate.noise import smooth_noise
from dermai.simulate.population import Photograph, generator
from dermai.simulate.scenario import Scenario
from dermai.simulate.skin import bare_skin, hairs

LARGEST_SHARE = 0.46  # of the frame's side, a lesion's radius
HAIRY = ("scalp", "chest", "arm", "leg", "back")


def render(photograph: Photograph, scenario: Scenario) -> tuple[np.ndarray, np.ndarray]:
    """A photograph, uint8 [size, size, 3], and the mask of its lesion, uint8 [size, size], 0 or 255.

    A lesion keeps its traits and border in all its photographs; light, distance and camera differ.
    """
    size = scenario.size
    lesion_rng = generator(scenario, 1, photograph.lesion_number)
    rng = generator(scenario, 2, photograph.lesion_number, photograph.number)
    traits = draw_traits(photograph.label, photograph.code, lesion_rng, scenario.spread, scenario.atypical)
    scene = bare_skin(size, photograph.skin_type, rng)
    place = _placement(traits.radius, photograph.view, scenario, rng)
    if photograph.view == "anatomical":
        _add_surroundings(scene, place, rng)
    mask = paint_lesion(scene, traits, place, lesion_rng)
    hairy = photograph.body_site in HAIRY and photograph.view != "anatomical"
    count = int(rng.poisson(6.0 if hairy else 0.8))
    if count:
        coverage = hairs(size, count, rng)[..., None]
        scene *= 1 - 0.65 * coverage
    picture = take(scene, photograph.device if photograph.view != "macroscopic" or scenario.source != "edra"
                   else "simulated clinic camera", photograph.view, scenario, rng)  # fmt: skip
    return picture, np.where(mask > 0.5, 255, 0).astype(np.uint8)


def _placement(radius: float, view: str, scenario: Scenario, rng: np.random.Generator) -> Placement:
    """Distance and aim by view: close, from afar, through a dermatoscope, or on Dermofit's bench."""
    zoom, wander, gloss, structure = {
        "macroscopic": (rng.uniform(0.75, 1.25), 0.07, 1.0, 0.8),
        "anatomical": (rng.uniform(0.28, 0.5), 0.14, 0.9, 0.5),
        "dermoscopic": (rng.uniform(1.3, 1.7), 0.04, 0.15, 1.3),
    }[view]
    if scenario.source == "dermofit":
        zoom, wander, gloss = rng.uniform(1.2, 1.5), 0.03, 0.6
    x, y = scenario.size * (0.5 + wander * rng.standard_normal(2))
    reach = float(np.clip(radius * zoom, 0.03, LARGEST_SHARE)) * scenario.size
    return Placement(float(x), float(y), reach, float(rng.uniform(0, 2 * np.pi)), gloss, structure)


def _add_surroundings(scene: np.ndarray, place: Placement, rng: np.random.Generator) -> None:
    """The limb's or face's outline against a room, and broad shading, in place."""
    size = scene.shape[0]
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    across = np.cos(angle) * axis[None, :] + np.sin(angle) * axis[:, None]
    aim = (np.cos(angle) * place.x + np.sin(angle) * place.y) * 2 / size - np.cos(angle) - np.sin(angle)
    edge = max(rng.uniform(0.35, 0.9), aim + 2.6 * place.radius * 2 / size)
    outline = across + 0.05 * smooth_noise(size, 4, rng)
    scene *= (1 - 0.35 * np.clip((outline - edge + 0.5) / 0.5, 0, 1) ** 2)[..., None]
    room = rng.uniform(0.15, 0.85) + rng.uniform(-0.12, 0.12, 3)
    share = np.clip((outline - edge) * 25, 0, 1)[..., None].astype(np.float32)
    scene += share * (room.astype(np.float32) - scene)
