"""What can come of a case, and the exceptions by which a case says so."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What came of one case."""

    PASSED = "passed"
    FAILED = "failed"
    """A MUST is broken."""
    WARNING = "warning"
    """A SHOULD is not kept."""
    UNVERIFIED = "unverified"
    """What the case is about cannot be observed with this client."""
    NOT_OFFERED = "not offered"
    """The case is about a client of another kind: one with a capability, a page, a lack that this one has not."""
    KNOWN_FAILURE = "known failure"
    """It failed, and the file of known failures says so."""
    ERROR = "error"
    """The suite itself failed, or the case checked nothing."""


class Broken(AssertionError):  # noqa: N818 - the verdict's own word
    """The client broke the protocol."""

    def __init__(self, text: str, requirement: str | None = None, *, is_final: bool = False) -> None:
        """`requirement` names the one that is broken; None stands for those of the case.

        After one that `is_final`, a time that is over or a connection that is gone, nothing more can be asked.
        """
        super().__init__(text)
        self.requirement = requirement
        self.is_final = is_final


class Unverified(Exception):  # noqa: N818 - the verdict's own word
    """What the case is about cannot be observed with this client; the text says what is missing."""


class NotOffered(Exception):  # noqa: N818 - the verdict's own word
    """The client does not offer what the case is about; the text says what that is."""


class ClientFailure(Exception):  # noqa: N818 - not an error of the suite
    """The client could not be started, or did not connect; the text says how far it came."""
