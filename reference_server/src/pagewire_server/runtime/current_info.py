"""The info of the session at hand, as apps import it."""

from __future__ import annotations

import dataclasses
from typing import Any

from pagewire_server.runtime.current import current_session
from pagewire_server.runtime.info import SessionInfo


class CurrentInfo:
    """The `SessionInfo` of the session at hand: each attribute is read from it."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - typed as SessionInfo where users see it
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(current_session().info, name)

    def __str__(self) -> str:
        return str(current_session().info)

    __repr__ = __str__

    def __dir__(self) -> list[str]:
        return [field.name for field in dataclasses.fields(SessionInfo)]
