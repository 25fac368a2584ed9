"""Runs the apps of a server: opens a session for each client that is let in, and cleans up when it has ended.

A backend owns the sockets; it asks its `AppRunner` for the session of a client. All on the event loop, except where it
says otherwise.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import secrets
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar, cast
from weakref import WeakSet

from pagewire_protocol.byes import make_bye
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.control_messages import ByeParams
from pagewire_server.apps.info import make_info
from pagewire_server.apps.running import App, start_app
from pagewire_server.apps.session import TOLD_AT_ONCE, Session
from pagewire_server.core.directory import SessionDirectory
from pagewire_server.core.handshake import Admitted, Refused
from pagewire_server.errors import MissingExtraError
from pagewire_server.ops.draining import Draining
from pagewire_server.options import Options
from pagewire_server.web.requests import Request

if TYPE_CHECKING:
    from pagewire_server.ops.metrics import Metrics  # its library is an extra

Item = TypeVar("Item")

logger = logging.getLogger("pagewire.server")

SHUTDOWN: Final = make_bye(ByeCode.SERVER_SHUTDOWN, "The server stops.")
"""What everybody is told when the server stops."""

TASK_GRACE: Final = 5.0
"""Seconds that the app has to finish by itself once the session has ended; then its tasks are cancelled."""


class AppRunner:
    """The apps of one server, and the sessions in which they run."""

    def __init__(self, apps: Mapping[str, App], options: Options, *, backend: str) -> None:
        self._apps = dict(apps)
        self._options = options
        self._backend = backend
        self._endings: set[asyncio.Task[None]] = set()
        self._ended: WeakSet[Session] = WeakSet()
        """Sessions that have ended, as long as code of theirs refers to them."""
        self._draining = Draining()
        self.is_closing = False
        """Whether every session is ended."""
        self.directory: Final[SessionDirectory[Session]] = SessionDirectory(options.resume_window)
        self.metrics: Final[Metrics | None] = None if options.metrics_port is None else self._load_metrics()

    @property
    def apps(self) -> Collection[str]:
        """The names of the apps."""
        return self._apps.keys()

    @property
    def is_stopping(self) -> bool:
        """Whether no new session may begin any more."""
        return self._draining.has_begun or self.is_closing

    def start(self) -> None:
        """Begin to count, if that is wanted."""
        if self.metrics:
            self.metrics.start()

    def stop_metrics(self) -> None:
        """Count no more."""
        if self.metrics:
            self.metrics.stop()

    def open_session(self, admitted: Admitted[Session], request: Request) -> Session:
        """Begin a new session for a client that is let in, and start its app; Refused once the server stops."""
        if self.is_stopping:
            raise Refused(SHUTDOWN)
        hello = admitted.hello
        info = make_info(
            hello.page,
            hello.app,
            request,
            f"s-{secrets.token_hex(6)}",
            backend=self._backend,
            trusted_proxies=self._options.trusted_proxies,
        )

        def on_end(ended: Session, bye: ByeParams) -> None:
            self._session_ended(hello.key, ended, bye)

        session = Session(hello, info, apps=self.apps, options=self._options, metrics=self.metrics, on_end=on_end)
        self.directory.add(hello.key, session, admitted.address)
        try:
            if self.metrics:
                self.metrics.session_began()
            session.log.info("began: app %s for %s", info.app, info.user_ip)
            start_app(session, self._apps[hello.app])
        except Exception:
            session.end(make_bye(ByeCode.INTERNAL_ERROR, "The app could not be started."))
            raise
        return session

    def running_apps(self) -> list[str]:
        """Return the app of each session, those included that have ended while their code still runs.

        It takes no lock: a handler of a signal may ask.
        """
        left_over = [session for session in self._ended if session.is_running]
        return [session.info.app for session in (*self.directory.sessions(), *left_over)]

    async def drain(self) -> None:
        """Let no new session begin; return once the last one has ended, or after `Options.drain_window`.

        Clients are told (NOTICE-1).
        """
        ends_at = asyncio.get_running_loop().time() + self._options.drain_window
        async for session in _in_turns(self.directory.sessions()):
            session.announce_end(ends_at)
        await self._draining.run(self.directory.__len__, self._options.drain_window)

    def stop(self) -> None:
        """End every session, and let no new one begin."""
        self.is_closing = True
        for session in self.directory.sessions():
            session.end(SHUTDOWN)

    async def clean_up(self) -> None:
        """Wait for what the sessions that ended deferred, for at most `Options.deferred_window`."""
        if self._endings:
            _, late = await asyncio.wait(self._endings, timeout=self._options.deferred_window)
            for task in late:
                task.cancel()
            if late:
                logger.warning("%d sessions were not done in time with their app or deferred functions", len(late))

    def _session_ended(self, key: bytes, session: Session, bye: ByeParams) -> None:
        self.directory.bury(key, bye, session.loop.time())
        self._ended.add(session)
        task = session.loop.create_task(clean_up_session(session))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
        self._draining.session_ended()
        if self.metrics:
            self.metrics.session_ended(bye.code)

    def _load_metrics(self) -> Metrics:
        try:
            module = importlib.import_module("pagewire_server.ops.metrics")
        except ModuleNotFoundError as error:
            if error.name != "prometheus_client":
                raise
            raise MissingExtraError("metrics_port needs prometheus-client: pip install 'pagewire[metrics]'") from None
        return cast("Metrics", module.Metrics(self.directory.__len__, self._queued_bytes))

    def _queued_bytes(self) -> int:
        """Return the bytes that wait for their first write. On any thread."""
        return sum(session.queued_bytes for session in self.directory.sessions())


async def clean_up_session(session: Session) -> None:
    """Call what an ended session deferred, and cancel what of it still runs; threads end by `SessionClosed`."""
    deferred = session.deferred.start()
    tasks = {*session.tasks, *session.events.tasks}
    if session.is_running:
        tasks.add(session.loop.create_task(session.until_idle()))
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=TASK_GRACE)
    finally:
        async for task in _in_turns(task for task in tasks if not task.done()):
            task.cancel()
    if deferred:
        await deferred


async def _in_turns(items: Iterable[Item]) -> AsyncGenerator[Item, None]:
    """Give one after the other; where they are many, others have turns of the event loop in between."""
    for number, item in enumerate(items, 1):
        yield item
        if number % TOLD_AT_ONCE == 0:
            await asyncio.sleep(0)
