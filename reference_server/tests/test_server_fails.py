"""The server's own code fails in the middle of a session: its page is told and let go, the log says why."""

from __future__ import annotations

from typing import Any

import pytest
from live_server import Serve
from results import Results
from scripted_client import Connect

from pagewire_server.apps.session import Session
from pagewire_server.backends.default.websocket import DefaultWebSocket
from pagewire_server.core.session import SessionCore
from pagewire_server.session import SessionClosed, download, eval_js, hold

FAILED = ("internal_error", 4500)


class PlantedError(Exception):
    """A bug of ours."""


def plant(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
    """Have a method fail from now on."""

    def fail(*_arguments: object) -> None:
        raise PlantedError(name)

    monkeypatch.setattr(owner, name, fail)


def planted_errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged with the planted bug as its reason."""
    return [record.name for record in caplog.records if record.exc_info and record.exc_info[0] is PlantedError]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("owner", "name"), [(SessionCore, "next_frame"), (DefaultWebSocket, "write_text"), (Session, "next_frame")]
)
def test_page_is_told_where_the_writer_fails(
    serve: Serve,
    connect: Connect,
    results: Results,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    owner: type,
    name: str,
    *,
    is_async: bool,
) -> None:
    """Whether it writes in its own task or on behalf of who sends; whoever waits is told as well."""

    def ask() -> None:
        try:
            eval_js("1")
            eval_js("2")
        except SessionClosed as error:
            results.put(str(error))

    async def ask_async() -> None:
        try:
            await eval_js("1")
            await eval_js("2")
        except SessionClosed as error:
            results.put(str(error))

    live = serve(ask_async if is_async else ask)
    client = connect(live)
    first = client.receive("eval_js")
    plant(monkeypatch, owner, name)
    client.result(first, value=1)
    assert client.receive_bye() == FAILED
    assert results.next().endswith("The server failed.")
    assert planted_errors(caplog) == ["pagewire.session"]
    assert live.server.session_count == 0


def test_page_is_told_where_the_reader_fails(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is wrong with the server is not said to be the client's fault."""
    live = serve(hold)
    client = connect(live)
    plant(monkeypatch, SessionCore, "receive_text")
    client.emit("something")
    assert client.receive_bye() == FAILED
    assert planted_errors(caplog) == ["pagewire.session"]
    assert live.server.session_count == 0


def test_page_is_told_where_a_timer_fails(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as the one that lets a few bytes of a download go."""

    def slow() -> Any:
        yield b"a few bytes"
        hold()

    live = serve(lambda: download("slow.txt", slow()).wait())
    plant(monkeypatch, SessionCore, "flush_streams")
    client = connect(live, capabilities={"streams": {}})
    client.receive("download")
    assert client.receive_bye() == FAILED
    assert planted_errors(caplog) == ["pagewire.session"]
