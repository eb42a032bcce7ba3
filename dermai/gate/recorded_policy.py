"""A policy as a record holds it, and what differs between two of them."""

from __future__ import annotations

import json

from pydantic import ConfigDict, JsonValue, RootModel

from dermai.gate.policy import GatePolicy
from dermai.gate.policy_defaults import BEFORE, flat, pinned_defaults

_ABSENT = object()


class RecordedPolicy(RootModel[dict[str, JsonValue]]):
    """Every value of a policy, with the keys of the release that wrote it: they need not be those of this one."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def of(cls, policy: GatePolicy) -> RecordedPolicy:
        """This release's policy in the form of a record."""
        return cls(policy.model_dump(mode="json"))

    @property
    def needs_a_person(self) -> bool:
        """Whether a candidate that passed waits for somebody's approval."""
        return self.root.get("approval") in ("manual", "two_persons")

    @property
    def needs_two_persons(self) -> bool:
        """Whether two persons must approve it, one after the other."""
        return self.root.get("approval") == "two_persons"

    @property
    def gated_classes(self) -> tuple[str, ...]:
        """The classes that decide."""
        named = self.root.get("gated_classes")
        return tuple(str(code) for code in named) if isinstance(named, list) else ()


def policy_changes(before: RecordedPolicy, after: RecordedPolicy) -> tuple[str, ...]:
    """What differs between two policies, a sentence a value; empty where they decide alike.

    A key that only one of them has has the value in the other by which releases decided `BEFORE` they knew it, where
    there is one. Else it counts, unless its default leaves decisions as they were without it (it is none of
    the `pinned_defaults`) and that default is its value.

    >>> policy_changes(RecordedPolicy.of(GatePolicy()), RecordedPolicy.of(GatePolicy(fewest_lesions=9)))
    ('fewest_lesions from 5 to 9',)
    """
    old, new = flat(before.root), flat(after.root)
    pinned, shipped = pinned_defaults(), flat(GatePolicy().model_dump(mode="json"))
    changes = []
    for key in dict.fromkeys([*old, *new]):
        meant = BEFORE.get(key, _ABSENT)
        was, now = old.get(key, meant), new.get(key, meant)
        if was == now or {} in (was, now):
            continue
        only = now if was is _ABSENT else was
        if _ABSENT in (was, now) and key not in pinned and shipped.get(key, _ABSENT) == only:
            continue
        if was is _ABSENT:
            changes.append(f"{key} is new: {json.dumps(now)}")
        elif now is _ABSENT:
            changes.append(f"{key} is gone: it was {json.dumps(was)}")
        else:
            changes.append(f"{key} from {json.dumps(was)} to {json.dumps(now)}")
    return tuple(changes)
