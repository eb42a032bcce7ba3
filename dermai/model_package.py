"""The name by which versions registered before the rooms find their package: `dermai.models.package`."""

from dermai.models.package import ModelPackage

__all__ = ["ModelPackage"]
