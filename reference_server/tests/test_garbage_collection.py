"""`serve` keeps full collections of garbage short: what was there before the first client is not looked at again."""

from __future__ import annotations

import subprocess
import sys

SERVE = """
import gc, os, signal
from pagewire_server import create_server, serve

def app():
    pass

def stop(server):
    print(gc.get_freeze_count() > 10_000, len(gc.get_objects()) < 1_000)
    os.kill(os.getpid(), signal.SIGINT)
"""


def printed_by(program: str) -> list[str]:
    """Run a program to its end; return its lines."""
    result = subprocess.run(
        [sys.executable, "-c", SERVE + program], capture_output=True, text=True, check=True, timeout=60
    )
    return result.stdout.splitlines()


def test_what_is_there_at_the_start_is_frozen_while_serve_runs() -> None:
    """And is collected again afterwards."""
    program = """
serve(app, port=0, quiet=True, on_start=stop)
print(gc.get_freeze_count())
"""
    assert printed_by(program) == ["True True", "0"]


def test_garbage_of_before_the_start_is_not_frozen() -> None:
    """It would stay for as long as the server runs."""
    program = """
import weakref

class Garbage:
    pass

garbage = Garbage()
garbage.itself = garbage
seen = weakref.ref(garbage)
gc.disable()
del garbage

def look(server):
    print(seen())
    stop(server)

serve(app, port=0, quiet=True, on_start=look)
"""
    assert printed_by(program) == ["None", "True True"]


def test_what_the_program_has_frozen_stays_so() -> None:
    """`serve` then freezes nothing more, and unfreezes nothing."""
    program = """
gc.freeze()
before = gc.get_freeze_count()

def compare(server):
    print(gc.get_freeze_count() <= before)
    os.kill(os.getpid(), signal.SIGINT)

serve(app, port=0, quiet=True, on_start=compare)
print(gc.get_freeze_count() > 10_000)
"""
    assert printed_by(program) == ["True", "True"]


def test_create_server_freezes_nothing() -> None:
    """The process is the program's."""
    program = """
import asyncio

async def main():
    before = gc.get_freeze_count()
    async with create_server(app, port=0):
        print(gc.get_freeze_count() == before)

asyncio.run(main())
"""
    assert printed_by(program) == ["True"]
