"""When ZenML may reuse a step's artifacts: same values in, same code, same artifacts out."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import pandas as pd
from zenml.config.cache_policy import CachePolicy
from zenml.integrations.pandas.materializers.pandas_materializer import PandasMaterializer

from dermai.source_code import source_hash

# An input that ZenML has no hash of counts by its artifact, so anything made anew is taken for new.
BY_VALUE = CachePolicy(cache_func=source_hash)


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
