"""Painting one lesion on skin from its traits, by absorption (melanin, blood) and scattering (keratin, scars)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dermai.simulate.appearance import Traits
from dermai.simulate.noise import dots, smooth_noise, strokes, wandering_path

MELANIN = np.array([0.62, 0.92, 1.15], dtype=np.float32)  # optical density per unit in red, green, blue
BLOOD = np.array([0.12, 0.85, 0.70], dtype=np.float32)
DEEP_MELANIN = np.array([0.95, 0.62, 0.28], dtype=np.float32)  # looks blue through the skin
KERATIN = np.array([0.93, 0.89, 0.82], dtype=np.float32)
CRUST = np.array([0.72, 0.52, 0.22], dtype=np.float32)
PEARL = np.array([0.97, 0.86, 0.84], dtype=np.float32)
CLOT = np.array([0.26, 0.06, 0.06], dtype=np.float32)
DOT = np.array([0.13, 0.08, 0.06], dtype=np.float32)
HARMONICS = 7
ANGLES = 256


@dataclass(frozen=True)
class Placement:
    """Where a lesion stands in the frame: centre and radius in pixels, rotation in radians, relief lit or not."""

    x: float
    y: float
    radius: float
    rotation: float
    gloss: float = 1.0  # shading of domes and relief; polarised light takes it away
    structure: float = 1.0  # how clearly network, vessels and dots are seen


def paint_lesion(skin: np.ndarray, traits: Traits, place: Placement, rng: np.random.Generator) -> np.ndarray:
    """Paint a lesion, in place, and return its mask.

    Shapes: skin float32 [size, size, 3], 0 to 1; mask float32 [size, size], 0 to 1.
    """
    mask = _paint_body(skin, traits, place, rng)
    for _ in range(round(traits.satellites)):
        angle, distance = rng.uniform(0, 2 * np.pi), place.radius * rng.uniform(1.5, 3.2)
        beside = Placement(
            place.x + distance * np.cos(angle), place.y + distance * np.sin(angle),
            place.radius * rng.uniform(0.4, 0.8), angle, place.gloss, place.structure,
        )  # fmt: skip
        mask = np.maximum(mask, _paint_body(skin, traits, beside, rng))
    return mask


def _paint_body(frame: np.ndarray, traits: Traits, place: Placement, rng: np.random.Generator) -> np.ndarray:
    size = frame.shape[0]
    whole = np.zeros((size, size), dtype=np.float32)
    reach = place.radius * (1.35 + 2.2 * traits.irregularity + traits.elongation) + 3
    left, right, top, bottom = (
        int(np.clip(edge, 0, size)) for edge in (place.x - reach, place.x + reach, place.y - reach, place.y + reach)
    )
    if right <= left or bottom <= top:
        return whole
    region = np.s_[top:bottom, left:right]  # all arrays below cover this part of the frame only
    shape = (bottom - top, right - left)

    def noise(cells: float) -> np.ndarray:  # cells a lesion's diameter
        side = max(shape)
        return smooth_noise(side, cells * side / (2 * place.radius), rng)[: shape[0], : shape[1]]

    x = ((np.arange(left, right, dtype=np.float32) - place.x) / place.radius).astype(np.float32)[None, :]
    y = ((np.arange(top, bottom, dtype=np.float32) - place.y) / place.radius).astype(np.float32)[:, None]
    cos, sin = np.float32(np.cos(place.rotation)), np.float32(np.sin(place.rotation))
    u = x * cos + y * sin
    v = (y * cos - x * sin) * np.float32(1 + traits.elongation)
    depth = _depth(u, v, traits, rng)  # 1 at the centre, 0 at the border, negative outside
    edge = np.float32(max(traits.softness, 1.0 / place.radius))
    mask = np.clip(0.5 + depth / edge, 0, 1)
    mask = mask * mask * (3 - 2 * mask)
    inside = np.clip(depth, 0, 1)

    patches = noise(3.5)
    grain = noise(traits.grain)
    slope = u * np.float32(np.cos(1.1)) + v * np.float32(np.sin(1.1))
    melanin = traits.melanin * (1 + traits.variegation * patches + 0.7 * traits.asymmetry * slope)
    melanin = melanin + traits.network * place.structure * _network(u, v, place.radius, rng)
    melanin = melanin * (1 - 0.85 * np.clip(traits.centre * (1 - 3.5 * (1 - inside)), 0, 1))
    blood = traits.blood * (1 + 0.8 * traits.variegation * noise(3))
    veil = traits.blue * np.clip(noise(2.5) + 0.3 * inside, 0, 1.5)
    if traits.lacunae > 0.1:
        blood = blood * (1 + traits.lacunae * np.clip(noise(5), -0.8, 1.2))
    densities = np.maximum(melanin, 0)[..., None] * MELANIN + np.maximum(blood, 0)[..., None] * BLOOD
    densities += veil[..., None] * DEEP_MELANIN
    colour = frame[region] * np.exp(-mask[..., None] * densities)

    def cover(coverage: np.ndarray, pigment: np.ndarray) -> None:
        share = np.clip(coverage * mask, 0, 0.95)[..., None]
        np.add(colour, share * (pigment - colour), out=colour)

    if traits.pearl > 0.03:
        cover(traits.pearl * (0.25 + 0.75 * np.exp(-(((inside - 0.15) / 0.14) ** 2))), PEARL)
    if traits.keratin > 0.03:
        cover(traits.keratin * np.clip(0.5 + 0.5 * grain, 0, 1.4), KERATIN)
    if traits.crust > 0.03:
        cover(traits.crust * np.clip(0.9 * patches + 1.3 * inside - 0.2, 0, 1.2), CRUST)
    if traits.centre > 0.05:
        cover(0.6 * traits.centre * np.clip(1 - 3.0 * (1 - inside), 0, 1), KERATIN)
    if traits.ulcer > 0.05:
        cover(1.4 * traits.ulcer * np.clip((inside - 0.55 + 0.15 * patches) * 4, 0, 1), CLOT)
    if round(traits.vessels):
        cover(0.75 * place.structure * _vessels(size, place, round(traits.vessels), rng)[region], CLOT + 0.25)
    for count, pigment, share in ((traits.dark_dots, DOT, 0.8), (traits.white_dots, KERATIN, 0.7)):
        if round(count):
            cover(share * place.structure * _scattered(size, place, round(count), rng)[region], pigment)

    light = place.gloss * (traits.dome * mask * (-0.30 * x - 0.34 * y) + 0.10 * traits.relief * mask * grain)
    shadow = np.clip(mask[:-3, :-3] - mask[3:, 3:], 0, 1)
    light[3:, 3:] -= 0.28 * place.gloss * traits.dome * shadow
    colour *= 1 + light[..., None]
    if traits.dome > 0.3 and place.gloss > 0.2:
        shine = np.exp(-((x + 0.32) ** 2 + (y + 0.36) ** 2) * 22)
        colour += (0.4 * place.gloss * min(traits.dome, 1.0) * shine * mask)[..., None]
    frame[region] = colour
    whole[region] = mask
    return whole


def _depth(u: np.ndarray, v: np.ndarray, traits: Traits, rng: np.random.Generator) -> np.ndarray:
    """Signed depth inside an irregular closed border; float32 [size, size]."""
    orders = np.arange(2, 2 + HARMONICS)
    amplitudes = traits.irregularity * rng.standard_normal(HARMONICS) * 2 / orders
    amplitudes[0] += 0.25 * traits.asymmetry * traits.irregularity
    phases = rng.uniform(0, 2 * np.pi, HARMONICS)
    angles = np.linspace(-np.pi, np.pi, ANGLES, endpoint=False)
    border = 1 + (amplitudes * np.cos(angles[:, None] * orders + phases)).sum(axis=1)
    border = np.clip(border, 0.4, 1.8).astype(np.float32)
    sector = ((np.arctan2(v, u) + np.float32(np.pi)) * np.float32(ANGLES / (2 * np.pi))).astype(np.intp) % ANGLES
    return 1 - np.sqrt(u * u + v * v) / border[sector]


def _network(u: np.ndarray, v: np.ndarray, radius: float, rng: np.random.Generator) -> np.ndarray:
    """Warped honeycomb-like grid of pigment lines, about -1 to 1; as fine as the pixels allow."""
    frequency = np.float32(min(rng.uniform(8, 12), radius / 1.2))
    phase = rng.uniform(0, 2 * np.pi, 2).astype(np.float32)
    warp = 0.25 * np.sin(3 * u + phase[0])
    return np.abs(np.sin(frequency * (u + warp) + phase[0]) * np.sin(frequency * (v - warp) + phase[1])) * -2 + 0.8


def _vessels(size: int, place: Placement, count: int, rng: np.random.Generator) -> np.ndarray:
    """Arborising vessels: winding trunks, each with a branch."""
    centre, paths = np.array([place.x, place.y]), []
    for _ in range(count):
        angle = rng.uniform(0, 2 * np.pi)
        start = centre + place.radius * 0.9 * np.array([np.cos(angle), np.sin(angle)])
        trunk = wandering_path(start, angle + np.pi, place.radius / 6, 8, 0.45, rng)
        paths += [trunk, wandering_path(trunk[3], angle + np.pi + 0.9, place.radius / 8, 4, 0.4, rng)]
    return strokes(size, paths, width=max(1, round(place.radius / 22)))


def _scattered(size: int, place: Placement, count: int, rng: np.random.Generator) -> np.ndarray:
    """Dots scattered over the lesion."""
    angles, distances = rng.uniform(0, 2 * np.pi, count), place.radius * 0.85 * np.sqrt(rng.random(count))
    centres = np.array([place.x, place.y]) + distances[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return dots(size, centres, place.radius * rng.uniform(0.035, 0.08, count))
