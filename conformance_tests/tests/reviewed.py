"""Which text of each requirement its cases were last looked at for; as a program: `reviewed.py ID ...` after a look."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Final

from pagewire_conformance.requirements import specification

RECORD: Final = Path(__file__).parents[1] / "reviewed_requirements.json"


def digest(id_: str) -> str:
    """Return the digest of a requirement: of its level and its text."""
    requirement = specification()[id_]
    return hashlib.sha256(f"{requirement.level} {requirement.text}".encode()).hexdigest()[:16]


def reviewed() -> dict[str, str]:
    """Return the digests that were recorded."""
    found: dict[str, str] = json.loads(RECORD.read_text()) if RECORD.is_file() else {}
    return found


def record(ids: list[str]) -> None:
    """Record that the cases of these requirements were looked at, for the text that they have now."""
    known = {id_: digest_ for id_, digest_ in reviewed().items() if id_ in specification()}
    known |= {id_: digest(id_) for id_ in ids}
    ordered = {id_: known[id_] for id_ in specification() if id_ in known}
    RECORD.write_text(json.dumps(ordered, indent=2) + "\n")


if __name__ == "__main__":
    record(list(specification()) if sys.argv[1:] == ["--all"] else sys.argv[1:])
