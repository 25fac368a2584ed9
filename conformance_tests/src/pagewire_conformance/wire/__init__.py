"""The suite's end of the wire: a listener, connections, and what arrives on them. It shares nothing with the server."""
