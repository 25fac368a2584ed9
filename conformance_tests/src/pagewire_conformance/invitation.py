"""Tells people where their clients are to connect: a URL, and a QR code for phones."""

from __future__ import annotations

import io
import socket

import segno


def invite(url: str) -> str:
    """Return the text; where the URL is of this machine only, it says how to reach it from others."""
    code = io.StringIO()
    segno.make(url, micro=False).terminal(out=code, compact=True)
    lines = [
        f"Connect the client to {url}",
        "It is to connect again for each case: after `bye server_shutdown`, and whenever its session has ended.",
        code.getvalue(),
    ]
    if "127.0.0.1" in url:
        lines.append("This is this machine only; with --host 0.0.0.0 others reach it, by the name "
                     f"{socket.gethostname()}.")  # fmt: skip
    return "\n".join(lines) + "\n"
