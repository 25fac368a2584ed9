"""The defects: subclasses of the correct client, each with the requirement that it breaks."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import TypeVar

from broken_clients.client import Client

Broken = TypeVar("Broken", bound=type[Client])

DEFECTS: list[tuple[str, type[Client]]] = []
"""Each defect with the id of the requirement that it breaks. Its docstring says how."""


def breaks(requirement: str) -> Callable[[Broken], Broken]:
    """Register a defect."""

    def register(defect: Broken) -> Broken:
        DEFECTS.append((requirement, defect))
        return defect

    return register


def load() -> None:
    """Import every module here, so that its defects are registered."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
