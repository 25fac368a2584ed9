"""Evaluating an expression: in a thread it blocks, in a task it is awaited; what a failure becomes."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from pagewire_protocol.fields import WireModel
from pagewire_protocol.reply_messages import EvalJsResult
from pagewire_server.errors import CommandError
from pagewire_server.runtime.live_session import LiveSession
from pagewire_server.runtime.outcome import log_failure
from pagewire_server.runtime.pending_command import PendingCommand

_TYPE = "eval_js"


def evaluate_in_thread(session: LiveSession, params: bytes, seconds: float | None, *, raises: bool) -> Any:  # noqa: ANN401 - any JSON
    """Return the value; TimeoutError after `seconds`, waiting for room included."""
    deadline = None if seconds is None else session.loop.time() + seconds
    pending = session.pending(_TYPE, _value_of)
    session.submit(pending, _TYPE, params, deadline=deadline)
    try:
        return pending.wait(None if deadline is None else deadline - session.loop.time())
    except TimeoutError:
        _give_up(session, pending)
        raise _too_late(seconds) from None
    except CommandError as error:
        _without_value(session, error, raises=raises)
        return None


async def evaluate_in_task(session: LiveSession, params: bytes, seconds: float | None, *, raises: bool) -> Any:  # noqa: ANN401 - any JSON
    """Return the value; TimeoutError after `seconds`."""
    pending = session.pending(_TYPE, _value_of)
    session.submit(pending, _TYPE, params)
    try:
        if seconds is None:
            return await pending
        async with asyncio.timeout(seconds):
            return await pending
    except asyncio.CancelledError:
        _give_up(session, pending)
        raise
    except TimeoutError:
        _give_up(session, pending)
        raise _too_late(seconds) from None
    except CommandError as error:
        _without_value(session, error, raises=raises)
        return None


def _too_late(seconds: float | None) -> TimeoutError:
    return TimeoutError(f"eval_js() had no value after {seconds} s")


def _without_value(session: LiveSession, error: CommandError, *, raises: bool) -> None:
    if raises:
        raise error
    log_failure(session.log, _TYPE, error)


def _give_up(session: LiveSession, pending: PendingCommand[Any]) -> None:
    session.cancel(pending)
    pending.fail(asyncio.CancelledError(), quietly=True)


def _value_of(params: WireModel) -> Any:  # noqa: ANN401 - any JSON
    return cast("EvalJsResult", params).value
