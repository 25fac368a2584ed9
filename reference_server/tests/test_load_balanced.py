"""Behind nginx, as the example sets it up: each page finds its session again, only a killed server's are lost."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from cutting_proxy import Cut, When, cutting_proxy
from live_server import PATIENCE
from node_client import node_client
from plain_requests import get_from
from scripted_client import ScriptedClient, make_hello, page_client, scripted_client
from websockets.exceptions import ConnectionClosed

EXAMPLE: Final = Path(__file__).parents[1] / "examples" / "load_balanced" / "run.py"
CLIENTS: Final = 16
"""So many keys that all of them on one server is a matter of one to a million."""
BREAKS: Final = 3

PROGRAM: Final = """
import os
from pathlib import Path
from pagewire_server.session import eval_js

async def main():
    values = [await eval_js("globalThis.count = (globalThis.count ?? 0) + 1") for _ in range(12)]
    Path(os.environ["VALUES"]).write_text(repr(values), encoding="utf-8")
"""


@dataclass(frozen=True)
class Told:
    """What the example's app says of itself."""

    process: int
    session: str
    address: str


class Page:
    """A page of the example, behind nginx: the same client over all its connections."""

    def __init__(self, port: int, key: str, **options: Any) -> None:
        self._url = f"ws://127.0.0.1:{port}/ws?key={key}"
        self._options = options
        self._stack = ExitStack()
        self._client = self._connect()
        self._instance = secrets.token_urlsafe(16)
        self._client.say_hello(instance=self._instance)
        self._session = self._client.welcome["session"]
        self.told = self._read()

    def ask(self) -> Told:
        """Have the app say again who it is."""
        self._client.emit("ask")
        return self._read()

    def break_and_resume(self) -> None:
        """Cut the connection, and go on over another one."""
        self._client.break_connection()
        welcome = self._reconnect().say_hello(**self._resume())
        assert (welcome["resumed"], welcome["session"]) == (True, self._session)
        self._client.seq = welcome["last_seq"]

    def be_cut_off_and_refused(self) -> tuple[str, int]:
        """Wait for the end of the connection; return the bye that the next one gets."""
        with pytest.raises(ConnectionClosed):
            self._client.receive()
        self._reconnect().send(make_hello(**self._resume()))
        return self._client.receive_bye()

    def close(self) -> None:
        """End the connection."""
        self._stack.close()

    def _connect(self) -> ScriptedClient:
        return self._stack.enter_context(scripted_client(self._url, **self._options))

    def _reconnect(self) -> ScriptedClient:
        older, self._client = self._client, self._connect()
        self._client.last_seq = older.last_seq
        return self._client

    def _resume(self) -> dict[str, Any]:
        return {"instance": self._instance, "resume": {"last_seq": self._client.last_seq, "streams": []}}

    def _read(self) -> Told:
        while True:
            args = self._client.receive()["params"].get("args", {})
            if "text" in args:
                found = re.fullmatch(r"Process (\d+), session (\S+), for (\S+)\.", args["text"])
                assert found
                return Told(int(found[1]), found[2], found[3])


@dataclass(frozen=True)
class Balanced:
    """The example, running."""

    port: int
    """Of nginx."""
    servers: dict[int, int]
    """The servers' ports, by process."""


@contextmanager
def balanced(*options: str, folder: Path | None = None, **environment: str) -> Iterator[Balanced]:
    """Run the example until the block ends."""
    command = [sys.executable, str(EXAMPLE), "--port", "0", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=folder, env={**os.environ, **environment}
    ) as process:
        try:
            servers: dict[int, int] = {}
            while found := re.match(r"server: http://127.0.0.1:(\d+)/ \(process (\d+)\)", line := read_line(process)):
                servers[int(found[2])] = int(found[1])
            found = re.match(r"nginx: http://127.0.0.1:(\d+)/", line)
            assert found
            yield Balanced(int(found[1]), servers)
        finally:
            process.terminate()
            assert process.wait(PATIENCE) == 0


def read_line(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process says."""
    assert process.stdout
    return process.stdout.readline()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Run the example for those tests that stop none of its servers; gives the port of nginx."""
    with balanced() as example:
        yield example.port


@contextmanager
def pages(port: int, name: str) -> Iterator[list[Page]]:
    """Open pages with different keys."""
    with ExitStack() as stack:
        opened = []
        for number in range(CLIENTS):
            opened.append(Page(port, f"{name}-{number}"))
            stack.callback(opened[-1].close)
        yield opened


def test_every_reconnect_finds_its_session_on_one_of_several_servers(port: int) -> None:
    """By the key in the URL alone."""
    with pages(port, "many") as opened:
        for _ in range(BREAKS):
            for page in opened:
                page.break_and_resume()
                assert page.ask() == page.told
        assert len({page.told.session for page in opened}) == CLIENTS
        assert len({page.told.process for page in opened}) > 1


def test_address_of_the_user_is_the_forwarded_one(port: int) -> None:
    """Where a client claims another, nginx adds the one that it sees."""
    page = Page(port, "address", source_address=("127.0.0.2", 0), additional_headers={"X-Forwarded-For": "192.0.2.1"})
    assert page.told.address == "127.0.0.2"
    page.close()


def test_page_comes_from_its_own_origin(port: int) -> None:
    """SEC-1: nginx hands on the host that the browser has named."""
    assert get_from(port, "/").status == 200
    Page(port, "origin", origin=f"http://127.0.0.1:{port}").close()
    with scripted_client(f"ws://127.0.0.1:{port}/ws?key=origin", origin="http://127.0.0.1:1") as client:
        assert client.receive_bye() == ("forbidden_origin", 4403)


def test_page_has_a_name_that_the_servers_are_told() -> None:
    """Nginx hands on the name that the browser has; another name that resolves to it is refused (SEC-6)."""
    with balanced("--allow-host", "app.example.org") as example:
        assert get_from(example.port, "/", Host="app.example.org").status == 200
        assert get_from(example.port, "/", Host="evil.example").status == 421
        with page_client(example.port, "app.example.org") as client:
            assert client.say_hello()["resumed"] is False
        with page_client(example.port, "evil.example") as client:
            assert client.receive_bye() == ("forbidden_origin", 4403)


def test_killed_server_loses_its_own_sessions_only() -> None:
    """Their pages are told `session_gone` by the server that takes their key over; the others go on."""
    with balanced() as example, pages(example.port, "killed") as opened:
        killed = opened[0].told.process
        os.kill(killed, signal.SIGKILL)
        for page in opened:
            if page.told.process == killed:
                assert page.be_cut_off_and_refused() == ("session_gone", 4410)
            else:
                assert page.ask() == page.told
                page.break_and_resume()
                assert page.ask() == page.told
        assert get_from(example.port, "/").status == 200


def test_server_that_drains_keeps_its_sessions_and_is_given_no_page() -> None:
    """Over breaks, too; its files come from the others."""
    with balanced() as example, pages(example.port, "drained") as opened:
        page = opened[0]
        os.kill(page.told.process, signal.SIGTERM)
        while get_from(example.servers[page.told.process], "/health").status != 503:
            pass
        page.break_and_resume()
        assert page.ask() == page.told
        assert [get_from(example.port, "/").status for _ in example.servers] == [200] * len(example.servers)


def test_node_client_goes_on_over_cuts_before_nginx(tmp_path: Path) -> None:
    """Each command runs once, on the server where the session began."""
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    values = tmp_path / "values"
    with (
        balanced("--app", "program:main", folder=tmp_path, VALUES=str(values)) as example,
        cutting_proxy(example.port, [Cut(frame, When.AFTER) for frame in (4, 9, 14, 19)]) as proxy,
        node_client(f"ws://127.0.0.1:{proxy.port}/ws", tmp_path) as client,
    ):
        assert client.wait(PATIENCE) == 0
        assert proxy.connections == 5
    assert values.read_text(encoding="utf-8") == repr(list(range(1, 13)))
