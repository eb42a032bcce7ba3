"""When ZenML may reuse a step's artifacts."""

from __future__ import annotations

from zenml.config.cache_policy import CachePolicy

# Same values in, same artifacts out: where an input came from does not matter.
BY_VALUE = CachePolicy(include_artifact_ids=False)
