"""What an app of the demo offers: topics, each of several steps, each a function whose source the page shows."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pagewire_server.demo.source import source_pieces


@dataclass(frozen=True, slots=True)
class Step:
    """A function that the visitor can run."""

    function: Callable[..., Any]
    label: str
    """On the button that chooses it."""
    shown_with: tuple[Callable[..., Any], ...] = ()
    """Other functions that are part of it."""
    keeps_output: bool = False
    """Whether what is in the output area stays there when it runs."""
    form: str = ""
    """The page's form that gives it its arguments, if there is one."""

    @property
    def name(self) -> str:
        """The name of its function."""
        return str(self.function.__name__)

    @property
    def is_task(self) -> bool:
        """Whether it runs on the event loop, not in the session's thread."""
        return inspect.iscoroutinefunction(self.function)

    def describe(self) -> dict[str, object]:
        """Return what the page has to know of it."""
        return {
            "name": self.name,
            "label": self.label,
            "source": source_pieces(self.function, *self.shown_with),
            "event": "task" if self.is_task else "step",
            "keepsOutput": self.keeps_output,
            "form": self.form,
        }


@dataclass(frozen=True, slots=True)
class Topic:
    """Steps that show one thing."""

    name: str
    title: str
    summary: str
    steps: tuple[Step, ...]

    def describe(self) -> dict[str, object]:
        """Return what the page has to know of it."""
        return {
            "name": self.name,
            "title": self.title,
            "summary": self.summary,
            "steps": [step.describe() for step in self.steps],
        }
