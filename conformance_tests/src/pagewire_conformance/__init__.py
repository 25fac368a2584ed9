"""The conformance suite: tells of any client, in any language, whether it keeps the protocol."""

from __future__ import annotations

from pagewire_conformance.verdicts import Broken, NotOffered, Unverified

__all__ = ["Broken", "NotOffered", "Unverified"]
