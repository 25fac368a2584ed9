"""A Chromium driven by its DevTools protocol alone: Playwright keeps every page visible, whatever is in front."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from live_server import PATIENCE
from websockets.sync.client import ClientConnection, connect

from pagewire_browsers import ARGUMENTS, find_browser


class BareTab:
    """A tab, through a session of the DevTools protocol."""

    def __init__(self, chromium: BareChromium, target: str) -> None:
        self._chromium = chromium
        self.target = target
        self._session = chromium.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression; a promise is awaited."""
        found = self._chromium.call(
            "Runtime.evaluate", self._session, expression=expression, awaitPromise=True, returnByValue=True
        )
        return found["result"].get("value")

    def run_first(self, script: str) -> None:
        """Have every page that the tab loads from now on begin with a script."""
        self._chromium.call("Page.enable", self._session)
        self._chromium.call("Page.addScriptToEvaluateOnNewDocument", self._session, source=script)

    def go_to(self, url: str) -> None:
        """Begin to load a page, as a user who types its address."""
        self._chromium.call("Page.navigate", self._session, url=url)

    def go_back(self) -> None:
        """Go back by one page, as the browser's button does."""
        history = self._chromium.call("Page.getNavigationHistory", self._session)
        entry = history["entries"][history["currentIndex"] - 1]
        self._chromium.call("Page.navigateToHistoryEntry", self._session, entryId=entry["id"])

    def crash(self) -> None:
        """Have the tab's process crash; there is no answer."""
        self._chromium.send("Page.crash", self._session)


class BareChromium:
    """A browser, through one connection to it."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._last_id = 0

    def open(self, url: str) -> BareTab:
        """Open a tab in front."""
        return BareTab(self, self.call("Target.createTarget", url=url)["targetId"])

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Call a method, of the browser or of a session with a tab; events that come meanwhile are skipped."""
        self.send(method, session, **params)
        while (answer := json.loads(self._connection.recv(PATIENCE))).get("id") != self._last_id:
            pass
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def send(self, method: str, session: str | None = None, **params: Any) -> None:
        """Call a method and wait for nothing."""
        self._last_id += 1
        message: dict[str, Any] = {"id": self._last_id, "method": method, "params": params}
        self._connection.send(json.dumps(message | ({"sessionId": session} if session else {})))


@contextmanager
def bare_chromium(profile: Path) -> Iterator[BareChromium]:
    """Run a Chromium until the block ends; `profile` is an empty folder for it."""
    command = [find_browser() or "chromium", *ARGUMENTS, "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            found = (re.search(r"DevTools listening on (ws://\S+)", line) for line in process.stderr)
            url = next(match[1] for match in found if match)
            with connect(url, max_size=None) as connection:
                yield BareChromium(connection)
        finally:
            process.terminate()
