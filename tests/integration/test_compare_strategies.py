"""The paper's experiment by its bare name, on the simulated demo dataset."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.integration.conftest import QUICK, Clone

SMALL = QUICK | {
    "training.first_epochs": 1,
    "training.head_first_epochs": 1,
    "training.augmented_views": 1,
    "training.head_learning_rate": 0.003,
    "training.backbone_learning_rate": 0.0003,
    "compare.target": "edra",
    "compare.architectures": [],
    "compare.seeds": [1],
    "compare.strategies": {
        "a": {"title": "Pre-train. ImageNet"},
        "d": {"title": "Pre-train. ImageNet and Dermofit", "chain": ["dermofit", "target"]},
        "h": {"title": "Pre-train. ImageNet and HAM10000", "chain": ["ham10000", "target"]},
    },
}


@pytest.mark.long
def test_the_comparison_leaves_tables_and_a_page_and_finds_its_cells_again(fresh_clone: Clone, tmp_path: Path) -> None:
    clone = fresh_clone.copy(tmp_path / "copy")
    config = clone.root.parent / "small.yaml"
    config.write_text(yaml.safe_dump({"parameters": {"overrides": SMALL}}))
    command = ("zenml", "pipeline", "run", "compare_strategies", "-c", str(config))
    clone.run(*command)
    latest = clone.root / "reports" / "compare_strategies" / "latest"
    page = (latest / "report.html").read_text()
    assert "<script src=" not in page
    assert "h) Pre-train. ImageNet and HAM10000 is left out" in page
    assert "dermai compare --architecture tf_efficientnet_lite0 --strategy d --seed 1" in page
    assert "### Training strategies" in (latest / "tables.md").read_text()
    plotted = pd.read_csv(clone.root / "metrics" / "compare" / "strategies.csv")
    assert list(plotted["strategy"]) == ["a) Pre-train. ImageNet", "d) Pre-train. ImageNet and Dermofit"]
    results = sorted((clone.root / "state" / "cache" / "compare").glob("*/result.json"))
    assert len(results) == 2
    assert "compare_strategies" in clone.run("dvc", "stage", "list", "compare/dvc.yaml").stdout
