"""Which pages a server lets in, and what the page's Content-Security-Policy does to commands (SPEC section 14)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import pytest
from live_server import PATIENCE, Serve
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pagewire_server.session import CommandError, JavaScriptError, eval_js, hold, info, run_js

Visit = Callable[..., Page]
Results = SimpleQueue[Any]

OPEN_POLICY: Final = "default-src 'self' data: ws:; script-src 'self' 'unsafe-eval'"
"""Lets a page connect to any server."""

STRICT_POLICY: Final = "default-src 'self' data:; script-src 'self'"
"""Lets a page run no code but its own files."""

NONCE_POLICY: Final = f"{STRICT_POLICY} 'nonce-of-the-test'"

PAGE_WITH_NONCE: Final = """<!doctype html>
<meta charset="utf-8">
<title>With a nonce</title>
<link rel="icon" href="data:,">
<header id="pagewire-status"></header>
<main id="pagewire-output"></main>
<section id="pagewire-input"></section>
<script type="module" nonce="of-the-test" src="/pagewire/page/page.js"></script>
"""

TRUSTED_SCRIPT: Final = """import { connect } from "/pagewire/index.js";
const policy = trustedTypes.createPolicy("app", { createScript: (code) => code });
const url = `${location.origin.replace("http", "ws")}/ws`;
connect({ url, parts: { trustedTypesPolicy: policy } });
"""


REBOUND: Final = ("--host-resolver-rules=MAP evil.example 127.0.0.1", "--disable-features=LocalNetworkAccessChecks")
"""Where the name of a page resolves to this machine, in a browser that does not ask its user about that."""

ASK_SERVER: Final = """async (url) => {
    const { status } = await fetch("/");
    const socket = new WebSocket(url, "pagewire.v1");
    const codes = [];
    socket.onmessage = ({ data }) => codes.push(JSON.parse(data).params.code);
    return await new Promise((resolve) => {
        socket.onclose = ({ code }) => resolve([...codes, code, status]);
    });
}"""
"""What the server tells a page that asks for its page and opens a WebSocket."""


@pytest.fixture
def results() -> Results:
    """What the app of a test found, for the test to see."""
    return SimpleQueue()


def socket_of(url: str) -> str:
    """Return the address of the WebSocket of the server of a page."""
    return f"{url.replace('http:', 'ws:')}ws"


# -- origins -----------------------------------------------------------------------------------


def test_a_page_of_another_origin_is_refused(serve: Serve, context: BrowserContext) -> None:
    """SEC-1: told why by a bye, closed with 4403, and no app runs."""
    ran = threading.Event()
    host = serve(hold, content_security_policy=OPEN_POLICY).url
    other = serve(ran.set).url
    page = context.new_page()
    page.goto(f"{host}?server={socket_of(other)}")
    refusal = f"Pages of {host.rstrip('/')} are not let in here."
    expect(page.get_by_role("status")).to_have_text(f"Session ended: {refusal}")
    seen = page.evaluate(
        """(url) => new Promise((resolve) => {
            const socket = new WebSocket(url, "pagewire.v1");
            const messages = [];
            socket.onmessage = ({ data }) => messages.push(JSON.parse(data));
            socket.onclose = ({ code, reason }) => resolve({ messages, code, reason });
        })""",
        f"{socket_of(other)}?key=k",
    )
    bye = {"type": "bye", "params": {"code": "forbidden_origin", "message": refusal, "retry": "never"}}
    assert seen == {"messages": [bye], "code": 4403, "reason": refusal}
    assert not ran.is_set()


def test_a_page_of_an_origin_that_is_allowed_by_name_is_let_in(
    serve: Serve, context: BrowserContext, results: Results
) -> None:
    """SEC-1: `info` then tells where the page is from, and which server it reached."""

    def main() -> None:
        results.put((info.origin, info.server_host, info.url))
        hold()

    host = serve(hold, content_security_policy=OPEN_POLICY).url
    other = serve(main, allowed_origins=frozenset({host.rstrip("/")})).url
    page = context.new_page()
    page.goto(f"{host}?server={socket_of(other)}")
    expect(page.get_by_role("status")).to_have_text("Connected")
    assert results.get(timeout=PATIENCE) == (
        host.rstrip("/"),
        other.removeprefix("http://").rstrip("/"),
        f"{host}?server={socket_of(other)}",
    )


# -- hosts -------------------------------------------------------------------------------------


def test_a_page_whose_name_was_made_to_resolve_to_the_server_is_refused(
    serve: Serve, launch: Callable[..., Browser]
) -> None:
    """SEC-6: its origin is the server's own; it makes no session, and reads no page of the server."""
    ran = threading.Event()
    port = serve(ran.set).server.port
    url = f"http://evil.example:{port}/"
    with launch(*REBOUND).new_context() as context:
        page = context.new_page()
        # What its owner's server has answered before the name resolved to another address.
        page.route(f"{url}evil", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        page.goto(f"{url}evil")
        assert page.evaluate(ASK_SERVER, f"ws://evil.example:{port}/ws?key=k") == ["forbidden_origin", 4403, 421]
        page.goto(url)
        expect(page.get_by_role("heading")).to_have_text("421 Misdirected Request")
        expect(page.get_by_text("add it to allowed_hosts (--allow-host)")).to_be_visible()
    assert not ran.is_set()


# -- Content-Security-Policy -------------------------------------------------------------------


def test_code_is_blocked_where_the_policy_of_the_page_forbids_it(visit: Visit, results: Results) -> None:
    """REPLY-5: each call is told, and the session goes on."""

    def main() -> None:
        for call in (lambda: eval_js("1 + 1", on_error_="raise"), lambda: run_js("document.title = 'no'").wait()):
            with pytest.raises(CommandError) as caught:
                call()
            results.put(str(caught.value))
        hold()

    page = visit(main, content_security_policy=STRICT_POLICY)
    message = "blocked_by_csp: the page's Content-Security-Policy forbids running code"
    assert [results.get(timeout=PATIENCE) for _ in range(2)] == [message, message]
    expect(page.get_by_role("status")).to_have_text("Connected")
    expect(page).to_have_title("Pagewire")


def test_code_runs_under_a_strict_policy_by_the_nonce_of_the_page(
    visit: Visit, results: Results, tmp_path: Path
) -> None:
    """REPLY-5: values, arguments, promises and errors are what they are elsewhere."""
    (tmp_path / "index.html").write_text(PAGE_WITH_NONCE)

    def main() -> None:
        results.put(eval_js("new Promise((resolve) => setTimeout(resolve, 1, a + b))", a=1, b=2))
        for code in ("nowhere", "1 +"):
            with pytest.raises(JavaScriptError) as caught:
                eval_js(code, on_error_="raise")
            results.put(caught.value.name)
        run_js("document.querySelector('main').textContent = `${typeof text} ${this === window}`", text="x").wait()
        results.put(eval_js("[document.scripts.length, Object.keys(globalThis).filter((key) => key.includes(':'))]"))

    page = visit(main, content_security_policy=NONCE_POLICY, static=tmp_path)
    assert [results.get(timeout=PATIENCE) for _ in range(4)] == [
        3,
        "ReferenceError",
        "SyntaxError",
        [1, []],
    ]
    expect(page.get_by_role("main")).to_have_text("string true")


def test_built_in_page_runs_all_commands_under_the_servers_strict_policy(visit: Visit, results: Results) -> None:
    """By the nonce of its response: values, arguments, await, and errors; nothing is evaluated."""

    def main() -> None:
        results.put(eval_js("new Promise((resolve) => setTimeout(resolve, 1, a + b))", a=1, b="</script>"))
        run_js("await null; document.title = text", text="run").wait()
        for code in ("nowhere", "1 +"):
            with pytest.raises(JavaScriptError) as caught:
                eval_js(code, on_error_="raise")
            results.put(caught.value.name)
        with pytest.raises(JavaScriptError) as caught:
            eval_js("(0, eval)('1')", on_error_="raise")
        results.put(caught.value.name)
        hold()

    page = visit(main, strict_csp=True)
    assert [results.get(timeout=PATIENCE) for _ in range(4)] == [
        "1</script>",
        "ReferenceError",
        "SyntaxError",
        "EvalError",
    ]
    expect(page).to_have_title("run")


def test_browser_complains_of_the_first_command_only_under_the_servers_strict_policy(
    visit: Visit, results: Results
) -> None:
    """A policy is never loosened: the client does not ask again."""
    listen = """
        globalThis.blocked = [];
        globalThis.nextBlocked = () => new Promise((resolve) => addEventListener("securitypolicyviolation", resolve));
        addEventListener("securitypolicyviolation", ({ blockedURI }) => blocked.push(blockedURI));
        await nextBlocked(); // the one that this command itself has made
    """

    def main() -> None:
        run_js(listen).wait()
        for _ in range(3):
            eval_js("1")
        # Complaints come in order: those of the three would be here before this one.
        run_js("const next = nextBlocked(); try { eval('1') } catch { await next }").wait()
        results.put(eval_js("blocked"))

    visit(main, strict_csp=True)
    assert results.get(timeout=PATIENCE) == ["eval", "eval"]


def test_own_page_without_the_placeholder_is_blocked_by_the_servers_strict_policy(
    visit: Visit, results: Results, tmp_path: Path
) -> None:
    """REPLY-5: it has neither nonce nor eval; the server gives a nonce only to what asks for one."""
    (tmp_path / "index.html").write_text(PAGE_WITH_NONCE.replace(' nonce="of-the-test"', ""))

    def main() -> None:
        with pytest.raises(CommandError) as caught:
            eval_js("1 + 1", on_error_="raise")
        results.put(caught.value.code)
        hold()

    page = visit(main, strict_csp=True, static=tmp_path)
    assert results.get(timeout=PATIENCE) == "blocked_by_csp"
    expect(page.get_by_role("status")).to_have_text("Connected")


def test_own_page_with_the_placeholder_runs_its_inline_scripts_too(
    visit: Visit, results: Results, tmp_path: Path
) -> None:
    """And only those that have it."""
    scripts = '<script>window.bad = 1</script><script nonce="{{nonce}}">window.good = 1</script>'
    (tmp_path / "index.html").write_text(PAGE_WITH_NONCE.replace("of-the-test", "{{nonce}}") + scripts)

    def main() -> None:
        results.put(eval_js("[window.good, window.bad ?? null]"))

    visit(main, strict_csp=True, static=tmp_path)
    assert results.get(timeout=PATIENCE) == [1, None]


@pytest.mark.parametrize("permission", ["'unsafe-eval'", "'nonce-of-the-test'"])
def test_code_runs_under_trusted_types_by_the_policy_that_the_page_supplies(
    permission: str, visit: Visit, results: Results, tmp_path: Path
) -> None:
    """Section 14: whether the code is evaluated, or defined by a script element."""
    (tmp_path / "index.html").write_text(PAGE_WITH_NONCE.replace("/pagewire/page/page.js", "/app.js"))
    (tmp_path / "app.js").write_text(TRUSTED_SCRIPT)

    def main() -> None:
        results.put(eval_js("a + b", a=1, b=2))
        results.put(eval_js("nowhere"))
        run_js("document.querySelector('main').textContent = text", text="shown")

    csp = f"{STRICT_POLICY} {permission}; require-trusted-types-for 'script'; trusted-types app"
    page = visit(main, content_security_policy=csp, static=tmp_path)
    assert [results.get(timeout=PATIENCE) for _ in range(2)] == [3, None]
    expect(page.get_by_role("main")).to_have_text("shown")
