"""Running checks with Great Expectations, and its Data Docs as a site that asks nothing of the network."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dermai.environment import silence_telemetry
from dermai.files import locked
from dermai.validation.data_docs import make_self_contained
from dermai.validation.expectations import Check
from dermai.validation.result import FailingRow, Failure, Level

SITE = "local_site"
ROWS_KEPT = 1000  # of each failed check, so that a wholly broken dataset has a result of bounded size


@dataclass(frozen=True)
class Table:
    """A table, its checks, and the columns that name a failing row."""

    rows: pd.DataFrame
    checks: list[Check]
    named_by: tuple[str, ...]


def run_checks(tables: Mapping[str, Table], docs_folder: Path) -> list[Failure]:
    """Run every check of every table, write the Data Docs, and return what failed.

    The project Great Expectations wants lies in a temporary folder: nothing of one run reaches the next. The docs take
    their place when they are whole: a run beside this one, or one that is killed, leaves those of a whole run.
    """
    silence_telemetry()
    logging.getLogger("great_expectations").setLevel(logging.ERROR)  # before the import, which logs every method
    import great_expectations as gx

    docs_folder.parent.mkdir(parents=True, exist_ok=True)
    failures: list[Failure] = []
    with (
        tempfile.TemporaryDirectory() as project,
        tempfile.TemporaryDirectory(dir=docs_folder.parent, prefix=f".{docs_folder.name}.") as beside,
    ):
        docs = Path(beside) / "new"
        context = gx.get_context(mode="file", project_root_dir=project)
        context.variables.progress_bars = {"globally": False}
        store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.resolve())}
        context.update_data_docs_site(
            site_name=SITE,
            site_config={
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "store_backend": store,
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            },
        )
        source = context.data_sources.add_pandas("dataset")
        for name, table in tables.items():
            batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all rows")
            suite = context.suites.add(
                gx.ExpectationSuite(name=name, expectations=[_expectation(check) for check in table.checks])
            )
            definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
            outcome = definition.run(
                batch_parameters={"dataframe": table.rows},
                result_format={
                    "result_format": "COMPLETE",
                    "unexpected_index_column_names": list(table.named_by),
                    "include_unexpected_rows": False,
                },
            )
            failures += [_failure(result, table) for result in outcome.results if not result.success]
        context.build_data_docs(site_names=[SITE])
        make_self_contained(docs)
        with locked(docs_folder.parent / f".{docs_folder.name}.lock"):
            if docs_folder.exists():
                docs_folder.rename(Path(beside) / "old")
            docs.rename(docs_folder)
    return failures


def _expectation(check: Check) -> Any:
    import great_expectations.expectations as gxe

    return getattr(gxe, check.expectation)(
        **check.arguments,
        severity="critical" if check.level is Level.BLOCKING else "warning",
        notes=f"{check.level.value}: {check.message}",
        meta={"check": check.name},
    )


def _failure(result: Any, table: Table) -> Failure:
    name = result.expectation_config.meta["check"]
    check = next(check for check in table.checks if check.name == name)
    column = check.arguments.get("column", "")
    if table.named_by:
        found = result.result.get("unexpected_index_list") or []
        rows = tuple(_failing_row(row, column) for row in found)
    else:  # a table of one row about the whole: the value says it
        values = result.result.get("unexpected_list") or []
        rows = tuple(FailingRow(case_id="", file="", value=f"found {value:.3g}") for value in values)
    if not rows and (observed := result.result.get("observed_value")) is not None:
        rows = (FailingRow(case_id="", file="", value=f"found {observed}"),)
    if not rows:  # the expectation itself could not be evaluated: never a pass
        raised = [error for error in _exceptions(result.exception_info) if error]
        rows = (FailingRow(case_id="", file="", value=raised[0] if raised else "could not be checked"),)
    return Failure(check=name, level=check.level, message=check.message, count=len(rows), rows=rows[:ROWS_KEPT])


def _failing_row(row: Mapping[str, Any], column: str) -> FailingRow:
    image = str(row.get("image", ""))
    file = f"images/{image[:2]}/{image}.jpg" if image else ""
    value = row.get(column, "")
    shown = f"{value:g}" if isinstance(value, float) else repr(value) if column == "image" else str(value) or "empty"
    label = str(row.get("diagnosis", ""))
    return FailingRow(
        case_id=str(row.get("case_id", "")), file=file,
        value=f"{label} has {shown}" if label and "case_id" not in row else shown,
    )  # fmt: skip


def _exceptions(info: Mapping[str, Any]) -> list[str]:
    if "exception_message" in info:
        return [str(info["exception_message"] or "")]
    return [message for nested in info.values() if isinstance(nested, Mapping) for message in _exceptions(nested)]
