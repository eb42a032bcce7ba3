"""Which of the photographs that the champion has learnt from are shown to it again."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

from dermai.config import Params


def no_replay(diagnosis: Mapping[str, str], params: Params) -> list[str]:
    """None of the old photographs."""
    return []


def whole_replay(diagnosis: Mapping[str, str], params: Params) -> list[str]:
    """All old photographs."""
    return list(diagnosis)


def class_balanced_replay(diagnosis: Mapping[str, str], params: Params) -> list[str]:
    """`replay_per_class` photographs of each class, the gated classes whole."""
    return draw_replay(diagnosis, params.continual.replay_per_class, params.gate.gated_classes, params.seed)


def uniform_replay(diagnosis: Mapping[str, str], params: Params) -> list[str]:
    """As many photographs as class-balanced replay would draw, whatever their class: the two cost the same."""
    drawn = set(_draw_order(diagnosis, params.seed)[: len(class_balanced_replay(diagnosis, params))])
    return [image for image in diagnosis if image in drawn]


def draw_replay(diagnosis: Mapping[str, str], per_class: int, whole: Iterable[str], seed: int) -> list[str]:
    """At most `per_class` photographs of each class, the classes in `whole` entirely.

    The order is a hash of seed and photograph, so a photograph once drawn stays drawn while its class is small
    and adding others changes little.

    >>> draw_replay({"a": "Nev", "b": "Nev", "c": "MM", "d": "MM"}, 1, ["MM"], seed=0)
    ['a', 'c', 'd']
    """
    whole = set(whole)
    taken: Counter[str] = Counter()
    drawn = set()
    for image in _draw_order(diagnosis, seed):
        name = diagnosis[image]
        if name in whole or taken[name] < per_class:
            taken[name] += 1
            drawn.add(image)
    return [image for image in diagnosis if image in drawn]


def _draw_order(images: Iterable[str], seed: int) -> list[str]:
    return sorted(images, key=lambda image: hashlib.sha256(f"{seed}:{image}".encode()).digest())
