"""The app of the load-balanced example: it says which process serves the page, and answers to a click."""

from __future__ import annotations

import os

from pagewire_server.session import hold, info, on_event, run_js, set_env

_SHOW = "document.querySelector('#pagewire-output').append(text, document.createElement('br'))"
_BUTTON = """
    const button = document.createElement("button");
    button.textContent = "Who serves me?";
    button.onclick = () => pagewire.emit("ask", null);
    document.querySelector("#pagewire-output").append(button, document.createElement("br"));
"""


def main() -> None:
    """Tell the page who serves it, and again whenever it asks."""

    def tell(_data: object) -> None:
        run_js(_SHOW, text=f"Process {os.getpid()}, session {info.session_id}, for {info.user_ip}.")

    set_env(title="Load balanced")
    run_js(_BUTTON)
    on_event("ask", tell)
    tell(None)
    hold()
