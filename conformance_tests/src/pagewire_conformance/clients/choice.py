"""Chooses how the client is run, as the options say."""

from __future__ import annotations

from pagewire_conformance.clients.command import CommandLauncher
from pagewire_conformance.clients.launcher import Launcher
from pagewire_conformance.clients.waiting import WaitingLauncher
from pagewire_conformance.options import Options


def launcher_for(options: Options) -> Launcher:
    """Return the launcher for a run; ValueError if the command cannot be run."""
    if options.command is not None:
        return CommandLauncher(options.command, options.downloads)
    if options.wait:
        return WaitingLauncher(options.host, options.port, options.downloads, options.timeout_factor)
    if options.page is None:
        raise ValueError("one of --command, --page and --wait is needed")
    # Only here: playwright is needed for nothing else.
    from pagewire_conformance.clients.page import PageLauncher  # noqa: PLC0415

    return PageLauncher(options.page, options.browser, options.timeout_factor)
