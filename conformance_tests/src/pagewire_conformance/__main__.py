"""The command `pagewire-conformance`: tells of any client whether it keeps the protocol."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pagewire_conformance.interruption import INTERRUPTION


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code. It is made for a process of its own, whose signals it handles."""
    INTERRUPTION.listen()  # before the imports, which take most of a second
    try:
        return _run(arguments)
    finally:
        INTERRUPTION.finish()


def _run(arguments: Sequence[str] | None) -> int:
    try:
        # Only here: so that who has installed Pagewire without the suite's own needs is told what to do.
        from pagewire_conformance import command_line  # noqa: PLC0415
    except ModuleNotFoundError as error:
        sys.stderr.write(f"pagewire-conformance: {error}; it needs: pip install 'pagewire[conformance]'\n")
        return 2
    return command_line.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
