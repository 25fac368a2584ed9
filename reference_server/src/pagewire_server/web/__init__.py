"""Plain HTTP, free of any web framework: a `Request` in, a `Response` out.

`Site` answers requests for the page, the client's modules, static files and `/health`. `requests` says what a request
tells of its sender: the origin of the page, the host by which the server was reached, the user's address.
"""
