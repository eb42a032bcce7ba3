from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from dermai.data.tables import read_text_table
from dermai.errors import DermaiError
from dermai.files import sha256_file
from dermai.ingest.importers import importers
from dermai.simulate.publishers import simulate
from dermai.simulate.scenario import Scenario


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("source", ["dermai", "edra", "dermofit"])
def test_one_scenario_always_writes_the_same_bytes(tmp_path, source):
    scenario = Scenario(source=source, scale=0.01, size=64)
    simulate(tmp_path / "one", scenario, workers=1)
    simulate(tmp_path / "two", scenario, workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_another_seed_and_another_arrival_share_no_photograph(tmp_path):
    hashes = []
    for number, changes in enumerate(({}, {"seed": 2}, {"arrival": 2})):
        scenario = Scenario(source="dermai", scale=0.01, size=64, **changes)
        simulate(tmp_path / str(number), scenario, workers=1)
        hashes.append({digest for name, digest in contents(tmp_path / str(number)).items() if name.endswith(".jpg")})
    assert len(set.union(*hashes)) == sum(map(len, hashes))


@pytest.mark.parametrize("source", ["dermai", "edra", "dermofit"])
def test_the_real_importer_reads_every_photograph_and_marks_it_simulated(tmp_path, source):
    photographs = simulate(tmp_path, Scenario(source=source, scale=0.01, size=64), workers=1)
    delivery = importers()[source](tmp_path)
    assert len(delivery.rows) == len(photographs)
    assert sorted(delivery.rows["label"]) == sorted(photograph.label for photograph in photographs)
    assert set(delivery.rows["confirmed_by"]) == {"simulated"}
    assert delivery.rows["site"].str.startswith("simulated").all()
    assert all((tmp_path / file).is_file() for file in delivery.rows["file"])
    assert "patients who do not exist" in (tmp_path / "SIMULATED.txt").read_text(encoding="utf-8")


def test_derm7pt_indexes_share_out_every_case_once(tmp_path):
    simulate(tmp_path, Scenario(source="edra", scale=0.03, size=64), workers=1)
    cases = len(read_text_table(tmp_path / "meta" / "meta.csv", ["case_num"]))
    indexes = [
        int(index)
        for part in ("train", "valid", "test")
        for index in read_text_table(tmp_path / "meta" / f"{part}_indexes.csv", ["indexes"])["indexes"]
    ]
    assert sorted(indexes) == list(range(cases))


def test_dermofit_masks_cover_the_lesion(tmp_path):
    simulate(tmp_path, Scenario(source="dermofit", scale=0.01, size=64), workers=1)
    mask = Image.open(next((tmp_path / "MEL").glob("*mask.png")))
    assert mask.size == (64, 64)
    assert mask.getextrema() == (0, 255)


def test_a_folder_in_use_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(DermaiError, match="not empty"):
        simulate(tmp_path, Scenario(source="dermai", scale=0.01))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
