"""Downloads: content of any kind on its way to the page, in one message or as a stream of bounded memory."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator
from functools import partial
from typing import Final

from pagewire_protocol import json_values
from pagewire_protocol.codes import ErrorCode
from pagewire_protocol.command_messages import DownloadParams, InlineContent, StreamContent
from pagewire_protocol.delivery import OutgoingStream
from pagewire_protocol.fields import WireModel
from pagewire_protocol.reply_messages import DownloadResult
from pagewire_server.errors import CommandError
from pagewire_server.runtime.arguments import make_params
from pagewire_server.runtime.content import AsyncContent, MemoryContent, PiecesContent
from pagewire_server.runtime.live_session import LiveSession
from pagewire_server.runtime.pending_command import PendingCommand
from pagewire_server.runtime.program_code import ESCAPING, guard, guard_call

PIECES_AT_ONCE: Final = 64
"""How many pieces of an asynchronous iterator that never waits are taken before others have a turn."""


class _Abandoned(Exception):  # noqa: N818 - ends a feeder, never seen outside
    """The stream takes no more: the command was answered, given up by either side, or the session has ended."""


class Download(PendingCommand[int]):
    """What `download` returns: done when the page has handed the file over to be saved; its value is the bytes.

    `await` it in a coroutine, `wait()` for it in a thread; both raise what went wrong: what the content raised, or
    `CommandError`, whose code is `cancelled` where the user gave it up, or `SessionClosed`. A failure that nobody
    waits for is logged.
    """

    def __init__(self, session: LiveSession, name: str, media_type: str, size: int | None) -> None:
        super().__init__(f"download of {name!r}", _bytes_of, session.loop, session.loop_thread, session.log)
        self.name = name
        self.media_type = media_type
        self.size = size
        """Bytes of the content; None if unknown."""
        self._session = session
        self._stream: OutgoingStream | None = None
        self._pieces = 0

    @property
    def received(self) -> int:
        """How many bytes the page has acknowledged so far."""
        if self._value is not None:
            return self._value
        return self._stream.acknowledged if self._stream else 0

    def cancel(self) -> None:
        """Give the download up: nothing is saved; who waits gets `CommandError` `cancelled`. On any thread."""
        self.abandon(CommandError(ErrorCode.CANCELLED, f"the {self._label} was cancelled"), quietly=True)

    def abandon(self, why: BaseException, *, quietly: bool = False) -> None:
        """Give the download up because of `why`, which who waits gets (STREAM-9)."""
        # First, since the page's answer to the cancel would be the outcome if it came before.
        self.fail(why, quietly=quietly)
        self._session.cancel(self)
        # Its feeder may wait for room.
        self._session.call_on_loop(self._session.room.has_changed)

    # -- for the feeders -----------------------------------------------------------------------

    def send_inline(self, data: bytes) -> None:
        """Send the whole content in one message; ValueError if the client takes none so large."""
        if self.done():
            raise _Abandoned
        content = InlineContent(kind="inline", base64=base64.b64encode(data).decode())
        self._session.submit(self, "download", json_values.dump(self._params(content)))

    def check(self) -> None:
        """Raise ValueError for a name or a media type that can't be sent."""
        self._params(StreamContent(kind="stream"))

    def open_stream(self) -> None:
        """Send the command, to be followed by the content in chunks."""
        content = StreamContent(kind="stream")
        command = self._session.submit(self, "download", json_values.dump(self._params(content)), streams=True)
        self._stream = command.stream

    def feed_from_thread(self, piece: bytes) -> None:
        """Send the next bytes; blocks while there is no room."""
        rest = memoryview(piece)
        room = self._session.room
        while rest:
            with room.lock:
                taken, is_worth_a_look = self._feed(rest)
                if not taken:
                    room.wait_in_thread(None)
            rest = rest[taken:]
            if is_worth_a_look:
                self._session.wake_link()

    async def feed_from_task(self, piece: bytes) -> None:
        """Send the next bytes; waits while there is no room, and lets others have their turn."""
        rest = memoryview(piece)
        room = self._session.room
        while rest:
            with room.lock:
                taken, is_worth_a_look = self._feed(rest)
            rest = rest[taken:]
            if is_worth_a_look:
                self._session.wake_link()
            if not taken:
                await room.wait_in_task()
        self._pieces += 1
        if self._pieces % PIECES_AT_ONCE == 0:
            await asyncio.sleep(0)

    def finish(self) -> None:
        """Say that all was sent."""
        with self._session.room.lock:
            if self._stream:
                self._stream.finish()
        self._session.wake_link()

    def _params(self, content: InlineContent | StreamContent) -> DownloadParams:
        return make_params(
            DownloadParams, "download", name=self.name, media_type=self.media_type, size=self.size, content=content
        )

    def _feed(self, data: memoryview) -> tuple[int, bool]:
        """Return how many bytes were taken, and whether the connection must be told of them."""
        stream = self.command.stream if self.command else None
        if stream is None:
            raise _Abandoned
        had_waiting, had_frame = stream.waiting > 0, stream.has_frame
        taken = stream.feed(data)
        # Of the first bytes, to begin to wait for more; and once they are enough.
        return taken, taken > 0 and (not had_waiting or (stream.has_frame and not had_frame))


def _bytes_of(params: WireModel) -> int:
    if not isinstance(params, DownloadResult):
        raise TypeError(f"{type(params).__name__} is no result of a download")
    return params.bytes


def start_download(
    session: LiveSession,
    name: str,
    media_type: str,
    content: MemoryContent | PiecesContent | AsyncContent,
) -> Download:
    """Begin to send `content`; what comes back tells progress and the end."""
    streams = session.core.takes_streams
    if isinstance(content, MemoryContent):
        data = content.data
        if len(data) <= session.inline_bytes or not streams:
            download = Download(session, name, media_type, len(data))
            download.send_inline(data)
            return download
        content = content.as_pieces()
    download = Download(session, name, media_type, content.size)
    download.check()
    if streams:
        download.open_stream()
    # Until its content is read, nothing but this shows the session that there is a file to come.
    session.work_started()
    session.unsent.add(download)
    if isinstance(content, AsyncContent):
        session.call_on_loop(partial(_start_task, session, download, content))
    else:
        target = session.context.copy().run
        arguments = (_feed_from_thread, session, download, content.pieces)
        threading.Thread(target=target, args=arguments, name=f"pagewire-{download.name}", daemon=True).start()
    return download


def _feed_from_thread(session: LiveSession, download: Download, pieces: Iterator[bytes]) -> None:
    streams = session.core.takes_streams
    try:
        if streams:
            for piece in pieces:
                download.feed_from_thread(piece)
            download.finish()
        else:
            data = b"".join(pieces)
            download.size = len(data)
            download.send_inline(data)
    except _Abandoned:
        session.log.debug("the download of %r takes no more content", download.name)
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the download, or logged there
        download.abandon(error)
    finally:
        close = getattr(pieces, "close", None)
        if close:
            guard_call(session.log, close, f"the source of {download.name!r}")
        session.call_on_loop(partial(_feeder_done, session, download))


def _start_task(session: LiveSession, download: Download, content: AsyncContent) -> None:
    task = session.loop.create_task(_feed_from_task(session, download, content), context=session.context.copy())
    session.feeders.add(task)

    def done(_task: asyncio.Task[None]) -> None:
        session.feeders.discard(task)
        _feeder_done(session, download)

    task.add_done_callback(done)


def _feeder_done(session: LiveSession, download: Download) -> None:
    session.unsent.discard(download)
    session.work_finished()


async def _feed_from_task(session: LiveSession, download: Download, content: AsyncContent) -> None:
    try:
        if session.core.takes_streams:
            async for piece in content.pieces:
                await download.feed_from_task(piece)
            download.finish()
        else:
            data = b"".join([piece async for piece in content.pieces])
            download.size = len(data)
            download.send_inline(data)
    except _Abandoned:
        session.log.debug("the download of %r takes no more content", download.name)
    except asyncio.CancelledError as error:
        download.abandon(RuntimeError(f"the source was cancelled: {error!r}"))
        raise
    except (Exception, *ESCAPING) as error:  # noqa: BLE001 - handed to whoever waits for the download, or logged there
        download.abandon(error)
    finally:
        await guard(session.log, content.pieces.aclose(), f"the source of {download.name!r}")
