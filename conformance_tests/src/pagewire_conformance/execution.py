"""Runs one case against one client, and says what came of it. The plugin uses it, and so do the suite's own tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import is_should, specification
from pagewire_conformance.verdicts import Broken, ClientFailure, NotOffered, Unverified, Verdict


@dataclass(frozen=True)
class Outcome:
    """What came of a case."""

    verdict: Verdict
    message: str = ""
    """What was expected and what came, or what is missing; empty for a pass."""
    broken: tuple[str, ...] = ()
    """The requirements that are broken."""
    connected: bool = True
    """Whether the client connected at all."""


def perform(case: Callable[[], object], peer: Peer, requirements: tuple[str, ...], *, greets: bool) -> Outcome:
    """Run a case and judge what is left over; `greets` says whether it begins after the welcome."""
    try:
        if greets:
            peer.connect()
        case()
        peer.settle()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the case's outcome
        return outcome_of(error, requirements, connected=peer.line.is_connected)
    return Outcome(Verdict.PASSED)


def outcome_of(error: Exception, requirements: tuple[str, ...], *, connected: bool = True) -> Outcome:
    """Return what an exception of a case means."""
    match error:
        case NotOffered():
            return Outcome(Verdict.NOT_OFFERED, str(error))
        case Unverified():
            return Outcome(Verdict.UNVERIFIED, str(error))
        case ClientFailure():
            return Outcome(Verdict.FAILED, str(error), requirements, connected)
        case Broken(requirement=str() as id_):
            return _failed(str(error), (id_,))
        case AssertionError():
            return _failed(str(error), requirements)
    return Outcome(Verdict.ERROR, f"{type(error).__name__}: {error}")


def _failed(message: str, broken: tuple[str, ...]) -> Outcome:
    known = tuple(id_ for id_ in broken if id_ in specification())
    verdict = Verdict.WARNING if known and is_should(known) else Verdict.FAILED
    return Outcome(verdict, message, broken)
