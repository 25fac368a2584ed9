"""Runs the command, and sends it one SIGINT when an audit event first mentions a text: EVENT TEXT ARGUMENTS...

The handler runs in a finalizer, where Python swallows whatever it raises. The event `stuck` sends nothing: with it, the
main thread waits for ever where the first case begins to listen for its client.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from pagewire_conformance.__main__ import main
from pagewire_conformance.wire.listener import Listener


class _Finalized:
    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):  # the handler of a signal runs between two steps of the interpreter
            pass


def _interrupt_at(event: str, text: str) -> None:
    happened = threading.Event()

    def audit(name: str, details: tuple[Any, ...]) -> None:
        if name == event and not happened.is_set() and any(text in str(each) for each in details):
            happened.set()
            _Finalized()

    sys.addaudithook(audit)


if __name__ == "__main__":
    if sys.argv[1] == "stuck":
        Listener.open = lambda _: threading.Event().wait()  # type: ignore[assignment,method-assign]
    _interrupt_at(sys.argv[1], sys.argv[2])
    sys.exit(main(sys.argv[3:]))
