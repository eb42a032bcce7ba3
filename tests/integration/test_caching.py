"""ZenML reuses what a step made from a table only while the table's content is the same."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from steps.caching import TableMaterializer


def content_hash(table: pd.DataFrame, folder: Path) -> str | None:
    return TableMaterializer(str(folder)).compute_content_hash(table)


class TestTheHashOfATable:
    def test_it_is_the_same_for_an_equal_table_wherever_it_is_kept(self, tmp_path: Path) -> None:
        table = pd.DataFrame({"case_id": ["a", "b"], "age": [40.0, None]})
        assert content_hash(table, tmp_path / "one") == content_hash(table.copy(), tmp_path / "another")

    def test_a_changed_cell_a_new_row_and_another_type_change_it(self, tmp_path: Path) -> None:
        table = pd.DataFrame({"case_id": ["a", "b"], "age": [40, 41]})
        others = [table.assign(age=[40, 42]), table.iloc[:1], table.astype({"age": "float64"}), table.iloc[::-1]]
        hashes = {content_hash(other, tmp_path) for other in [table, *others]}
        assert len(hashes) == 5
