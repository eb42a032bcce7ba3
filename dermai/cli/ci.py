"""`dermai ci ...`: what the workflows of continuous integration call."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dermai.workspace import Workspace

ci = typer.Typer(help="What the workflows in .github/workflows call.", no_args_is_help=True)


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.add_typer(ci, name="ci")


@ci.command()
def check() -> None:
    """Fail unless DERMAI_STATE names a folder that outlives the job.

    Example: `DERMAI_STATE=/srv/dermai dermai ci check`
    """
    from dermai.ci.changes import check_state_is_kept

    check_state_is_kept(_workspace())


@ci.command()
def plan(
    before: Annotated[str, typer.Option(help="The commit before the push; empty where a person or drift asks.")] = "",
) -> None:
    """Print, as lines for $GITHUB_OUTPUT, whether data or parameters changed and how many records there are.

    Example: `dermai ci plan --before "$BEFORE" >> "$GITHUB_OUTPUT"`
    """
    from dermai.audit import AuditLog
    from dermai.ci.changes import changed_inputs, check_state_is_kept

    workspace = _workspace()
    changed = changed_inputs(workspace, before)
    if changed:
        check_state_is_kept(workspace)
    print(f"update={'true' if changed else 'false'}")
    print(f"records={len(AuditLog(workspace.audit_log).entries())}")
    print(f"changed: {', '.join(changed) or 'neither data.dvc nor the parameters'}", file=sys.stderr)


@ci.command(context_settings={"ignore_unknown_options": True})
def alone(
    command: Annotated[list[str], typer.Argument(help="The update, after `--`.", show_default=False)],
) -> None:
    """Run an update while no other one runs on this state, unless a later commit has been learnt already.

    Example: `dermai ci alone -- zenml pipeline run incremental_finetune`
    """
    from dermai.ci.exclusive import run_alone
    from dermai.config import load_params, read_overrides

    workspace = _workspace()
    raise typer.Exit(run_alone(workspace, load_params(workspace.params_file, read_overrides(workspace.root)), command))


@ci.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Receives summary.md and the report; what was there is removed.")],
    after: Annotated[int, typer.Option(help="Records that were there when the job began.")] = 0,
    photographs: Annotated[bool, typer.Option(help="Leave the patients' photographs in the report.")] = False,
) -> None:
    """Write what the job's artifact, summary and comment show; print the outcome as lines for $GITHUB_OUTPUT.

    Example: `dermai ci report job-report --after 12 >> "$GITHUB_OUTPUT"`
    """
    from dermai.audit import AuditLog
    from dermai.ci.outcome import job_outcome
    from dermai.ci.report_files import collect
    from dermai.workspace import code_version

    workspace = _workspace()
    entries = AuditLog(workspace.audit_log).entries()[after:]
    outcome = job_outcome(entries, code_version(workspace).commit)
    collect(workspace, outcome, folder, photographs)
    print(f"result={outcome.result}")
    print(f"version={outcome.version}")


@ci.command()
def drift() -> None:
    """Print the newest monitoring run as Markdown.

    Example: `dermai ci drift >> "$GITHUB_STEP_SUMMARY"`
    """
    from monitoring.job_summary import job_summary

    print(job_summary(_workspace()))


@ci.command()
def approve(
    version: Annotated[str, typer.Argument(help="The candidate that waits.")],
    environment: Annotated[str, typer.Option(help="The protected environment whose reviewer approved.")] = "promotion",
) -> None:
    """Promote a version in the name of the person who approved the job.

    Example: `dermai ci approve 4`
    """
    from dermai.ci.github import environment_approval
    from dermai.config import load_params, read_overrides
    from dermai.promotion import transaction

    workspace = _workspace()
    approval = environment_approval(environment)
    transaction.promote(
        workspace,
        load_params(workspace.params_file, read_overrides(workspace.root)),
        version,
        approver=approval.login,
        role=f"reviewer of the environment {environment}",
        reason=approval.comment or "approved without a comment",
    )
    print(f"version {version} is the champion, approved by {approval.login}")


@ci.command()
def comment(file: Annotated[Path, typer.Argument(help="Markdown.")]) -> None:
    """Comment on the pull request that brought the commit, or on the commit.

    Example: `dermai ci comment job-report/summary.md`
    """
    from dermai.ci import github

    print(f"commented on {github.comment(file.read_text(encoding='utf-8'))}")


def _workspace() -> Workspace:
    from dermai.workspace import find_workspace

    return find_workspace()
