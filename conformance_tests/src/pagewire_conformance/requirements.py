"""What ties cases to SPEC.md: the requirements that a case names, the profile it belongs to, the text of both."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

import pytest

from pagewire_protocol.requirements import Requirement, read_requirements, spec_text

Function = TypeVar("Function", bound=Callable[..., object])


class Profile(StrEnum):
    """What a client does; a new one can pass step by step."""

    CORE = "core"
    """The handshake, the commands and their replies, on one connection."""
    PAGE = "page"
    """What concerns a page: its URL, windows, settings, and leaving."""
    STREAMS = "streams"
    """Large files in chunks."""
    RESUME = "resume"
    """A connection that breaks, and all that follows."""


def requirement(*ids: str) -> Callable[[Function], Function]:
    """Name the requirements of SPEC.md that a case is about."""
    return pytest.mark.requirement(*ids)


def profile(name: Profile) -> pytest.MarkDecorator:
    """Say, as `pytestmark` of a module, to which profile its cases belong."""
    return pytest.mark.profile(name.value)


TOPICS: Final = Path(__file__).parent / "cases"
"""The folder of the cases, one folder a topic in it."""


@cache
def specification() -> dict[str, Requirement]:
    """Return the requirements of SPEC.md that bind a client, by id."""
    return {each.id: each for each in read_requirements(spec_text()) if each.party != "server"}


def is_should(ids: tuple[str, ...]) -> bool:
    """Whether all the requirements named are ones that a client SHOULD keep."""
    return all(specification()[id_].level.startswith("SHOULD") for id_ in ids)
