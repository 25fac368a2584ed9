"""A command as the program calls it: its arguments checked, queued, and waited for in a thread or a task."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator, Mapping
from types import CoroutineType, MappingProxyType
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError

from pagewire_protocol.codec import describe
from pagewire_protocol.codes import ErrorCode
from pagewire_protocol.command_messages import SETTINGS, SetEnvParams
from pagewire_protocol.fields import WireModel
from pagewire_protocol.json_values import check_json, dump, well_formed
from pagewire_protocol.reply_messages import ErrorParams
from pagewire_server.apps.session import Session
from pagewire_server.core.session import Command, Replied
from pagewire_server.errors import CommandError, JavaScriptError, SessionClosed, command_error
from pagewire_server.ops.client_text import Stack
from pagewire_server.ops.logs import SessionLog

Params = TypeVar("Params", bound=WireModel)
Value = TypeVar("Value")


# -- arguments --------------------------------------------------------------------------------------


def make_params(
    model: type[WireModel],
    call: str,
    fields: Mapping[str, object],
    *,
    values: Mapping[str, object] = MappingProxyType({}),
) -> bytes:
    """Return the params of a command, as JSON; ValueError says which field of the call is wrong, and how.

    `values` contains the values within `fields` that may be any JSON, by the names that the program gave them: the
    model does not check those. TypeError or ValueError names what JSON cannot carry.
    """
    try:
        params = _validate(model, fields, values)
    except ValidationError as error:
        raise ValueError(f"{call}(): {describe(error)}") from None
    for name, value in values.items():
        check_json(value, name)
    return dump(params)


def check_settings(settings: Mapping[str, object]) -> SetEnvParams:
    """Return the settings as params; TypeError for an unknown name, ValueError for a bad value, by name."""
    for name in settings:
        if name not in SETTINGS:
            raise TypeError(f"set_env() has no setting {name!r}; it takes {', '.join(SETTINGS)}")
    try:
        return _validate(SetEnvParams, settings, {})
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise ValueError(f"set_env(): {name} is {settings[name]!r}; it takes {SETTINGS[name].accepts}") from None


def _validate(model: type[Params], fields: Mapping[str, object], values: Mapping[str, object]) -> Params:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        if any(complaint["type"] == "string_unicode" for complaint in error.errors()):
            # What contains itself can't be copied.
            for name, value in values.items():
                check_json(value, name)
            return model.model_validate(well_formed(dict(fields)))
        raise


# -- what a call returns ----------------------------------------------------------------------------


class Outcome(Generic[Value]):
    """Something that will succeed with a value or fail with an exception, once.

    `await` it on the event loop, call `wait` in a thread. A failure that nobody asked for is logged when the object
    goes. It is a future of our own because one is made for every command: `concurrent.futures.Future` has a lock and a
    condition each, and its `wrap_future` costs a turn of the event loop.
    """

    def __init__(self, session: Session, label: str) -> None:
        self._label = label
        self._session = session
        self._settling = session.settling
        """Held for a moment by whoever settles or begins to wait."""
        self._is_done = False
        self._value: Value | None = None
        self._error: BaseException | None = None
        self._is_asked_for = False
        self._threads: list[threading.Lock] = []
        self._futures: list[asyncio.Future[None]] = []

    def __del__(self) -> None:
        error = self._error
        if error is not None and not self._is_asked_for:
            log_failure(self._session.log, self._label, error)

    def done(self) -> bool:
        """Whether it has succeeded or failed."""
        return self._is_done

    def wait(self, timeout: float | None = None) -> Value:
        """Block until it is done; return its value or raise what went wrong. TimeoutError after `timeout` seconds."""
        if threading.get_ident() == self._session.loop_thread:
            raise RuntimeError(f"{self._label} would block the event loop here: await it instead of calling wait()")
        with self._settling:
            if self._is_done:
                return self._take()
            gate = threading.Lock()
            gate.acquire()
            self._threads.append(gate)
        if not gate.acquire(timeout=-1 if timeout is None else max(timeout, 0)):
            with self._settling:
                if gate in self._threads:
                    self._threads.remove(gate)
            raise TimeoutError(f"{self._label} was not done after {timeout} s")
        return self._take()

    def __await__(self) -> Generator[object, None, Value]:
        if not self._is_done:
            future = self._session.loop.create_future()
            with self._settling:
                if not self.done():
                    self._futures.append(future)
                else:
                    future.set_result(None)
            yield from future
        return self._take()

    def succeed(self, value: Value) -> None:
        """Finish with `value`; ignored if it is done. On any thread."""
        self._settle(value, None)

    def fail(self, error: BaseException, *, quietly: bool = False) -> None:
        """Finish with `error`; ignored if it is done. On any thread. `quietly`: not to be logged if nobody asks."""
        self._settle(None, error, quietly=quietly)

    def _settle(self, value: Value | None, error: BaseException | None, *, quietly: bool = False) -> None:
        with self._settling:
            if self._is_done:
                return
            self._value, self._error = value, error
            self._is_asked_for = quietly
            self._is_done = True
            threads, self._threads = self._threads, []
            futures, self._futures = self._futures, []
        for gate in threads:
            gate.release()
        if not futures:
            return
        if threading.get_ident() == self._session.loop_thread:
            _wake(futures)
        else:
            self._session.loop.call_soon_threadsafe(_wake, futures)

    def _take(self) -> Value:
        self._is_asked_for = True
        if self._error is not None:
            raise self._error
        return cast("Value", self._value)


def _wake(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


class PendingCommand(Outcome[Value]):
    """What `run_js`, `set_env` and `go_app` return: done when the page has answered.

    `await` it in a coroutine, `wait()` for it in a thread; both raise what went wrong. A failure that nobody waits
    for is logged.
    """

    def __init__(self, session: Session, label: str, read: Callable[[WireModel], Value]) -> None:
        super().__init__(session, label)
        self.command: Command | None = None
        """What was queued for it, once something was."""
        self._read = read

    def receive(self, reply: Replied) -> None:
        """Finish with what the page answered."""
        params = reply.params
        try:
            if isinstance(params, ErrorParams):
                # Whoever cancelled knows why.
                is_expected = reply.command.is_cancelled and params.code == ErrorCode.CANCELLED
                self.fail(command_error(params), quietly=is_expected)
            else:
                self.succeed(self._read(params))
        except Exception as error:
            # A fault of the server's own, of which the session ends: nobody else would tell who waits.
            self.fail(error, quietly=True)
            raise

    def session_ended(self, why: SessionClosed) -> None:
        """Finish because the session has ended."""
        self.fail(why, quietly=True)

    def submit(
        self,
        type_: str,
        params: bytes,
        *,
        deadline: float | None = None,
        streams: bool = False,
        content: bytes | None = None,
    ) -> None:
        """Queue the command that this stands for; arguments and errors are those of `Session.submit`."""
        self.command = self._session.submit(self, type_, params, deadline=deadline, streams=streams, content=content)

    def give_up(self, why: BaseException, *, quietly: bool = False) -> None:
        """Finish with `why`, and tell the page that nobody waits any more. On any thread."""
        # First, since the page's answer to the cancel would be the outcome if it came before.
        self.fail(why, quietly=quietly)
        if self.command:
            self._session.cancel(self.command)


class SessionEnd(Outcome[None]):
    """What `hold` waits for: it succeeds when the session has ended."""

    def session_ended(self, _why: SessionClosed) -> None:
        """Succeed."""
        self.succeed(None)


def log_failure(log: SessionLog, label: str, error: BaseException) -> None:
    """Log a failure that nobody waits for, with the JavaScript stack if there is one."""
    match error:
        case JavaScriptError():
            stack = "" if error.stack is None else Stack(f"\n{error.stack}")
            log.error("%s failed in the page: %s%s", label, error, stack)
        case CommandError(code=ErrorCode.CANCELLED):
            # The user's choice is no fault.
            log.info("%s was given up: %s", label, error)
        case CommandError():
            log.error("%s failed: %s", label, error)
        case _:
            log.error("%s failed", label, exc_info=error)


# -- calls that return what the page answers ---------------------------------------------------------


def answer(
    session: Session,
    type_: str,
    params: bytes,
    read: Callable[[WireModel], Value],
    seconds: float | None,
    *,
    raises: bool,
) -> Value | Coroutine[Any, Any, Value | None] | None:
    """Return what `read` makes of the page's answer to a command, or on the event loop a coroutine of it.

    TimeoutError after `seconds`, in a thread waiting for room included. An error of the page is logged and gives None,
    or, with `raises`, is raised.
    """
    if threading.get_ident() != session.loop_thread:
        return _answer_in_thread(session, type_, params, read, seconds, raises=raises)
    work = _answer_in_task(session, type_, params, read, seconds, raises=raises)
    coroutine = cast("CoroutineType[Any, Any, Value | None]", work)
    # What Python warns of where the program forgot to await it.
    coroutine.__name__ = coroutine.__qualname__ = type_
    return coroutine


def _answer_in_thread(
    session: Session,
    type_: str,
    params: bytes,
    read: Callable[[WireModel], Value],
    seconds: float | None,
    *,
    raises: bool,
) -> Value | None:
    deadline = None if seconds is None else session.loop.time() + seconds
    pending = PendingCommand(session, type_, read)
    pending.submit(type_, params, deadline=deadline)
    try:
        return pending.wait(None if deadline is None else deadline - session.loop.time())
    except TimeoutError:
        _give_up(pending)
        raise _timed_out(type_, seconds) from None
    except CommandError as error:
        if raises:
            raise
        log_failure(session.log, type_, error)
        return None


async def _answer_in_task(
    session: Session,
    type_: str,
    params: bytes,
    read: Callable[[WireModel], Value],
    seconds: float | None,
    *,
    raises: bool,
) -> Value | None:
    pending = PendingCommand(session, type_, read)
    pending.submit(type_, params)
    try:
        if seconds is None:
            return await pending
        async with asyncio.timeout(seconds):
            return await pending
    except asyncio.CancelledError:
        _give_up(pending)
        raise
    except TimeoutError:
        _give_up(pending)
        raise _timed_out(type_, seconds) from None
    except CommandError as error:
        if raises:
            raise
        log_failure(session.log, type_, error)
        return None


def _timed_out(type_: str, seconds: float | None) -> TimeoutError:
    return TimeoutError(f"{type_}() had no value after {seconds} s")


def _give_up(pending: PendingCommand[Any]) -> None:
    pending.give_up(asyncio.CancelledError(), quietly=True)
