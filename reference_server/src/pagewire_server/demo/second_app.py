"""The demo's second app, to which `go_app` leads."""

from __future__ import annotations

from typing import Final

from pagewire_server.demo.catalog import Step, Topic
from pagewire_server.demo.session_steps import count_calls, show_info
from pagewire_server.demo.stage import Stage
from pagewire_server.session import go_app, set_env


def go_back() -> None:
    """Lead this page back to the first app."""
    go_app("index", new_window=False)


TOPICS: Final = (
    Topic(
        "second",
        "You are in another app",
        "The same server, another function, a new session: its facts are its own, and it starts to count anew.",
        (Step(go_back, "Go back"), Step(show_info, "Its info"), Step(count_calls, "Its own memory")),
    ),
)


def run_second() -> None:
    """Greet whom `go_app` sent."""
    set_env(title="Second app · Pagewire")
    Stage(TOPICS).open()
