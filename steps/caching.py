"""When ZenML may reuse a step's artifacts: same values in, same code, same artifacts out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, ClassVar

import pandas as pd
from zenml.config.cache_policy import CachePolicy
from zenml.integrations.pandas.materializers.pandas_materializer import PandasMaterializer


def by_value(code: Callable[[], str]) -> CachePolicy:
    """The policy of a step whose artifacts are determined by its inputs and its code.

    `code` is the hash of that code: ZenML itself looks at the step's own lines only, not at what they call. It calls
    `code` by its name, so each step's module has one. An input that ZenML has no hash of counts by its artifact, so
    anything made anew is taken for new.
    """
    return CachePolicy(cache_func=code)


class TableMaterializer(PandasMaterializer):
    """ZenML's own for tables, and the hash of what is in them: ZenML would know a table by its artifact only."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (pd.DataFrame,)
    SKIP_REGISTRATION: ClassVar[bool] = True  # only where a step asks for it

    def compute_content_hash(self, data: Any) -> str | None:
        """sha256 over column names, types and cells, in their order."""
        table = data.reset_index()
        digest = hashlib.sha256(repr([(name, str(kind)) for name, kind in table.dtypes.items()]).encode())
        digest.update(table.to_csv(index=False).encode())
        return digest.hexdigest()
