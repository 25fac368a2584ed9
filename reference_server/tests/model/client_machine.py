"""The JavaScript client's session as a machine of numbered states: `js_client/tests/model/session_machine.mjs`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

JS_CLIENT: Final = Path(__file__).parents[3] / "js_client"
PROGRAM: Final = JS_CLIENT / "tests" / "model" / "session_machine.mjs"
FOLDERS: Final = ("core", "protocol")
"""Of the client's sources: what a session needs."""
_PRIVATE: Final = re.compile(r"#(?=[a-zA-Z_])")

Output = tuple[Any, ...]
"""What the session asks of its shell: ("connect",), ("send", frame), ("started", id) and others."""


@dataclass(frozen=True)
class Patch:
    """A change of one source file, by text that stands in it once."""

    file: str
    old: str
    new: str


class ClientStep(NamedTuple):
    """What an event does to a client."""

    state: int
    outputs: tuple[Output, ...]
    running: tuple[int, ...]
    """The commands that wait to be answered."""


class ClientMachine:
    """Asks a process of Node once for each pair of state and event, and remembers the answer."""

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests = requests
        self._answers = answers
        self._known: dict[tuple[int, str, object], ClientStep | None] = {}

    @property
    def state_count(self) -> int:
        """How many states have been come to."""
        return 1 + max(step.state for step in self._known.values() if step)

    def step(self, state: int, name: str, argument: object = None) -> ClientStep | None:
        """Return what event `name` does in `state`; None if it can't happen there."""
        key = (state, name, argument)
        if key not in self._known:
            self._known[key] = self._ask(key)
        return self._known[key]

    def _ask(self, key: tuple[int, str, object]) -> ClientStep | None:
        state, name, argument = key
        self._requests.write(json.dumps([state, [name, argument]]) + "\n")
        self._requests.flush()
        line = self._answers.readline()
        if not line:
            raise RuntimeError(f"the client's machine stopped at {key}; what Node wrote says why")
        answer = json.loads(line)
        if answer is None:
            return None
        return ClientStep(answer[0], tuple(tuple(output) for output in answer[1]), tuple(answer[2]))


@contextmanager
def client_machine(patches: Sequence[Patch] = ()) -> Iterator[ClientMachine]:
    """Run the machine of our client, changed by `patches`."""
    with tempfile.TemporaryDirectory() as folder:
        _copy_sources(Path(folder), patches)
        command = ["node", str(PROGRAM), folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            if process.stdin is None or process.stdout is None:
                raise RuntimeError("a process without its pipes")
            try:
                yield ClientMachine(process.stdin, process.stdout)
            finally:
                process.kill()


def _copy_sources(target: Path, patches: Sequence[Patch]) -> None:
    for name in FOLDERS:
        shutil.copytree(JS_CLIENT / "src" / name, target / name)
    for patch in patches:
        file = target / patch.file
        text = file.read_text()
        if text.count(patch.old) != 1:
            raise ValueError(f"{patch.file} has {patch.old!r} {text.count(patch.old)} times, not once")
        file.write_text(text.replace(patch.old, patch.new))
    for file in target.glob("core/*.js"):
        # So that a state can be copied and compared: private fields can't be.
        file.write_text(_PRIVATE.sub("$", file.read_text()))
    (target / "package.json").write_text('{"type": "module"}')
