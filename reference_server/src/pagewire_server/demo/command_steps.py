"""The steps that show the commands: run_js, eval_js, set_env, download and go_app."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any, Unpack

from pagewire_protocol.command_messages import Settings
from pagewire_server.session import CommandError, JavaScriptError, download, eval_js, go_app, local, run_js, set_env


def say_hello() -> None:
    """Arguments are values: nothing in them is ever run."""
    run_js(
        """
        const line = document.createElement("p");
        line.textContent = greeting;
        document.querySelector("#pagewire-output").append(line);
        """,
        greeting="Hello from Python! <script>alert('a value')</script>",
    ).wait()


def draw_live() -> str:
    """Python has the numbers; each goes to the page as it comes."""
    run_js("""
        const chart = document.createElement("div");
        chart.className = "chart";
        document.querySelector("#pagewire-output").append(chart);
    """)
    for n in range(48):
        height = round(52 + 34 * math.sin(n / 4) + 12 * math.sin(n * 1.7))
        run_js(
            """
            const bar = document.createElement("i");
            bar.style.height = `${height}%`;
            document.querySelector(".chart").append(bar);
            """,
            height=height,
        )
        time.sleep(0.025)
    return "48 bars, one command each"


def measure() -> object:
    """Whatever has JSON comes back as Python's own types."""
    return eval_js("""{
        width: innerWidth,
        height: innerHeight,
        dark: matchMedia("(prefers-color-scheme: dark)").matches,
        cores: navigator.hardwareConcurrency,
        title: document.title,
    }""")


def await_promise() -> object:
    """A promise is awaited in the page; Python gets its value."""
    return eval_js(
        """new Promise((resolve) => {
            setTimeout(() => resolve(`${ms} ms later`), ms);
        })""",
        ms=800,
    )


def catch_error() -> str:
    """What JavaScript throws can be caught in Python."""
    try:
        eval_js("document.querySelector('#nowhere').value", on_error_="raise")
    except JavaScriptError as error:
        return f"name: {error.name}\nmessage: {error.message}\nstack: {error.stack}"
    return "nothing was thrown"


def time_out() -> str:
    """A promise that never settles costs one second, no more."""
    try:
        eval_js("new Promise(() => {})", timeout_=1.0)
    except TimeoutError as error:
        return f"TimeoutError: {error}"
    return "it settled"


def set_up(**settings: Unpack[Settings]) -> dict[str, Any]:
    """The page says which settings it has a use for."""
    answer = set_env(**settings).wait()
    return {"applied": answer.applied, "ignored": answer.ignored}


def append_lines() -> None:
    """See the animation, the width and the scrolling at work."""
    for n in range(1, 13):
        run_js(
            """
            const line = document.createElement("p");
            line.textContent = `Line ${n} of 12, as wide as the output area lets it be.`;
            document.querySelector("#pagewire-output").append(line);
            """,
            n=n,
        )
        time.sleep(0.12)


def ask_for_name() -> None:
    """What is put into the input panel opens it."""
    run_js("""
        const form = document.createElement("form");
        form.innerHTML = `<label>Your name <input name="name" autocomplete="off"></label>
          <button>Send to Python</button>`;
        form.addEventListener("submit", (event) => {
          event.preventDefault();
          pagewire.emit("name", new FormData(form).get("name"));
          form.remove();
        });
        document.querySelector("#pagewire-input").replaceChildren(form);
    """).wait()


def greet(name: str) -> None:
    """Called with what the form emits: on_event("name", greet)."""
    run_js(
        """
        const line = document.createElement("p");
        line.textContent = `Python says: hello, ${name || "stranger"}!`;
        document.querySelector("#pagewire-output").append(line);
        """,
        name=name,
    )


def save_note() -> int:
    """A small file travels in the command itself."""
    local.notes = (local.notes or 0) + 1
    note = f"Note {local.notes}, written by Python.\n"
    return download("note.txt", note.encode()).wait()


def save_table() -> str:
    """A large one is streamed, and made while it is sent."""
    table = download("measurements.csv", rows())
    while not table.done():
        show_progress(table.received)
        time.sleep(0.1)
    show_progress(table.wait())
    return f"{table.wait():,} bytes"


def rows() -> Iterator[bytes]:
    """12 MB, of which the server never holds more than two."""
    yield b"n,sine\r\n"
    for start in range(0, 600_000, 10_000):
        numbers = range(start, start + 10_000)
        yield "".join(f"{n},{math.sin(n):.9f}\r\n" for n in numbers).encode()


def save_slowly() -> str:
    """Press Cancel at the top of the page: Python is told, and nothing is saved."""
    try:
        return f"{download('slow.bin', slow_pieces()).wait():,} bytes"
    except CommandError as error:
        return f"{error.code}: {error.message}"


def slow_pieces() -> Iterator[bytes]:
    """Twenty seconds, or until nobody wants it any more."""
    for _ in range(200):
        yield bytes(100_000)
        time.sleep(0.1)


def show_progress(received: int) -> None:
    """Show how much of the file the page has."""
    run_js(
        """
        const output = document.querySelector("#pagewire-output");
        const text = `${(received / 1e6).toFixed(1)} MB have arrived`;
        const label = output.querySelector("label") ?? document.createElement("label");
        const bar = label.querySelector("progress") ?? document.createElement("progress");
        Object.assign(bar, { max: 12e6, value: received });
        label.replaceChildren(bar, text);
        if (!label.isConnected) output.append(label);
        """,
        received=received,
    )


def open_second() -> None:
    """A popup that the browser blocks raises CommandError here."""
    go_app("second").wait()


def leave_for_second() -> None:
    """This page goes there itself; its session ends, with a goodbye."""
    go_app("second", new_window=False)
