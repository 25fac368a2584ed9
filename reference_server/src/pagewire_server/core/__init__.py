"""One session without IO: what the server sends, what it accepts, and when the session ends.

How it works. `handshake` checks a client's first message, and `directory` knows the sessions that exist and how those
that ended did so. `SessionCore` is one session: the program's commands go into its `Outbox` and come out as frames;
the client's frames come in and become effects (`Replied`, `EventReceived`, `ClientLeft`) for the program. `delivery`
keeps the promise of SPEC section 1 over connections that come and go, and `streams` sends the content of downloads.

Nothing here performs IO, starts a thread or reads a clock. Times are arguments, in seconds on any one clock. What a
client does wrong raises `PeerViolation`, which names the code of the `bye`. Nothing here is thread-safe: one object
outside, the `Session` of `pagewire_server.apps.session`, owns each core and its lock.
"""
