"""One connection of a session over something.

A backend turns what its framework calls a WebSocket into the `WebSocket` of `websocket.py`. `Handshake` admits its
client, and `WebSocketConnection` carries the session over it: it reads, writes what the session has as soon as the
socket accepts it, and keeps the timers for pings and acks. All on the event loop.

Invariant: whatever fails here ends the session with `internal_error`, or closes the connection, and is logged. No
failure leaves a socket open on which nothing happens any more.
"""
