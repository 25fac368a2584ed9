"""The demo's first app: all that the session API can do, topic by topic."""

from __future__ import annotations

from typing import Final

from pagewire_server.demo import command_steps as commands
from pagewire_server.demo import session_steps as session
from pagewire_server.demo.catalog import Step, Topic
from pagewire_server.demo.stage import Stage
from pagewire_server.session import on_event

TOPICS: Final = (
    Topic(
        "run_js",
        "Run code in the page",
        "Python sends JavaScript and the values for it. The call returns at once; wait for it if you care when it ran.",
        (Step(commands.say_hello, "Say hello"), Step(commands.draw_live, "Draw live")),
    ),
    Topic(
        "eval_js",
        "Ask the page",
        "An expression goes out, its value comes back. Promises are awaited, exceptions cross over, and nothing waits "
        "longer than you say.",
        (
            Step(commands.measure, "A value"),
            Step(commands.await_promise, "A promise"),
            Step(commands.catch_error, "An exception"),
            Step(commands.time_out, "A timeout"),
        ),
    ),
    Topic(
        "set_env",
        "Set up the page",
        "Nine settings. Change one below and Python sets it; then append lines, or open the input panel, to see what "
        "it does.",
        (
            Step(commands.set_up, "Settings", form="settings", keeps_output=True),
            Step(commands.append_lines, "Append lines", keeps_output=True),
            Step(commands.ask_for_name, "Open the panel", shown_with=(commands.greet,), keeps_output=True),
        ),
    ),
    Topic(
        "download",
        "Save files at the user's side",
        "From bytes, a path, a file, or an iterator. Large ones are streamed with bounded memory, between all other "
        "messages, survive a broken connection, and can be given up by either side.",
        (
            Step(commands.save_note, "A small file"),
            Step(commands.save_table, "12 MB, streamed", shown_with=(commands.rows, commands.show_progress)),
            Step(commands.save_slowly, "One to cancel", shown_with=(commands.slow_pieces,)),
        ),
    ),
    Topic(
        "go_app",
        "Go to another app",
        "One server holds several apps. Each page that opens one has a session of its own.",
        (Step(commands.open_second, "In a new window"), Step(commands.leave_for_second, "In this window")),
    ),
    Topic(
        "info",
        "Know who is there",
        "Every session has its facts and a dictionary of its own.",
        (
            Step(session.show_info, "As a table"),
            Step(session.print_info, "As it prints"),
            Step(session.count_calls, "Remember"),
        ),
    ),
    Topic(
        "on_event",
        "Hear from the page",
        "Scripts in the page call pagewire.emit(name, data); Python handles it. Every step of this demo is started so.",
        (Step(session.offer_button, "A button", shown_with=(session.answer_click,)),),
    ),
    Topic(
        "gather",
        "Ask many things at once",
        "Commands start in order; one that waits holds up no other. In a coroutine, asyncio's own tools work.",
        (Step(session.ask_at_once, "32 at once", shown_with=(session.ask,)),),
    ),
    Topic(
        "resume",
        "Lose the connection, and nothing else",
        "The client connects again, both sides say what they have, and what is missing is sent again. Watch the seq "
        "numbers on the wire.",
        (
            Step(session.lose_connection, "Cut while asking"),
            Step(session.count_through_cuts, "Five cuts in a row"),
        ),
    ),
)


def run_index() -> None:
    """Take the visitor through all topics."""
    on_event("click", session.answer_click)
    on_event("name", commands.greet)
    Stage(TOPICS).open()
