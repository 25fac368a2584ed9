"""The shell: WebSocket connections and HTTP requests, on the `websockets` library."""
