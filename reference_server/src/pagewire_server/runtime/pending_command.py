"""A command that the page has not answered yet, as the program sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from pagewire_protocol.codes import ErrorCode
from pagewire_protocol.fields import WireModel
from pagewire_server.errors import command_error
from pagewire_server.logs import SessionLog
from pagewire_server.runtime.outcome import Outcome
from pagewire_server.sessions.command import Command, Replied

Value = TypeVar("Value")


class PendingCommand(Outcome[Value]):
    """What `run_js`, `set_env` and `go_app` return: done when the page has answered.

    `await` it in a coroutine, `wait()` for it in a thread; both raise what went wrong. A failure that nobody waits
    for is logged.
    """

    def __init__(
        self,
        label: str,
        read: Callable[[WireModel], Value],
        loop: asyncio.AbstractEventLoop,
        loop_thread: int,
        log: SessionLog,
    ) -> None:
        super().__init__(label, loop, loop_thread, log)
        self.command: Command | None = None
        """What was queued for it, once something was."""
        self._read = read

    def receive(self, reply: Replied) -> None:
        """Finish with what the page answered."""
        error = reply.error
        if error is None:
            self.succeed(self._read(reply.params))
        else:
            # Whoever cancelled knows why.
            is_expected = reply.command.is_cancelled and error.code == ErrorCode.CANCELLED
            self.fail(command_error(error), quietly=is_expected)
