"""Listening for WebSockets with the library, by the server's options."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, cast

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.http11 import Request, Response

from pagewire_server.logs import library_logger
from pagewire_server.options import KIB, Options
from pagewire_server.version import VERSION
from pagewire_server.websocket.connection import LEAVE_SECONDS
from pagewire_server.websocket.prompt_connection import PromptConnection
from pagewire_server.websocket.requests import select_subprotocol
from pagewire_server.websocket.waiting_room import WaitingRoom

_CLOSE_SLACK_BYTES: Final = 64 * KIB
"""How much more than a message the library takes, so that ours is the error that a client sees (WIRE-23)."""


async def listen(
    options: Options,
    host: str,
    port: int,
    *,
    door: WaitingRoom,
    serve_client: Callable[[ServerConnection], Awaitable[None]],
    process_request: Callable[[ServerConnection, Request], Awaitable[Response | None] | Response | None],
) -> WebSocketServer:
    """Begin to listen; OSError if the port is taken. The two functions are the library's hooks.

    `door` counts the connections whose request has not come yet.
    """
    return await serve_websocket(
        serve_client,
        host,
        port,
        ssl=options.tls,
        # Clients that open a connection and then stop are given no longer than one without TLS.
        ssl_handshake_timeout=options.hello_timeout if options.tls else None,
        ssl_shutdown_timeout=LEAVE_SECONDS if options.tls else None,
        select_subprotocol=select_subprotocol,
        process_request=process_request,
        server_header=f"pagewire/{VERSION}",
        compression=None,
        max_size=options.max_message_bytes + _CLOSE_SLACK_BYTES,
        open_timeout=options.hello_timeout,
        ping_interval=options.heartbeat_interval,
        ping_timeout=options.heartbeat_timeout,
        close_timeout=LEAVE_SECONDS,
        logger=library_logger,
        # A function is as good as the class that the library asks for.
        create_connection=cast("type[PromptConnection]", PromptConnection.behind(door, options.trusted_proxies)),
    )
