"""The steps that show the session: what is known of it, events, many commands at once, broken connections."""

from __future__ import annotations

import asyncio
import time

from pagewire_server.session import eval_js, info, local, run_js


def show_info() -> None:
    """What the program knows of its visitor, without asking the page."""
    agent = info.user_agent
    facts = {
        "browser": f"{agent.browser.family} {agent.browser.version_string}",
        "system": agent.os.family,
        "mobile": "yes" if agent.is_mobile else "no",
        "languages": ", ".join(info.languages),
        "timezone": info.timezone,
        "address": info.user_ip,
        "origin": info.origin,
        "app": info.app,
        "session_id": info.session_id,
    }
    run_js(
        """
        const table = document.createElement("table");
        for (const [name, value] of Object.entries(facts)) {
          const row = table.insertRow();
          row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: name }));
          row.insertCell().textContent = value;
        }
        document.querySelector("#pagewire-output").append(table);
        """,
        facts=facts,
    ).wait()


def print_info() -> str:
    """All of it, as it prints."""
    return str(info)


def count_calls() -> str:
    """`local` is this session's own: another window counts for itself."""
    local.calls = (local.calls or 0) + 1
    return f"call {local.calls} of session {info.session_id}"


def offer_button() -> None:
    """Python makes a button; what it emits comes back to Python."""
    run_js("""
        const button = document.createElement("button");
        button.textContent = "Click me";
        button.onclick = () => pagewire.emit("click", performance.now());
        const label = document.createElement("p");
        label.id = "clicks";
        document.querySelector("#pagewire-output").append(button, label);
    """).wait()


def answer_click(clicked_at: float) -> None:
    """Called with each event: on_event("click", answer_click)."""
    local.clicks = (local.clicks or 0) + 1
    run_js(
        """
        const ms = (performance.now() - clicked_at).toFixed(1);
        document.querySelector("#clicks").textContent =
          `Python has counted ${clicks}. There and back in ${ms} ms.`;
        """,
        clicks=local.clicks,
        clicked_at=clicked_at,
    )


async def ask_at_once() -> str:
    """32 questions in flight; the answers come in any order."""
    await run_js("""
        const grid = document.createElement("div");
        grid.className = "cells";
        for (let n = 0; n < 32; n += 1) grid.append(document.createElement("i"));
        document.querySelector("#pagewire-output").append(grid);
    """)
    began = time.perf_counter()
    waits = await asyncio.gather(*(ask(n) for n in range(32)))
    seconds = time.perf_counter() - began
    return f"{sum(waits) / 1000:.1f} s of waiting, in {seconds:.1f} s"


async def ask(n: int) -> int:
    """Light a cell for as long as it thinks; return the milliseconds."""
    ms: int = await eval_js(
        """new Promise((resolve) => {
            const ms = 200 + Math.round(Math.random() * 1000);
            const cell = document.querySelectorAll(".cells i")[n];
            cell.className = "waiting";
            setTimeout(() => { cell.className = "done"; resolve(ms); }, ms);
        })""",
        n=n,
    )
    return ms


def lose_connection() -> object:
    """The page cuts its connection, then answers over the next one."""
    return eval_js("""new Promise((resolve) => {
        dispatchEvent(new CustomEvent("demo:cut"));
        resolve("computed while there was no connection");
    })""")


def count_through_cuts() -> str:
    """40 commands and five cuts: each runs once, in order."""
    run_js("""
        const grid = document.createElement("div");
        grid.className = "cells";
        document.querySelector("#pagewire-output").append(grid);
    """)
    for n in range(1, 41):
        run_js(
            """
            const cell = document.createElement("i");
            cell.textContent = n;
            cell.className = n % 8 === 5 ? "cut" : "done";
            document.querySelector(".cells").append(cell);
            if (n % 8 === 5) dispatchEvent(new CustomEvent("demo:cut"));
            """,
            n=n,
        )
        time.sleep(0.04)
    seen = eval_js("[...document.querySelectorAll('.cells i')].map((i) => +i.textContent)")
    return "none lost, none twice" if seen == list(range(1, 41)) else f"lost or twice: {seen}"
