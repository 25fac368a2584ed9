"""The defects: subclasses of the correct client, each with the requirement that it breaks."""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Import every module here, so that its defects are registered."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
