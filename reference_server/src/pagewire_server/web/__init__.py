"""Plain HTTP, free of any web framework: a `Request` in, a `Response` out.

`Site` answers requests for the page, the client's modules, static files and `/health`, or raises a `Refusal`, which
`Pages` makes a response of. A body may be long either way: a `RequestBody` is read in pieces, and so is the `Source` of
a `Response`. `requests` says what a request tells of its sender: the origin of the page, the host by which the server
was reached, the user's address.
"""
