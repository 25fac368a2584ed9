"""The session API: what an app calls to drive the page that its user has open.

In a plain `def` app the calls block; in an `async def` app what blocks there is awaited here: `await eval_js(...)`,
`await hold()`. What `run_js`, `download`, `set_env` and `go_app` return need not be waited for.
"""

from __future__ import annotations

import asyncio
import inspect
import mimetypes
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Literal, TypeVar, Unpack, cast, overload

from pagewire_protocol.command_messages import (
    EvalJsParams,
    EvalJsResult,
    GoAppParams,
    RunJsParams,
    SetEnvResult,
    Settings,
)
from pagewire_protocol.fields import WireModel
from pagewire_protocol.json_values import dump
from pagewire_server.apps.commands import (
    PendingCommand,
    SessionEnd,
    answer,
    check_settings,
    make_params,
)
from pagewire_server.apps.content import Content, open_content
from pagewire_server.apps.context import CurrentInfo, SessionLocal, current_session
from pagewire_server.apps.downloads import Download, start_download
from pagewire_server.apps.events import EventHandler
from pagewire_server.apps.info import SessionInfo
from pagewire_server.apps.running import start_task, watch_thread
from pagewire_server.errors import (
    CommandError,
    JavaScriptError,
    SessionBusy,
    SessionClosed,
    SessionError,
    SessionNotFound,
)

__all__ = [
    "CommandError",
    "Download",
    "JavaScriptError",
    "PendingCommand",
    "SessionBusy",
    "SessionClosed",
    "SessionError",
    "SessionInfo",
    "SessionNotFound",
    "TaskHandler",
    "defer_call",
    "download",
    "eval_js",
    "go_app",
    "hold",
    "info",
    "local",
    "on_event",
    "register_thread",
    "run_async",
    "run_asyncio_coroutine",
    "run_js",
    "set_env",
]

Value = TypeVar("Value")
Function = TypeVar("Function", bound=Callable[[], object])
Handler = TypeVar("Handler", bound=EventHandler)

info: Final = cast("SessionInfo", CurrentInfo())
"""The user, the page and the connection of this session; read only. `print(info)` shows all of it, as JSON."""

local: Final = SessionLocal()
"""The session's own dictionary, by attribute or item; what is missing is None."""


def run_js(code_: str, **args: Any) -> PendingCommand[None]:  # noqa: ANN401 - any JSON
    """Run JavaScript in the page; `args` are local variables there. SPEC section 5.1.

    Returns at once. What it returns can be awaited (coroutine) or waited for with `wait()` (thread) until the code has
    run and its promise has settled; both raise `JavaScriptError` for what the code threw. An error that nobody waits
    for is logged, with the JavaScript stack.

    Raises TypeError or ValueError for an argument that JSON cannot carry, `SessionClosed`, and on the event loop
    `SessionBusy`; in a thread it waits for room.
    """
    _require_str("run_js", "code_", code_)
    return _submit("run_js", make_params(RunJsParams, "run_js", {"code": code_, "args": args}, values=args), _nothing)


def eval_js(
    expression_: str,
    *,
    timeout_: float | None = None,
    on_error_: Literal["none", "raise"] = "none",
    **args: Any,  # noqa: ANN401 - any JSON
) -> Any:  # noqa: ANN401 - any JSON, or a coroutine of it
    """Return the value of a JavaScript expression; `args` are local variables in it. SPEC section 5.2.

    A promise is awaited. `await` the call in a coroutine. What is thrown or rejected is logged and gives None; with
    `on_error_="raise"` it raises `JavaScriptError`, which has name, message and stack, or another `CommandError`.

    Raises TimeoutError after `timeout_` seconds, waiting for a connection included, and tells the page to stop
    waiting; TypeError or ValueError for an argument that JSON cannot carry; `SessionClosed`; in a coroutine
    `SessionBusy`.
    """
    _require_str("eval_js", "expression_", expression_)
    _check_waiting("eval_js", timeout_, on_error_)
    params = make_params(EvalJsParams, "eval_js", {"expression": expression_, "args": args}, values=args)
    return answer(current_session(), "eval_js", params, _value_of, timeout_, raises=on_error_ == "raise")


def download(name: str, content: Content, *, media_type_: str | None = None) -> Download:
    """Save a file at the user's side. SPEC section 5.4.

    Args:
        name: What it is saved as; the page makes it safe.
        content: Bytes-like, a path object, a file opened for reading bytes, or an iterator of bytes, asynchronous too.
            What is large is streamed with bounded memory; files and plain iterators are read in a thread.
        media_type_: Such as "text/csv"; guessed from the name if absent.

    Returns at once. What it returns tells progress (`received`, `size`), and can be awaited or waited for until the
    page has handed the file over to be saved. The content is read no further once the session has ended.

    Raises TypeError for other content, OSError for a path that can't be read, ValueError for a bad name or for more
    than a client without streams accepts. Where the size is not known at once, what it returns raises that.
    """
    _require_str("download", "name", name, "; the order is download(name, content)")
    session = current_session()
    media_type = media_type_ or mimetypes.guess_type(name)[0] or "application/octet-stream"
    session.require_open()
    return start_download(session, name, media_type, open_content(content, session.options.stream_window_bytes))


def set_env(**settings: Unpack[Settings]) -> PendingCommand[SetEnvResult]:
    """Set up the page; a setting that is not named stays as it is. SPEC section 5.5.

    Raises TypeError for an unknown setting and ValueError for a bad value, before anything is sent.
    What it returns can be awaited or waited for; its value says which settings were `applied`, which `ignored`.
    """
    return _submit("set_env", dump(check_settings(settings)), _settings_result)


def go_app(name: str, new_window: bool = True) -> PendingCommand[None]:
    """Jump to another app of this server, in a new window or in this one. SPEC section 5.6.

    Raises ValueError at once for an app that there is not. A popup that the browser blocked is logged, or raised as
    `CommandError` with code `popup_blocked` if it is waited for; the page then offers the user a link.
    """
    _require_str("go_app", "name", name)
    session = current_session()
    if name not in session.apps:
        raise ValueError(f"go_app(): there is no app {name!r} on this server; it has {', '.join(sorted(session.apps))}")
    return _submit("go_app", make_params(GoAppParams, "go_app", {"app": name, "new_window": new_window}), _nothing)


def hold() -> Any:  # noqa: ANN401 - None, or an awaitable of it
    """Return when the user closes the page, or the session ends in another way. `await` it in a coroutine."""
    session = current_session()
    end = SessionEnd(session, "hold")
    session.listen_for_end(end)
    return end if threading.get_ident() == session.loop_thread else end.wait()


def defer_call(function: Function) -> Function:
    """Have `function` called when the session ends, however it ends; plain or async. Also a decorator.

    Functions are called in the order in which they were registered, plain ones in a thread of their own. `info` and
    `local` are there; commands raise `SessionClosed`. An exception is logged, and the next one is called. Once the
    session has ended this raises `SessionClosed`.
    """
    _require_callable("defer_call", "function", function)
    current_session().deferred.add(function)
    return function


@overload
def on_event(name: str, handler: Handler) -> Handler: ...
@overload
def on_event(name: str) -> Callable[[Handler], Handler]: ...
def on_event(name: str, handler: Handler | None = None) -> Handler | Callable[[Handler], Handler]:
    """Have `handler` called with the data of every event `name` that the page emits. Also a decorator. SPEC section 7.

    A session with handlers goes on after its app has returned, until the user leaves. Plain handlers of a `def` app
    are called one at a time in a thread and may block; all others on the event loop.
    """
    _require_str("on_event", "name", name)
    session = current_session()
    session.require_open()

    def register(given: Handler) -> Handler:
        _require_callable("on_event", "handler", given)
        session.events.add(name, given)
        return given

    return register if handler is None else register(handler)


def register_thread(thread: threading.Thread) -> None:
    """Make the session API work in `thread`, which the app starts. The session ends when its last thread has.

    RuntimeError in an `async def` app.
    """
    session = current_session()
    if not session.events.uses_thread:
        raise RuntimeError("register_thread() is for apps that are plain functions; in a coroutine use run_async()")
    watch_thread(session, thread)


class TaskHandler:
    """A coroutine that `run_async` started."""

    def __init__(self, task: asyncio.Task[object]) -> None:
        self._task = task

    def close(self) -> None:
        """Cancel the coroutine."""
        self._task.cancel()

    def closed(self) -> bool:
        """Whether it has returned, failed, or was cancelled."""
        return self._task.done()


def run_async(coro_obj: Coroutine[Any, Any, Any]) -> TaskHandler:
    """Run a coroutine beside the app, in the same session; the session does not end before it.

    RuntimeError in an app that is a plain function.
    """
    if not inspect.iscoroutine(coro_obj):
        raise TypeError(f"run_async(): coro_obj is of type {type(coro_obj).__name__}, not a coroutine")
    session = current_session()
    if session.events.uses_thread or threading.get_ident() != session.loop_thread:
        coro_obj.close()
        raise RuntimeError("run_async() is for apps that are coroutines; in a plain function use register_thread()")
    return TaskHandler(start_task(session, coro_obj))


async def run_asyncio_coroutine(coro_obj: Awaitable[Value]) -> Value:
    """Await any coroutine of asyncio and return its value. Here the apps' event loop is asyncio's own."""
    return await coro_obj


def _submit(type_: str, params: bytes, read: Callable[[WireModel], Value]) -> PendingCommand[Value]:
    pending = PendingCommand(current_session(), type_, read)
    pending.submit(type_, params)
    return pending


def _require_str(call: str, argument: str, value: object, hint: str = "") -> None:
    if not isinstance(value, str):
        raise TypeError(f"{call}(): {argument} is of type {type(value).__name__}, not str{hint}")


def _require_callable(call: str, argument: str, value: object) -> None:
    if not callable(value):
        raise TypeError(f"{call}(): {argument} is of type {type(value).__name__}; pass a function, without calling it")


def _check_waiting(call: str, timeout: float | None, on_error: str) -> None:
    if on_error not in {"none", "raise"}:
        raise ValueError(f"{call}(): on_error_ is {on_error!r}; it takes 'none' or 'raise'")
    if timeout is not None and not 0 <= timeout <= threading.TIMEOUT_MAX:
        raise ValueError(f"{call}(): timeout_ is {timeout!r}; it takes seconds, 0 or more, or None")


def _value_of(params: WireModel) -> Any:  # noqa: ANN401 - any JSON
    return cast("EvalJsResult", params).value


def _nothing(_params: WireModel) -> None:
    return None


def _settings_result(params: WireModel) -> SetEnvResult:
    return cast("SetEnvResult", params)
