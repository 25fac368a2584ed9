"""A client that was there before, which shows that it is still served whatever others do."""

from __future__ import annotations

from scripted_client import Message, ScriptedClient

from pagewire_server.session import eval_js


def ask_for_ever() -> None:
    """Be the app of a neighbour: ask again and again."""
    while True:
        eval_js("1")


class Neighbour:
    """Answers the questions of `ask_for_ever`, one at a time."""

    def __init__(self, client: ScriptedClient) -> None:
        self._client = client
        self._asked: Message = client.receive("eval_js")

    def is_served(self) -> bool:
        """Answer the app's question, and wait for its next one."""
        self._client.result(self._asked, value=1)
        self._asked = self._client.receive("eval_js")
        return True
