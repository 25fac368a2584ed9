"""Where defects are registered: each a subclass of the correct client that breaks one requirement."""

from __future__ import annotations

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
