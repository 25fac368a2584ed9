"""Downloads: content of any kind on its way to the page, in one message or as a stream of bounded memory.

An iterator is read in a thread of its own, for it may block; an asynchronous one in a task. There are two feeders for
that reason: to read both in the same way would cost a change of thread for each piece.
"""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import AsyncGenerator, Iterator
from functools import partial
from typing import Final

from pagewire_protocol.codes import ErrorCode
from pagewire_protocol.command_messages import DownloadParams, DownloadResult, InlineContent, StreamContent
from pagewire_protocol.fields import WireModel
from pagewire_server.apps.commands import PendingCommand, make_params
from pagewire_server.apps.content import Source
from pagewire_server.apps.program_code import ESCAPING, guard, guard_call
from pagewire_server.apps.session import Session
from pagewire_server.core.session import MessageTooLargeError, StreamClosed
from pagewire_server.errors import CommandError

PIECES_AT_ONCE: Final = 64
"""How many pieces of an asynchronous iterator that never waits are read before others have a turn."""


class Download(PendingCommand[int]):
    """What `download` returns: done when the page has handed the file over to be saved; its value is the bytes.

    `await` it in a coroutine, `wait()` for it in a thread; both raise what went wrong: what the content raised, or
    `CommandError`, whose code is `cancelled` where the user gave it up, or `SessionClosed`. A failure that nobody
    waits for is logged.
    """

    def __init__(self, session: Session, name: str, media_type: str, size: int | None) -> None:
        super().__init__(session, f"download of {name!r}", _bytes_of)
        self.name = name
        self.media_type = media_type
        self.size = size
        """Bytes of the content; None if unknown."""
        self._most_inline: int | None = None

    @property
    def received(self) -> int:
        """How many bytes the page has acknowledged so far."""
        if self._value is not None:
            return self._value
        return self._session.acknowledged(self.command) if self.command else 0

    def cancel(self) -> None:
        """Give the download up: nothing is saved; who waits gets `CommandError` `cancelled`. On any thread."""
        self.give_up(CommandError(ErrorCode.CANCELLED, f"the {self._label} was cancelled"), quietly=True)

    # -- for the feeders -----------------------------------------------------------------------

    def check(self) -> None:
        """Raise ValueError for a name or a media type that can't be sent."""
        self._params(StreamContent(kind="stream"))

    def stop(self) -> None:
        """Tell the page that no more content comes, unless it was told or has answered."""
        if self.command:
            self._session.cancel(self.command)

    def require_open(self) -> None:
        """Raise StreamClosed if no more content is needed: the download is done, or its session has ended."""
        if self.done():
            raise StreamClosed

    def check_inline(self, size: int) -> None:
        """Raise ValueError if content of `size` bytes does not fit into one message to this client."""
        if self._most_inline is None or size > self._most_inline:
            empty = self._params(InlineContent(kind="inline", base64=""))
            room, limit = self._session.room_beside("download", empty)
            self._most_inline = max(room, 0) // 4 * 3
            if size > self._most_inline:
                is_known = self.size is not None
                has = f"has {size} bytes" if is_known else f"is over {self._most_inline} bytes"
                raise MessageTooLargeError(
                    f"the content of {self.name!r} {has}, without streams; {limit}, base64 included"
                )

    def append_inline(self, content: bytearray, piece: bytes) -> None:
        """Append a piece to content that is sent in one message; ValueError if it is too large by now."""
        self.check_inline(len(content) + len(piece))
        content += piece

    def send_inline(self, data: bytes | bytearray) -> None:
        """Send the whole content in one message; ValueError if the client accepts none so large."""
        self.require_open()
        self.size = len(data)
        self.check_inline(self.size)
        self.submit("download", self._params(InlineContent(kind="inline", base64=base64.b64encode(data).decode())))
        if self.done() and self.command:
            # It was cancelled meanwhile, when there was nothing to cancel.
            self._session.cancel(self.command)

    def open_stream(self, content: bytes | None = None) -> None:
        """Send the command, to be followed by `content` in chunks; by what `feed` is given, if that is None."""
        self.submit("download", self._params(StreamContent(kind="stream")), streams=True, content=content)

    def feed(self, data: memoryview, *, wait: bool) -> int:
        """Send the next bytes, as many as there is room for, as `Session.feed` does; return how many."""
        if self.command is None:
            raise StreamClosed
        return self._session.feed(self.command, data, wait=wait)

    def finish_content(self, content: bytearray) -> None:
        """Say that all was fed; or send `content`, which was collected because the client accepts no streams."""
        if not self._session.takes_streams:
            self.send_inline(content)
        elif self.command:
            self._session.finish_stream(self.command)

    def _params(self, content: InlineContent | StreamContent) -> bytes:
        fields = {"name": self.name, "media_type": self.media_type, "size": self.size, "content": content}
        return make_params(DownloadParams, "download", fields)


def _bytes_of(params: WireModel) -> int:
    if not isinstance(params, DownloadResult):
        raise TypeError(f"{type(params).__name__} is not a result of a download")
    return params.bytes


def start_download(session: Session, name: str, media_type: str, source: Source) -> Download:
    """Begin to send what a source gives; what comes back tells progress and the end.

    ValueError if its size is known and too large for a client without streams.
    """
    download = Download(session, name, media_type, source.size)
    try:
        _start(session, download, source)
    except BaseException:
        source.discard()
        raise
    return download


def _start(session: Session, download: Download, source: Source) -> None:
    whole = source.whole
    if whole is not None and (len(whole) <= session.options.inline_bytes or not session.takes_streams):
        download.send_inline(whole)
        return
    # On the event loop, what is called in the same turn goes first: there the content follows from a task.
    is_in_thread = threading.get_ident() != session.loop_thread
    if whole is not None and is_in_thread and len(whole) <= session.options.stream_window_bytes:
        download.open_stream(whole)
        return
    if session.takes_streams:
        download.open_stream()
    else:
        download.check()
        download.check_inline(source.size or 0)
    # Until its content is read, nothing but this shows the session that there is a file to come.
    session.work_started()
    session.listen_for_end(download)
    if isinstance(source.pieces, AsyncGenerator):
        session.call_on_loop(partial(_start_task, session, download, source.pieces))
        return
    target = partial(session.context.copy().run, _feed_from_thread, session, download, source.pieces)
    try:
        threading.Thread(target=target, name=f"pagewire-{download.name}", daemon=True).start()
    except RuntimeError as error:
        # There is no thread to be had.
        download.give_up(error, quietly=True)
        session.call_on_loop(partial(_feeder_done, session, download))
        raise


def _feed_from_thread(session: Session, download: Download, pieces: Iterator[bytes]) -> None:
    content = bytearray()
    try:
        for piece in pieces:
            # A stream that is fed nothing never says that it is closed.
            download.require_open()
            if session.takes_streams:
                rest = memoryview(piece)
                while rest:
                    rest = rest[download.feed(rest, wait=True) :]
            else:
                download.append_inline(content, piece)
        download.finish_content(content)
    except StreamClosed:
        session.log.debug("the download of %r takes no more content", download.name)
        download.stop()
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the download, or logged there
        download.give_up(error)
    finally:
        close = getattr(pieces, "close", None)
        if close:
            guard_call(session.log, close, f"the source of {download.name!r}")
        session.call_on_loop(partial(_feeder_done, session, download))


def _start_task(session: Session, download: Download, pieces: AsyncGenerator[bytes]) -> None:
    task = session.loop.create_task(_feed_from_task(session, download, pieces), context=session.context.copy())
    session.tasks.add(task)

    def done(_task: asyncio.Task[None]) -> None:
        session.tasks.discard(task)
        _feeder_done(session, download)

    task.add_done_callback(done)


async def _feed_from_task(session: Session, download: Download, pieces: AsyncGenerator[bytes]) -> None:
    content = bytearray()
    count = 0
    try:
        async for piece in pieces:
            download.require_open()
            if session.takes_streams:
                await _feed_piece(session, download, piece)
            else:
                download.append_inline(content, piece)
            count += 1
            if count % PIECES_AT_ONCE == 0:
                await asyncio.sleep(0)
        download.finish_content(content)
    except StreamClosed:
        session.log.debug("the download of %r takes no more content", download.name)
        download.stop()
    except asyncio.CancelledError as error:
        download.give_up(RuntimeError(f"the source was cancelled: {error!r}"))
        raise
    except (Exception, *ESCAPING) as error:  # noqa: BLE001 - handed to whoever waits for the download, or logged there
        download.give_up(error)
    finally:
        await guard(session.log, pieces.aclose(), f"the source of {download.name!r}")


async def _feed_piece(session: Session, download: Download, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        taken = download.feed(rest, wait=False)
        rest = rest[taken:]
        if not taken:
            await session.room.wait_in_task()


def _feeder_done(session: Session, download: Download) -> None:
    session.forget_listener(download)
    session.work_finished()
