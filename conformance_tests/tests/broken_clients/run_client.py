"""Runs the correct client, or one with a defect, as a process: `run_client.py [--again] NAME URL`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from broken_clients import defects
from broken_clients.client import Client
from broken_clients.defects import DEFECTS


def find(name: str) -> type[Client]:
    """Return the client of that name."""
    defects.load()
    return next((defect for _, defect in DEFECTS if defect.__name__ == name), Client)


if __name__ == "__main__":
    again = sys.argv[1] == "--again"
    client_type = find(sys.argv[-2])
    client_type(sys.argv[-1]).run()
    while again:
        client_type(sys.argv[-1]).run()
