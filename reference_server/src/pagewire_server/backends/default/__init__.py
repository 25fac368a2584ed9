"""The default backend: a server of its own, on one port, with the libraries h11 and websockets.

`door` accepts connections and counts them, `http` serves one connection, `exchange` one request on it, and `upgrade`
makes it a WebSocket. `server` puts them together.
"""
