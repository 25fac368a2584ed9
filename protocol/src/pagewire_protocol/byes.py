"""Byes as the registry has them: the retry and the close code that go with a code (SPEC section 12)."""

from __future__ import annotations

from typing import Final

from pydantic import MISSING

from pagewire_protocol.codes import BYE_RULES, ByeCode
from pagewire_protocol.control_messages import ByeParams
from pagewire_protocol.fields import Json

MAX_MESSAGE_LENGTH: Final = 1000
"""What is kept of a message for people."""


def make_bye(code: ByeCode, message: str, data: Json | MISSING = MISSING) -> ByeParams:
    """Return the bye for `code`, with the retry of the registry (END-14)."""
    text = message[:MAX_MESSAGE_LENGTH].encode(errors="replace").decode()
    return ByeParams(code=code.value, message=text, retry=BYE_RULES[code].retry, data=data)


def close_code(bye: ByeParams) -> int:
    """Return the code that a connection is closed with after `bye`, which must be of the registry (END-1)."""
    return BYE_RULES[ByeCode(bye.code)].close
