"""Who owns the socket: each backend turns a framework's requests and WebSockets into ours."""
