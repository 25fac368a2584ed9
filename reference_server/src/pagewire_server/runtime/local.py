"""The session's own dictionary, by attribute or item."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from pagewire_server.runtime.current import current_session


class SessionLocal:
    """State of the session at hand, never shared with another; a missing attribute or item is None."""

    __slots__ = ()

    @property
    def _dict(self) -> dict[Hashable, Any]:
        return current_session().local

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the program's own values
        return self._dict.get(name)

    def __setattr__(self, name: str, value: object) -> None:
        self._dict[name] = value

    def __delattr__(self, name: str) -> None:
        self._dict.pop(name, None)

    def __getitem__(self, key: Hashable) -> Any:  # noqa: ANN401 - the program's own values
        return self._dict.get(key)

    def __setitem__(self, key: Hashable, value: object) -> None:
        self._dict[key] = value

    def __delitem__(self, key: Hashable) -> None:
        self._dict.pop(key, None)

    def __contains__(self, key: object) -> bool:
        return key in self._dict

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._dict)

    def __len__(self) -> int:
        return len(self._dict)

    def __repr__(self) -> str:
        return f"SessionLocal({self._dict!r})"
