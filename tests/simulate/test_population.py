from __future__ import annotations

from collections import Counter

import pytest

from dermai.simulate.frequencies import DERMAI, DERMOFIT, EDRA
from dermai.simulate.population import simulate_population
from dermai.simulate.scenario import Scenario
from dermai.taxonomy import load_taxonomy


def counts(scenario: Scenario) -> Counter[str]:
    return Counter(photograph.label for photograph in simulate_population(scenario))


def test_tables_add_up_to_the_papers_totals():
    assert sum(map(sum, DERMAI.values())) == 3430
    assert [sum(column) for column in zip(*DERMAI.values(), strict=True)] == [3134, 296]
    assert sum(DERMOFIT.values()) == 1300
    pooled: Counter[str | None] = Counter()
    for label, count in EDRA.items():
        pooled[load_taxonomy().sources["edra"][label]] += count
    assert (pooled["Nev"], pooled["MM"], pooled["BCC"], pooled["SebKer"]) == (575, 252, 42, 45)
    assert sum(pooled[code] for code in ("Drmfib", "SLent", "Haem", None)) == 97  # the paper's Miscellaneous


def test_dermai_has_the_papers_class_and_view_frequencies():
    photographs = simulate_population(Scenario(source="dermai", scale=1.0))
    found = Counter((photograph.label, photograph.view) for photograph in photographs)
    assert found == {
        (label, view): number
        for label, numbers in DERMAI.items()
        for view, number in zip(("macroscopic", "anatomical"), numbers, strict=True)
    }


@pytest.mark.parametrize(("source", "table", "photographs_per_case"), [("edra", EDRA, 2), ("dermofit", DERMOFIT, 1)])
def test_public_sources_have_the_papers_frequencies(source, table, photographs_per_case):
    found = counts(Scenario(source=source, scale=1.0))
    assert found == {label: max(2, number) * photographs_per_case for label, number in table.items()}


@pytest.mark.parametrize("source", ["dermai", "edra", "dermofit"])
def test_every_diagnosis_has_two_patients_even_at_the_smallest_scale(source):
    photographs = simulate_population(Scenario(source=source, scale=0.001))
    patients = Counter(label for label, _ in {(p.label, p.patient) for p in photographs})
    assert min(patients.values()) == 2


def test_patients_of_two_arrivals_are_disjoint():
    first, second = (
        {
            photograph.patient
            for photograph in simulate_population(Scenario(source="dermai", scale=0.1, arrival=arrival))
        }
        for arrival in (1, 2)
    )
    assert first.isdisjoint(second)


def test_a_lesion_has_one_patient_one_label_and_at_most_three_photographs():
    photographs = simulate_population(Scenario(source="dermai", scale=0.3))
    assert len({(p.lesion, p.patient, p.label) for p in photographs}) == len({p.lesion for p in photographs})
    assert max(Counter(p.lesion for p in photographs).values()) <= 3
    assert len({p.patient for p in photographs}) < len({p.lesion for p in photographs})  # some have several


def test_knobs_change_what_they_name():
    usual = simulate_population(Scenario(source="dermai", scale=0.5))
    older = simulate_population(
        Scenario(source="dermai", scale=0.5, age_shift=15, site="Harbour", prevalence={"MM": 3})
    )
    mean_age = [sum(p.age for p in some if p.age) / sum(1 for p in some if p.age) for some in (usual, older)]
    assert 8 < mean_age[1] - mean_age[0] < 16
    assert {p.site for p in older} == {"simulated Harbour"}
    assert counts(Scenario(source="dermai", prevalence={"MM": 3}))["MM"] == 156


def test_everything_says_that_it_is_simulated():
    for source in ("dermai", "edra", "dermofit"):
        photographs = simulate_population(Scenario(source=source, scale=0.05))
        assert all(p.site.startswith("simulated") and p.device.startswith("simulated") for p in photographs)


def test_a_new_class_has_a_label_that_no_map_knows():
    photographs = simulate_population(Scenario(source="dermai", scale=0.1, new_class="Psoriasis"))
    unknown = [p for p in photographs if p.code is None]
    assert {p.label for p in unknown} == {"Psoriasis"}
    assert len({p.patient for p in unknown}) >= 2


def test_a_prevalence_of_an_unknown_class_is_refused():
    with pytest.raises(ValueError, match="no label or class 'Melanom'"):
        Scenario(source="dermai", prevalence={"Melanom": 2})
