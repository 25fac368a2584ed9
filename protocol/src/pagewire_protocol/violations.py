"""What the other side did wrong: each violation maps to one code of bye, here."""

from __future__ import annotations

from pagewire_protocol.codes import ByeCode


class PeerViolation(Exception):  # noqa: N818 - the exception's type says whose fault it is: the peer's
    """The other side broke the protocol. Send a bye with `code` and `str(self)`, and close; the session is over."""

    def __init__(self, message: str, code: ByeCode = ByeCode.INVALID_MESSAGE) -> None:
        super().__init__(message)
        self.code = code


class InvalidParams(PeerViolation):
    """A message's `params` are missing or invalid; for a command the answer is `error invalid_command` (WIRE-19)."""
