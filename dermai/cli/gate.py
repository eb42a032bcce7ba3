"""`dermai gate`: the promotion gate's policy and its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dermai.cli.named_persons import Approver, Reason, Role, done, opened, say
from dermai.cli.options import Profile, Settings
from dermai.errors import DermaiError

if TYPE_CHECKING:
    from dermai.gate.policy import GatePolicy

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


@gate.command()
def plan(
    patients: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS=NUMBER", help="confirmed patients of MM, BCC, benign; default: the dataset's"),
    ] = None,
    per_month: Annotated[
        list[str] | None, typer.Option(metavar="CLASS=NUMBER", help="further confirmed patients a month")
    ] = None,
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """Say what the gate can show with so many patients: bounds at best, power, and months to a decision.

    Example: `dermai gate plan --patients MM=52 --patients BCC=56 --patients benign=1300 --per-month MM=2`
    """
    from dermai.data.cases import read_cases
    from dermai.promotion.prospects import counted_patients, prospects
    from dermai.report.prospects import prospect_lines

    workspace, params = opened(profile, settings)
    if patients:
        everybody = {name: int(number) for name, number in counts_by_class(params.gate, patients).items()}
        share = params.data.test_fraction
        tested = {name: round(share * number) for name, number in everybody.items()}
    else:
        cases = read_cases(workspace.cases_file)
        everybody, tested = (counted_patients(params.gate, cases, test_only) for test_only in (False, True))
    rates = counts_by_class(params.gate, per_month or [])
    found = prospects(workspace, params, everybody, tested, rates)
    for line in prospect_lines(params.gate, found, rates, params.triage.second_reading):
        say(line)


def counts_by_class(policy: GatePolicy, given: Sequence[str]) -> dict[str, float]:
    """Numbers by gated class, and of benign lesions; 0 where none is given."""
    from dermai.gate.findings import BENIGN

    known = (*policy.gated_classes, BENIGN)
    found = dict.fromkeys(known, 0.0)
    for text in given:
        name, _, number = text.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if name not in known or not 0 <= value < 1e9:
            raise DermaiError(f"{text!r}: write CLASS=NUMBER, such as MM=52; the classes are {', '.join(known)}")
        found[name] = value
    return found


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
