"""Which speed an update has, and why: heads alone are refitted, or a network is fine-tuned beside them too."""

from __future__ import annotations

from typing import Literal, NamedTuple

import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.config import Params, changed_network_parameters
from dermai.continual.networks_learnt import NetworksLearnt, unknown_to, why_not_kept


class SinceFineTuning(BaseModel):
    """What the records say since the newest attempt that fine-tuned: reasons to do it again, a sentence each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alarms: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()


NOTHING_SINCE = SinceFineTuning()


class Speed(NamedTuple):
    """`fast` or `slow`, the reason in a sentence, and whether it asks for an update though nothing is new."""

    name: Literal["fast", "slow"]
    reason: str
    by_itself: bool = False


def choose_speed(
    rows: pd.DataFrame,
    params: Params,
    networks: NetworksLearnt | None,
    since: SinceFineTuning = NOTHING_SINCE,
) -> Speed:
    """The speed of an update that learns `rows`, the case table's photographs that may be learnt from.

    `networks` are the champion's, None where it has none. Planned: slow where enough cases are unknown to the network,
    where its recipe has other parameters now, and, as soon as one photograph is unknown to it, where a diagnosis is
    new to it, a drift alarm was raised or the gate has rejected a candidate of the fast speed since it was trained.
    """
    tuning = params.training.fine_tuning
    lost = why_not_kept(networks, rows, params) if networks else ""
    fate = f"; the champion's fine-tuned networks are left out: {lost}" if lost else ""
    anew = f"; from the first weights: {lost}" if lost else ""
    if tuning.when == "now":
        return Speed("slow", f"asked for by hand (training.fine_tuning.when: now){anew}", by_itself=True)
    if tuning.when == "never":
        return Speed("fast", f"no network is fine-tuned (training.fine_tuning.when: never){fate}")
    kept = None if lost else networks
    unknown = unknown_to(kept, rows)
    count, enough = unknown["case_id"].nunique(), tuning.after_new_cases
    so_many = f"{count} {'case' if count == 1 else 'cases'} that the fine-tuned network does not know"
    if count >= enough:
        return Speed("slow", f"{so_many}, of {enough} that ask for it{anew}", by_itself=True)
    if kept is not None and (changed := changed_network_parameters(kept.parameters, params)):
        return Speed("slow", f"it was fine-tuned with other parameters: {'; '.join(changed)}", by_itself=True)
    if not unknown.empty:
        new = sorted(set(unknown["diagnosis"]) - set(kept.classes)) if kept else []
        if new:
            return Speed("slow", f"diagnoses that are new to the fine-tuned network: {', '.join(new)}")
        if found := (*since.alarms, *since.rejected):
            return Speed("slow", f"{found[0]}, and {so_many}{anew}")
    return Speed("fast", f"{so_many}, of {enough} that ask for it to be trained{fate}")
