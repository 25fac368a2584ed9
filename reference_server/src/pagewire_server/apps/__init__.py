"""The program's side: apps that run, the sessions that they run in, and what they call.

How it works. `AppRunner` opens a `Session` for each client that is let in and starts its app: a plain function in a
thread of its own, a coroutine function as a task of the event loop. What the app calls (`commands`, `downloads`) is
queued in the session, from any thread; what the client sends (`events`, replies) comes from the session's connection,
on the event loop.

Invariants. `Session` alone touches its core, under its lock; a thread that waits for room waits on that lock.
Everything else of a session belongs to the event loop, except where a docstring says otherwise. The program's own
code runs through `program_code`: whatever it raises is logged, and never ends a task or thread of the server.
"""
