"""What a call of the session API raises."""

from __future__ import annotations

from typing import Any

from pydantic import MISSING

from pagewire_protocol.codes import ErrorCode
from pagewire_protocol.reply_messages import ErrorParams
from pagewire_server.ops.client_text import one_line


class SessionError(Exception):
    """A call could not be made, or not be finished, because of the session."""


class SessionClosed(SessionError):  # noqa: N818 - the name is the session API's
    """The session has ended: every pending call raises this, and every later one."""


class SessionBusy(SessionError):  # noqa: N818 - the name is the session API's
    """The session's outbox is full, because the page is slow or away; nothing was queued. Try again later."""


class SessionNotFound(SessionError):  # noqa: N818 - the name is the session API's
    """There is no session in this thread or task."""


class MissingExtraError(ImportError):
    """An option needs a library that is not installed; the message says how to get it."""


class CommandError(Exception):
    """The page could not do what was asked. SPEC section 6 has the codes.

    Its text (`str`) is cut and escaped, since the page chooses it; the attributes are as the page sent them.
    """

    def __init__(self, code: str, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        """One of `pagewire_protocol.codes.ErrorCode`, or a later version's."""
        self.message = message
        self.data = data

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.message, self.data)

    def __str__(self) -> str:
        return f"{one_line(self.code)}: {one_line(self.message)}"


class JavaScriptError(CommandError):
    """The code threw, rejected, or is no JavaScript."""

    def __init__(self, name: str, message: str, stack: str | None) -> None:
        super().__init__(ErrorCode.EXCEPTION, message)
        self.name = name
        """The error's name, or the typeof of what is no Error."""
        self.stack = stack
        """JavaScript's, if it gave one."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.message, self.stack)

    def __str__(self) -> str:
        return f"{one_line(self.name)}: {one_line(self.message)}"


def command_error(params: ErrorParams) -> CommandError:
    """Return the exception for an `error` from the page."""
    if params.exception is not MISSING:
        thrown = params.exception
        return JavaScriptError(thrown.name, thrown.message, None if thrown.stack is MISSING else thrown.stack)
    return CommandError(params.code, params.message, None if params.data is MISSING else params.data)
