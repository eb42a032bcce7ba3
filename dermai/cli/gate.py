"""`dermai gate`: the promotion gate's policy and its ledger."""

from __future__ import annotations

import typer

from dermai.cli.named_persons import Approver, Reason, Role, done, opened, say
from dermai.cli.options import Profile, Settings

gate = typer.Typer(help="The promotion gate's policy.", no_args_is_help=True)


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.add_typer(gate, name="gate")


@gate.command("approve-policy")
def approve_policy(
    approver: Approver, role: Role, reason: Reason, profile: Profile = "", settings: Settings = None
) -> None:
    """Put the gate policy of the parameters into force; until then a changed policy promotes nothing.

    With a profile that changes `gate:` it is the resulting policy.

    Example: `dermai gate approve-policy --approver "Ana Silva" --role "head of dermatology" --reason "agreed in May"`
    """
    from dermai.promotion import transaction

    workspace, params = opened(profile, settings)
    done(transaction.approve_current_policy(workspace, params, approver=approver, role=role, reason=reason))


@gate.command("take-over-ledger")
def take_over_ledger(approver: Approver, role: Role, reason: Reason) -> None:
    """Take over a damaged test-set ledger of an earlier release; a sound one is taken over by the next update.

    The test patients known so far have no error budget left afterwards: new ones renew it.

    Example: `dermai gate take-over-ledger --approver "Ana Silva" --role "head of dermatology" --reason "disk failure"`
    """
    from dermai.promotion.test_set_ledger import take_over_damaged
    from dermai.workspace import find_workspace

    record = take_over_damaged(find_workspace(), approver=approver, role=role, reason=reason)
    uses = sum(line.event == "use" for line in record.lines)
    say(f"{uses} uses of the test patients are in the audit log now; the file decides nothing more")
