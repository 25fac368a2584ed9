"""The command `pagewire-server`: run the demo, or apps of a module."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import ssl
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pagewire_server.apps.running import App
from pagewire_server.backends.default.server import Server
from pagewire_server.demo import demo_apps
from pagewire_server.errors import MissingExtraError
from pagewire_server.ops.logs import configure_logs
from pagewire_server.ops.tls import server_context
from pagewire_server.options import Options
from pagewire_server.serving import LAST_PORT, apps_by_name, serve
from pagewire_server.version import VERSION
from pagewire_server.web.static_files import client_folder

logger = logging.getLogger("pagewire.server")

THREAD_GRACE: Final = 5.0
"""Seconds that threads of the program have to end after the server has."""


class _UsageError(Exception):
    """What was asked for can't be done; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0 after Ctrl-C, 1 if it can't begin. Bad usage exits with 2."""
    options = _parser().parse_args(arguments)
    configure_logs(options.log_format, level=logging.DEBUG if options.verbose else logging.INFO)
    try:
        apps, settings = _what_to_serve(options)
        serve(apps, host=options.host, port=options.port, options=settings, on_start=_browser_opener(options))
    except (_UsageError, MissingExtraError, OSError) as error:
        if sys.stderr is not None:  # as it is under pythonw
            sys.stderr.write(f"pagewire-server: {error}\n")
        return 1
    if arguments is None:  # this process is the command
        threading.Thread(target=_end_in_spite_of_threads, name="pagewire-end", daemon=True).start()
    return 0


def _end_in_spite_of_threads() -> None:
    """End the process where Python would wait for ever for threads that the program started."""
    time.sleep(THREAD_GRACE)
    left = [thread.name for thread in threading.enumerate() if not (thread.daemon or thread is threading.main_thread())]
    if left:
        logger.warning("stopped, though threads of the program still run: %s", ", ".join(left))
        logging.shutdown()
        for output in (sys.stdout, sys.stderr):
            if output is not None:
                with contextlib.suppress(OSError, ValueError):
                    output.flush()
        os._exit(0)


def load_apps(target: str) -> App | Mapping[str, App]:
    """Return what `module:name` names: an app, or a dict of apps by name."""
    module_name, _, name = target.rpartition(":")
    if not (module_name and name):
        raise _UsageError(f"{target!r} has not the form module:app")
    _check_module_name(module_name, name)
    if (folder := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise _UsageError(f"can't import {module_name}: {error}") from error
    found: object = getattr(module, name, None)
    if not (callable(found) or isinstance(found, Mapping)):
        raise _UsageError(f"{module_name} has no app {name!r}: a function, or a dict of functions by name")
    try:
        return apps_by_name(found)
    except (TypeError, ValueError) as error:
        raise _UsageError(f"{target}: {error}") from None


def _check_module_name(given: str, app: str) -> None:
    """Refuse what Python cannot import; say the module's name where a file is given."""
    names = given.removesuffix(".py").replace("\\", "/").replace("/", ".").strip(".")
    is_module = bool(names) and all(name.isidentifier() for name in names.split("."))
    if is_module and names == given:
        return
    hint = f"; for that file write {names}:{app}" if is_module else ""
    raise _UsageError(f"{given!r} is not the name of a module{hint}")


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: an integer from 0 to {LAST_PORT}")
    return port


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pagewire-server", description="Serve apps that drive the page a user has open."
    )
    parser.add_argument("--version", action="version", version=f"pagewire-server {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="serve the demo, and open it in a browser where there is one")
    demo.add_argument("--no-browser", action="store_true", help="only say where it is")
    run = commands.add_parser("run", help="serve an app of yours")
    run.add_argument("target", metavar="MODULE:APP", help="a function, or a dict of functions by name")
    run.add_argument(
        "--allow-origin", action="append", default=[], metavar="ORIGIN", help="let pages of this origin in"
    )
    run.add_argument(
        "--trusted-proxy",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="believe the X-Forwarded-For or Forwarded of this address or network",
    )
    run.add_argument("--tls-cert", type=Path, metavar="FILE", help="speak HTTPS and WSS, with this certificate (PEM)")
    run.add_argument("--tls-key", type=Path, metavar="FILE", help="the certificate's key (PEM)")
    run.add_argument("--static", type=Path, metavar="DIR", help="serve these files at / before the built-in page")
    for command in (demo, run):
        command.add_argument(
            "--allow-host",
            action="append",
            default=[],
            metavar="NAME",
            help="accept requests for this host name; .NAME includes all names in it, * is every host",
        )
        command.add_argument(
            "--host", default="127.0.0.1", help="to listen on (default: %(default)s, this machine only)"
        )
        command.add_argument(
            "--port", type=_port, default=8080, help="to listen on; 0 finds one (default: %(default)s)"
        )
        command.add_argument("--metrics-port", type=_port, metavar="PORT", help="serve /metrics for Prometheus there")
        command.add_argument(
            "--drain-window",
            type=float,
            default=Options().drain_window,
            metavar="SECONDS",
            help="how long sessions may go on after SIGTERM or SIGHUP (default: %(default)s)",
        )
        command.add_argument(
            "--strict-csp", action="store_true", help="serve pages under a policy with a nonce, without 'unsafe-eval'"
        )
        command.add_argument("--verbose", action="store_true", help="log what happens inside")
        command.add_argument(
            "--log-format", choices=("text", "json"), default="text", help="of the log (default: %(default)s)"
        )
    return parser


def _what_to_serve(options: argparse.Namespace) -> tuple[App | Mapping[str, App], Options]:
    try:
        settings = _settings(options)
    except ValueError as error:
        raise _UsageError(str(error)) from None
    return _apps(options), settings


def _apps(options: argparse.Namespace) -> App | Mapping[str, App]:
    return demo_apps() if options.command == "demo" else load_apps(options.target)


def _settings(options: argparse.Namespace) -> Options:
    settings = Options(
        allowed_hosts=frozenset(options.allow_host),
        drain_window=options.drain_window,
        metrics_port=options.metrics_port,
        strict_csp=options.strict_csp,
    )
    if options.command == "demo":
        return replace(settings, static=client_folder() / "demo")
    if options.static and not options.static.is_dir():
        raise _UsageError(f"there is no folder {options.static}")
    return replace(
        settings,
        allowed_origins=frozenset(options.allow_origin),
        trusted_proxies=tuple(options.trusted_proxy),
        static=options.static,
        tls=_tls(options.tls_cert, options.tls_key),
    )


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate and key:
        return server_context(certificate, key)
    if certificate or key:
        raise _UsageError("--tls-cert and --tls-key go together")
    return None


def _browser_opener(options: argparse.Namespace) -> Callable[[Server], None]:
    def open_browser(server: Server) -> None:
        if options.command == "demo" and not options.no_browser and _has_screen():
            webbrowser.open(server.url)

    return open_browser


def _has_screen() -> bool:
    return sys.platform in {"darwin", "win32"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    sys.exit(main())
