"""The page and the client's modules over HTTP: a file or a clear no, never a path outside the folders."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from io import BufferedReader
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote

from pagewire_server.web.files import PIECE_BYTES, FileSource, FileTags, asked_range, has_tag, preferred_coding
from pagewire_server.web.requests import Request
from pagewire_server.web.responses import MEDIA_TYPES, Pages, Refusal, Response

logger = logging.getLogger("pagewire.server")

NO_DESCRIPTORS: Final = frozenset((errno.EMFILE, errno.ENFILE))
"""Errors of a process, or a machine, that has too many files open."""

NONCE_PLACEHOLDER: Final = b'nonce="{{nonce}}"'
"""What an HTML file has where the nonce of a strict policy is to stand; only its author writes that."""

_WELL_KNOWN: Final = "/.well-known/"
"""The one folder with a dot that is meant to be served (RFC 8615)."""
_MAX_PATH_CHARACTERS: Final = 200
_INDEX: Final = "index.html"
_SCRIPT_DIRECTIVES: Final = frozenset(("script-src", "script-src-elem", "script-src-attr"))
_CODINGS: Final = {"br": ".br", "gzip": ".gz"}
"""Encodings, the best one first, and how the name of a file that is encoded so ends."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder whose files are served below a path, which ends in a slash."""

    prefix: str
    folder: Path


class _Found(NamedTuple):
    """A file, and the folder that everything served beside it must be in."""

    file: Path
    root: Path


def client_folder() -> Path:
    """Return the folder of the browser client's modules: in the package, or beside it in a checkout."""
    installed = Path(__file__).parents[1] / "_client"
    return installed if installed.is_dir() else Path(__file__).parents[4] / "js_client" / "src"


def _is_hidden(path: str) -> bool:
    """Whether a path contains the name of a dot file or folder, such as `/.env` or `/.git/config`.

    What counts is the name that is asked for. Where a link without a dot points inside the folder is its author's
    choice: volumes of Kubernetes consist of links into such folders.
    """
    return any(name.startswith(".") for name in path.removeprefix(_WELL_KNOWN).split("/"))


def _file_in(mount: Mount, path: str) -> _Found | None:
    try:
        root = mount.folder.resolve()
        file = (root / path.removeprefix(mount.prefix).lstrip("/")).resolve()
        if file.is_dir():
            file = (file / _INDEX).resolve()
        return _Found(file, root) if file.is_relative_to(root) and file.is_file() else None
    except (OSError, RuntimeError):
        # The file system does not accept the name, or a symbolic link points to itself (before Python 3.13 a
        # RuntimeError): it is the name of no file.
        return None


def _encoded_files(found: _Found) -> dict[str, Path]:
    """Return the files beside one that have the same content, encoded. One that is older than it is stale."""
    encoded = {}
    for coding, suffix in _CODINGS.items():
        try:
            file = found.file.with_name(found.file.name + suffix).resolve()
            is_there = file.is_relative_to(found.root) and file.is_file()
            if is_there and file.stat().st_mtime_ns >= found.file.stat().st_mtime_ns:
                encoded[coding] = file
        except (OSError, RuntimeError):
            # As in `_file_in`: there is no such file.
            continue
    return encoded


def strict_policy(policy: str, *sources: str) -> str:
    """Return `policy` with other directives for scripts: none run but the server's files, and what `sources` names."""
    directives = [directive.strip() for directive in policy.split(";")]
    others = [text for text in directives if text and text.split()[0].lower() not in _SCRIPT_DIRECTIVES]
    return "; ".join([*others, " ".join(["script-src", *sources, "'self'"])])


class StaticFiles:
    """What is served over HTTP. Mounts are tried in their order."""

    def __init__(self, mounts: tuple[Mount, ...], content_security_policy: str, *, strict_csp: bool = False) -> None:
        self._mounts = mounts
        self._policy = strict_policy(content_security_policy) if strict_csp else content_security_policy
        self._is_strict = strict_csp
        self._tags = FileTags()
        self.pages = Pages(self._policy)

    async def respond(self, request: Request) -> Response:
        """Return the response to a GET or HEAD. Files are read in threads: nobody waits for a slow disk."""
        responding = asyncio.ensure_future(asyncio.to_thread(self._respond, request))
        try:
            return await asyncio.shield(responding)
        except asyncio.CancelledError:
            responding.add_done_callback(_close)
            raise

    def _respond(self, request: Request) -> Response:
        path = unquote(request.path)
        file = self._find(path)
        try:
            if file:
                return self._file(file, request)
        except OSError as error:
            if error.errno in NO_DESCRIPTORS:
                return self.pages.refuse(request, Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The server is too busy."))
            logger.info("can't read %s: %s", file, error, extra={"kind": "can't read a file"})
        text = f"There is no {path[:_MAX_PATH_CHARACTERS]} here."
        return self.pages.refuse(request, Refusal(HTTPStatus.NOT_FOUND, text))

    def _file(self, found: _Found, request: Request) -> Response:
        media_type = MEDIA_TYPES.get(found.file.suffix.lower(), "application/octet-stream")
        if self._is_strict and media_type.startswith("text/html"):
            return self._page_with_nonce(found.file, media_type)
        headers = self.pages.headers(media_type)
        # Checked again at each load, so that a new version of the server is never met with old modules.
        headers |= {"Cache-Control": "no-cache", "Accept-Ranges": "bytes"}
        encoded = _encoded_files(found)
        coding = preferred_coding(request.header_values("Accept-Encoding"), tuple(encoded))
        if encoded:
            headers["Vary"] = "Accept-Encoding"
        if coding:
            headers["Content-Encoding"] = coding
        path = encoded[coding] if coding else found.file
        file = path.open("rb")
        try:
            response = self._representation(request, path, file, headers)
        except BaseException:
            file.close()
            raise
        if isinstance(response.body, bytes):
            file.close()
        return response

    def _representation(self, request: Request, path: Path, file: BufferedReader, headers: dict[str, str]) -> Response:
        """Return the response that sends a file, or a part of it, or says that the client has it."""
        tag = headers["ETag"] = self._tags.tag(path, file)
        if has_tag(request.header_values("If-None-Match"), tag):
            return Response(HTTPStatus.NOT_MODIFIED, headers)
        size = os.fstat(file.fileno()).st_size
        part = asked_range(request.header("Range"), size) if request.method == "GET" else None
        if request.header("If-Range") not in {None, tag} or (request.header("If-Range") and tag.startswith("W/")):
            part = None
        if part is None:
            part, status = range(size), HTTPStatus.OK
        elif not part:
            headers |= {"Content-Range": f"bytes */{size}", "Content-Length": "0"}
            return Response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers)
        else:
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
            status = HTTPStatus.PARTIAL_CONTENT
        headers["Content-Length"] = str(len(part))
        if request.method == "HEAD":
            return Response(status, headers)
        file.seek(part.start)
        if len(part) > PIECE_BYTES:
            return Response(status, headers, FileSource(file, len(part)))
        body = file.read(len(part))
        headers["Content-Length"] = str(len(body))
        return Response(status, headers, body)

    def _page_with_nonce(self, file: Path, media_type: str) -> Response:
        """Return an HTML file with a nonce of its own, which nobody may keep: a nonce is good once."""
        nonce = secrets.token_urlsafe(18)
        headers = self.pages.headers(media_type, strict_policy(self._policy, f"'nonce-{nonce}'"))
        body = file.read_bytes().replace(NONCE_PLACEHOLDER, b'nonce="%b"' % nonce.encode())
        headers |= {"Cache-Control": "no-store", "Content-Length": str(len(body))}
        return Response(HTTPStatus.OK, headers, body)

    def _find(self, path: str) -> _Found | None:
        if "\0" in path or "\\" in path or _is_hidden(path):
            return None
        found = (_file_in(mount, path) for mount in self._mounts if path.startswith(mount.prefix))
        return next((file for file in found if file), None)


def _close(responding: asyncio.Future[Response]) -> None:
    """Close the file of a response that nobody waits for any more."""
    if not responding.cancelled() and not responding.exception():
        body = responding.result().body
        if isinstance(body, FileSource):
            body.close()
