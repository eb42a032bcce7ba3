"""What a use of the test patients came to, and what it leaves of their error budget, in words."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from dermai.gate.findings import GateDecision
from dermai.gate.ledger import AccountStatus, Use
from dermai.percentages import per_cent


class Judgement(BaseModel):
    """A decision, the use of the test patients that it was, and what that leaves of their error budget."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decision: GateDecision
    use: Use
    repeated: bool
    accounts: tuple[AccountStatus, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the ledger has to say, in plain words."""
        notes = []
        if self.repeated:
            notes.append(f"The same question was asked before (use {self.use.number}): nothing was spent.")
        elif not self.use.spends and self.decision.mode == "statistical":
            notes.append(
                "There are too few patients for a promotion whatever they show: nothing was spent, and nothing of it "
                "counts in shadow mode."
            )
        for account in self.accounts:
            times = "1 use" if account.uses == 1 else f"{account.uses} uses"
            text = f"{account.account}: {account.patients} patients, "
            text += f"{per_cent(account.share_left)} of the error budget left after {times}."
            if account.worn_out:
                text += f" Worn out: {account.new_patients_to_renew} new patients with confirmed lesions renew it."
            notes.append(text)
        return tuple(notes)
