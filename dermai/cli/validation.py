"""`dermai validate`: the checks that every update begins with, on their own."""

from __future__ import annotations

from typing import Annotated

import typer

from dermai.cli.options import Profile, Settings, read_parameters


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command()(validate)


def validate(
    record: Annotated[bool, typer.Option(help="Write a failure into the audit log, as an update would.")] = False,
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """Check the dataset as an update does before it trains; exit with 1 where a blocking check fails.

    Example: `dermai validate`, then open reports/validation/index.html
    """
    from dermai.audit import AuditLog
    from dermai.data.cases import parse_cases
    from dermai.errors import DermaiError
    from dermai.evaluation.words import count_words
    from dermai.records.earlier_dataset import earlier_dataset
    from dermai.records.failures import write_failure
    from dermai.validation import validate_dataset
    from dermai.validation.result import ValidationFailed
    from dermai.workspace import find_workspace

    workspace = find_workspace()
    params = read_parameters(workspace, profile, settings)
    docs = workspace.reports / "validation"
    try:
        cases, earlier = parse_cases(workspace.cases_file), earlier_dataset(AuditLog(workspace.audit_log))
        found = validate_dataset(cases, workspace.data, params, docs, workspace.state, earlier=earlier)
    except DermaiError as error:
        if isinstance(error, ValidationFailed):
            print("\n".join(error.result.lines))
        if record:
            write_failure(workspace, error, step="validate_cases")
        raise
    warnings = count_words(len(found.warnings), "warning")
    print(f"{found.photographs:,} photographs passed {found.checks} checks with {warnings}")
    for line in found.lines:
        print(line)
    print(f"details: {found.docs}")
