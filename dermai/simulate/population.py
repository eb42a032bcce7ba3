"""Simulated patients, their lesions and the photographs taken of them: everything but the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from dermai.simulate.appearance import SUBTYPES
from dermai.simulate.frequencies import DERMAI, DERMOFIT, EDRA, FEWEST, scaled
from dermai.simulate.scenario import SOURCE_NUMBERS, Scenario
from dermai.taxonomy import load_taxonomy

AGES = {  # mean years; the standard deviation is AGE_SPREAD
    "SebKer": 65, "ActKer": 72, "Nev": 40, "MolCont": 14, "Haem": 50, "UncNeop": 60, "Drmfib": 45, "SLent": 64,
    "PenFib": 50, "VWart": 26, "OtMalNeop": 74, "BCC": 70, "MM": 62,
}  # fmt: skip
AGE_SPREAD = 13.0
OLDEST = 98
SKIN_TYPE_SHARES = (0.08, 0.36, 0.34, 0.14, 0.05, 0.03)
CENTRES = ("simulated centre A", "simulated centre B", "simulated centre C", "simulated centre D")
CENTRE_SHARES = (0.4, 0.3, 0.2, 0.1)
BODY_SITES = ("face", "scalp", "neck", "chest", "back", "abdomen", "arm", "hand", "leg", "foot")
PHOTOGRAPHS_PER_LESION = (0.55, 0.33, 0.12)  # shares of lesions with one, two, three
SECOND_LESION_SHARE = 0.18
UNKNOWN_SHARE = 0.08  # of ages, skin types and body sites


@dataclass(frozen=True)
class Photograph:
    """One photograph to be made, with the clinical columns that go beside it."""

    label: str
    code: str | None
    patient: str
    lesion: str
    lesion_number: int
    number: int  # of the lesion's photographs
    view: str
    age: int | None
    sex: str
    skin_type: int
    skin_type_known: bool
    body_site: str
    site: str
    device: str
    acquired_on: str


def generator(scenario: Scenario, *parts: int) -> np.random.Generator:
    """Random numbers that depend on source, seed, arrival and the named part alone."""
    return np.random.default_rng([SOURCE_NUMBERS[scenario.source], scenario.seed, scenario.arrival, *parts])


def simulate_population(scenario: Scenario) -> list[Photograph]:
    """All photographs of an arrival, patient by patient, with the paper's frequencies at the scenario's scale."""
    rng = generator(scenario, 0)
    lesions = [
        (label, views, _age(label, scenario, rng))
        for label, views in _lesion_views(scenario, rng)
    ]  # fmt: skip
    lesions = [lesions[i] for i in rng.permutation(len(lesions))]
    patients = _patients(lesions, scenario, rng)
    order = rng.permutation(len(patients))
    photographs: list[Photograph] = []
    number = 0
    for turn, index in enumerate(order):
        members = [lesions[i] for i in patients[index]]
        patient = f"{scenario.stem}P{turn + 1:05d}"
        site = _site(scenario, rng)
        acquired = scenario.start + timedelta(days=90 * (scenario.arrival - 1) + round(85 * turn / len(order)))
        age = members[0][2] if rng.random() >= UNKNOWN_SHARE else None
        sex = ("female", "male")[int(rng.integers(2))]
        skin_type = 1 + int(rng.choice(6, p=SKIN_TYPE_SHARES))
        skin_type_known = bool(rng.random() >= UNKNOWN_SHARE)
        device = _device(scenario, site, rng)
        for label, views, _ in members:
            number += 1
            code = load_taxonomy().sources[scenario.source].get(label)
            lesion = f"{scenario.stem}L{number:05d}"
            body_site = str(rng.choice(BODY_SITES)) if rng.random() >= UNKNOWN_SHARE else ""
            photographs += [
                Photograph(
                    label, code, patient, lesion, number, i, view, age, sex, skin_type, skin_type_known,
                    body_site, site, device, acquired.isoformat(),
                )
                for i, view in enumerate(views)
            ]  # fmt: skip
    return photographs


def _lesion_views(scenario: Scenario, rng: np.random.Generator) -> list[tuple[str, list[str]]]:
    """Label and views of each lesion's photographs."""
    sources = load_taxonomy().sources[scenario.source]
    if scenario.source == "edra":  # each case in both views, as published
        table, views = EDRA, ["macroscopic", "dermoscopic"]
    elif scenario.source == "dermofit":
        table, views = DERMOFIT, ["macroscopic"]
    else:
        table = {}
    lesions: list[tuple[str, list[str]]] = []
    for label, count in table.items():
        number = scaled(count, scenario.scale, scenario.multiplier(label, sources.get(label)))
        lesions += [(label, views)] * number
    if scenario.source == "dermai":
        for label, (macroscopic, anatomical) in DERMAI.items():
            number = scaled(macroscopic + anatomical, scenario.scale, scenario.multiplier(label, label))
            wide = round(number * anatomical / (macroscopic + anatomical))
            shots = ["anatomical"] * wide + ["macroscopic"] * (number - wide)
            lesions += _grouped(label, [shots[i] for i in rng.permutation(number)], rng)
    if scenario.new_class:
        total = sum(len(views) for _, views in lesions)
        count = max(FEWEST, round(scenario.new_class_share * total / len(lesions[0][1])))
        lesions += [(scenario.new_class, lesions[0][1][:1] if scenario.source == "dermai" else views)] * count
    return lesions


def _grouped(label: str, shots: list[str], rng: np.random.Generator) -> list[tuple[str, list[str]]]:
    """Share photographs out to lesions of one to three, at least two lesions."""
    groups: list[tuple[str, list[str]]] = []
    while shots:
        most = len(shots) - (FEWEST - 1 - len(groups)) if len(groups) < FEWEST - 1 else len(shots)
        taken = min(1 + int(rng.choice(3, p=PHOTOGRAPHS_PER_LESION)), most)
        groups.append((label, shots[:taken]))
        shots = shots[taken:]
    return groups


def _patients(lesions: list[tuple[str, list[str], int]], scenario: Scenario,
              rng: np.random.Generator) -> list[list[int]]:  # fmt: skip
    """Lesions of each patient; lesions of one patient have different diagnoses and similar ages."""
    if scenario.source != "dermai":  # EDRA and Dermofit know no patients
        return [[i] for i in range(len(lesions))]
    patients: list[list[int]] = []
    for index in np.argsort([age for *_, age in lesions], kind="stable"):
        joins = bool(patients) and rng.random() < SECOND_LESION_SHARE
        if joins and lesions[index][0] not in {lesions[i][0] for i in patients[-1]}:
            patients[-1].append(int(index))
        else:
            patients.append([int(index)])
    return patients


def _age(label: str, scenario: Scenario, rng: np.random.Generator) -> int:
    code = load_taxonomy().sources[scenario.source].get(label) or SUBTYPES.get(label, ("UncNeop", {}))[0]
    age = AGES[code] + AGE_SPREAD * rng.standard_normal() + scenario.age_shift
    return int(np.clip(round(age), 1, OLDEST))


def _site(scenario: Scenario, rng: np.random.Generator) -> str:
    if scenario.site:
        return scenario.site if scenario.site.startswith("simulated") else f"simulated {scenario.site}"
    if scenario.source == "dermai":
        return CENTRES[int(rng.choice(4, p=CENTRE_SHARES))]
    return f"simulated {scenario.source}"


def _device(scenario: Scenario, site: str, rng: np.random.Generator) -> str:
    """A centre mostly uses one phone; a named site has its own."""
    if scenario.source == "edra":
        return "simulated dermatoscope"
    if scenario.source == "dermofit":
        return "simulated camera"
    if scenario.site:
        return f"simulated phone of {site.removeprefix('simulated ')}"
    letter = site[-1] if rng.random() < 0.8 else str(rng.choice(list("ABCD")))
    return f"simulated phone {letter}"
