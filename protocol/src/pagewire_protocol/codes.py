"""The registry of codes: why a command failed, and why a connection ends (SPEC sections 6 and 12)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, Literal

Retry = Literal["never", "reconnect", "resume"]
"""What a client does after a `bye`: stop, come back as a new instance, or come back as the same one."""

Sender = Literal["server", "client", "both"]
"""The side that sends something."""


class ErrorCode(StrEnum):
    """Why a command failed: `code` of an `error`."""

    EXCEPTION = "exception"
    NOT_SERIALIZABLE = "not_serializable"
    BLOCKED_BY_CSP = "blocked_by_csp"
    POPUP_BLOCKED = "popup_blocked"
    CANCELLED = "cancelled"
    UNSUPPORTED = "unsupported"
    INVALID_COMMAND = "invalid_command"
    TOO_LARGE = "too_large"
    STREAM_FAILED = "stream_failed"
    SAVE_FAILED = "save_failed"


class ByeCode(StrEnum):
    """Why a side closes: `code` of a `bye`."""

    SESSION_ENDED = "session_ended"
    CLIENT_LEFT = "client_left"
    SERVER_SHUTDOWN = "server_shutdown"
    INVALID_MESSAGE = "invalid_message"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN_ORIGIN = "forbidden_origin"
    UNKNOWN_APP = "unknown_app"
    UNSUPPORTED_VERSION = "unsupported_version"
    HELLO_TIMEOUT = "hello_timeout"
    REPLACED = "replaced"
    SESSION_GONE = "session_gone"
    TOO_LARGE = "too_large"
    TOO_MANY_SESSIONS = "too_many_sessions"
    INTERNAL_ERROR = "internal_error"


class NoticeCode(StrEnum):
    """What a server tells about itself: `code` of a `notice`."""

    DRAINING = "draining"


class CloseCode(IntEnum):
    """Close codes of WebSocket that mean something here without a `bye`."""

    NORMAL = 1000
    GOING_AWAY = 1001
    INVALID_DATA = 1007
    MESSAGE_TOO_BIG = 1009
    SILENT_LINK = 4000
    """The client heard nothing for too long (BEAT-4)."""


@dataclass(frozen=True, slots=True)
class ByeRule:
    """A row of the registry: the close code and the retry that go with a bye's code, and who sends it."""

    close: int
    retry: Retry
    sent_by: Sender
    means: str


BYE_RULES: Final[dict[ByeCode, ByeRule]] = {
    ByeCode.SESSION_ENDED: ByeRule(1000, "never", "server", "the app is done and everything delivered"),
    ByeCode.CLIENT_LEFT: ByeRule(1000, "never", "client", "the user left the page, the process stops"),
    ByeCode.SERVER_SHUTDOWN: ByeRule(1012, "reconnect", "server", "the server stops"),
    ByeCode.INVALID_MESSAGE: ByeRule(4400, "never", "both", "a message broke the protocol"),
    ByeCode.UNAUTHORIZED: ByeRule(4401, "never", "server", "auth was not accepted"),
    ByeCode.FORBIDDEN_ORIGIN: ByeRule(4403, "never", "server", "pages of that origin are not let in"),
    ByeCode.UNKNOWN_APP: ByeRule(4404, "never", "server", "there is no app of that name"),
    ByeCode.UNSUPPORTED_VERSION: ByeRule(4406, "never", "server", "no version in common"),
    ByeCode.HELLO_TIMEOUT: ByeRule(4408, "resume", "server", "no hello came in time"),
    ByeCode.REPLACED: ByeRule(
        4409, "never", "server", "another connection of the instance took over, or had done so before this hello came"
    ),
    ByeCode.SESSION_GONE: ByeRule(4410, "never", "server", "the session is no longer known"),
    ByeCode.TOO_LARGE: ByeRule(4413, "never", "both", "a message was larger than announced, or had more values"),
    ByeCode.TOO_MANY_SESSIONS: ByeRule(4429, "reconnect", "server", "the server is full"),
    ByeCode.INTERNAL_ERROR: ByeRule(4500, "never", "server", "the app failed, or the server did"),
}

ENDING_CLOSES: Final[dict[int, ByeCode]] = {
    CloseCode.NORMAL.value: ByeCode.SESSION_ENDED,
    CloseCode.INVALID_DATA.value: ByeCode.INVALID_MESSAGE,
    CloseCode.MESSAGE_TOO_BIG.value: ByeCode.TOO_LARGE,
    **{
        rule.close: code for code, rule in BYE_RULES.items() if rule.retry == "never" and rule.close != CloseCode.NORMAL
    },
}
"""The closes that end the session for a client without a `bye`, to the code that each stands for (END-5).

Every other close without a `bye` is a break.
"""

CLOSE_MEANINGS: Final[dict[int, str]] = {
    CloseCode.NORMAL.value: "the other side is done: the app has ended, or the client left",
    CloseCode.INVALID_DATA.value: "a text frame was not UTF-8",
    CloseCode.MESSAGE_TOO_BIG.value: "a message was so large that the WebSocket layer refused it",
}
"""What the closes of the WebSocket layer mean without a `bye`."""

SESSION_ENDING_CLOSE_CODES: Final = frozenset(
    close for close, code in ENDING_CLOSES.items() if BYE_RULES[code].sent_by == "both"
)
"""Closes that end the session on both sides, with or without a `bye` (END-9)."""

ERROR_MEANINGS: Final[dict[ErrorCode, str]] = {
    ErrorCode.EXCEPTION: "the code threw, rejected, or does not parse",
    ErrorCode.NOT_SERIALIZABLE: "the value has no JSON",
    ErrorCode.BLOCKED_BY_CSP: "the page's Content-Security-Policy forbids running it",
    ErrorCode.POPUP_BLOCKED: "the browser did not open the window",
    ErrorCode.CANCELLED: "nobody waits for it any more: the server gave up, or the user did",
    ErrorCode.UNSUPPORTED: "this client does not know the command, or cannot do it",
    ErrorCode.INVALID_COMMAND: "its params are invalid",
    ErrorCode.TOO_LARGE: "the reply is larger than the server accepts, or has more values",
    ErrorCode.STREAM_FAILED: "a stream ended at another length than `size`",
    ErrorCode.SAVE_FAILED: "the file could not be saved",
}

NOTICE_MEANINGS: Final[dict[NoticeCode, str]] = {
    NoticeCode.DRAINING: "the server stops, and ends this session after `ends_in_ms` at the latest",
}
