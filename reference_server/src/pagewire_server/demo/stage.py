"""An app of the demo at work: tells the page its topics, runs the steps that the visitor chooses, reports what came."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pprint import pformat
from typing import Any, Final

from pagewire_server.demo.catalog import Step, Topic
from pagewire_server.session import JavaScriptError, SessionClosed, on_event, run_js

_TELL: Final = "dispatchEvent(new CustomEvent(name, { detail }))"
_MAX_SHOWN: Final = 4000
_LINE: Final = 72


class Stage:
    """The topics of one app in one session."""

    def __init__(self, topics: Iterable[Topic]) -> None:
        self._topics = tuple(topics)
        self._steps = {step.name: step for topic in self._topics for step in topic.steps}

    def open(self) -> None:
        """Show the topics, and run what the visitor chooses until the page is closed."""
        on_event("step", self._run_in_thread)
        on_event("task", self._run_in_task)
        _tell("demo:topics", [topic.describe() for topic in self._topics])

    def _run_in_thread(self, data: Any) -> None:  # noqa: ANN401 - any JSON
        step, arguments = self._chosen(data)
        report = _Report(step.name)
        try:
            report.returned(step.function(**arguments))
        except SessionClosed:
            raise
        except Exception as error:  # noqa: BLE001 - the visitor is shown it
            report.raised(error)

    async def _run_in_task(self, data: Any) -> None:  # noqa: ANN401 - any JSON
        step, arguments = self._chosen(data)
        report = _Report(step.name)
        try:
            report.returned(await step.function(**arguments))
        except SessionClosed:
            raise
        except Exception as error:  # noqa: BLE001 - the visitor is shown it
            report.raised(error)

    def _chosen(self, data: Any) -> tuple[Step, dict[str, Any]]:  # noqa: ANN401 - any JSON
        match data:
            case {"name": str(name), "arguments": dict(arguments)} if name in self._steps:
                return self._steps[name], arguments
        raise ValueError(f"the page asked for a step that there is not: {data!r}")


class _Report:
    """What came of a step, told to the page."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._began = time.perf_counter()

    def returned(self, value: object) -> None:
        is_text = isinstance(value, str) and "\n" in value
        self._tell("returned", str(value) if is_text else pformat(value, width=_LINE, compact=True, sort_dicts=False))

    def raised(self, error: Exception) -> None:
        label = "JavaScriptError: " if isinstance(error, JavaScriptError) else f"{type(error).__name__}: "
        self._tell("raised", label + str(error))

    def _tell(self, outcome: str, text: str) -> None:
        seconds = time.perf_counter() - self._began
        _tell("demo:done", {"name": self._name, "outcome": outcome, "text": text[:_MAX_SHOWN], "ms": seconds * 1000})


def _tell(name: str, detail: object) -> None:
    run_js(_TELL, name=name, detail=detail)
