"""Back-up and restore of what only this workspace has: registry, records, prediction log, reports, settings."""

from dermai.backup.restoring import Restored, restore
from dermai.backup.saving import Saved, back_up

__all__ = ["Restored", "Saved", "back_up", "restore"]
