"""The types of the session API, as an editor sees them in a `def` and in an `async def`.

The functions here are checked by mypy, strictly, and never called.
"""

from __future__ import annotations

import inspect
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, assert_type

import pytest

from pagewire_protocol.command_messages import SetEnvResult
from pagewire_protocol.registry import RESULT_MODELS
from pagewire_server import session
from pagewire_server.session import Download, PendingCommand, SessionInfo


def in_a_thread() -> None:
    """Use each call as a plain app does."""
    width: int = session.eval_js("window.innerWidth", timeout_=1, on_error_="raise", scale=2)
    assert_type(session.run_js("1", width=width), PendingCommand[None])
    assert_type(session.download("x", b"x").wait(), int)
    assert_type(session.set_env(title="x", output_animation=True).wait(), SetEnvResult)
    assert_type(session.go_app("x", new_window=False), PendingCommand[None])
    assert_type(session.info, SessionInfo)
    assert_type(session.info.query, dict[str, str])
    session.hold()


async def in_a_coroutine() -> None:
    """Use each call as a coroutine does."""
    title: str = await session.eval_js("document.title")
    assert_type(session.download(title, Path("x")), Download)
    assert_type(await session.download("x", iter([b"x"])), int)
    assert_type((await session.set_env(title="x")).applied, list[str])
    await session.run_js("1")
    await session.hold()
    assert_type(await session.run_asyncio_coroutine(number()), int)
    assert_type(session.run_async(number()).closed(), bool)


async def number() -> int:
    """Give a number."""
    return 1


def decorated() -> None:
    """Keep the types of what is decorated."""

    @session.on_event("x")
    async def handle(data: Any) -> None:
        del data

    @session.defer_call
    def clean_up() -> int:
        return 1

    later: Coroutine[Any, Any, None] = handle(1)
    later.close()
    assert_type(clean_up(), int)


def test_every_public_name_is_documented_and_typed() -> None:
    """What an editor shows on hover."""
    for name in session.__all__:
        value = getattr(session, name)
        if inspect.isfunction(value):
            assert value.__doc__, name
            assert "return" in value.__annotations__, name


@pytest.mark.parametrize("command", RESULT_MODELS)
def test_every_command_of_the_protocol_is_a_public_function(command: str) -> None:
    """What a server can send, a program can call, by the same name."""
    assert inspect.isfunction(getattr(session, command, None))
    assert command in session.__all__


def test_every_function_and_class_of_the_api_is_public() -> None:
    """None is left out of `__all__` by oversight."""
    defined = {
        name
        for name, value in vars(session).items()
        if (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == session.__name__
    }
    assert {name for name in defined if not name.startswith("_")} - set(session.__all__) == set()
