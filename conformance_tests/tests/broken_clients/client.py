"""A small, correct client of Pagewire: the one that defects are planted into. Each rule has a method of its own.

It is one class, in three files by what its methods are about: connections (`connecting`), the conversation on them
(`session`), and commands (here). A defect is a subclass that overrides one method, whichever of the three it is in.
That is why the three inherit, rather than have, each other.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from broken_clients.client_platform import CommandFailed, decode_base64
from broken_clients.connecting import Download, Outgoing, Stop
from broken_clients.session import Session
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.json_scan import JsonScan
from pagewire_protocol.violations import PeerViolation

Message = dict[str, Any]

MAX_DEPTH: Final = 128
ROOM: Final = 1_048_576
_STRINGS: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)

__all__ = ["Client", "Message", "Outgoing", "Stop"]


def nesting(text: str) -> int:
    """Return how many levels nest in a JSON text."""
    level = deepest = 0
    for character in _STRINGS.sub("", text):
        level += (character in "[{") - (character in "]}")
        deepest = max(deepest, level)
    return deepest


class Client(Session):
    """Does what it is told."""

    # --- Commands ---

    def start(self, id_: int, type_: str, params: Message) -> None:
        """Begin a command; what it throws is its answer."""
        try:
            match type_:
                case "run_js":
                    self.run_code(id_, params["code"], params["args"], is_eval=False)
                case "eval_js":
                    self.run_code(id_, self.expression_body(params["expression"]), params["args"], is_eval=True)
                case "download":
                    self.download(id_, params)
                case "set_env":
                    self.result(id_, self.set_env(params))
                case "go_app":
                    self.go_app(id_, params["app"], new_window=params["new_window"])
                case _:
                    self.test_command(id_, type_[5:], params)
        except CommandFailed as failure:
            self.fail_command(id_, failure)

    def run_code(self, id_: int, code: str, args: Message, *, is_eval: bool) -> None:
        """Run code in the engine, which calls `js_reply`."""
        if self.page.forbids_code:
            raise CommandFailed("blocked_by_csp", "The page forbids it.")
        self.engine.start(id_, code, args, is_eval=is_eval)

    def expression_body(self, expression: str) -> str:
        """EVAL-1."""
        return f"return ({re.sub('[' + chr(92) + 's;]+$', '', expression)}\n)"

    def js_reply(self, id_: int, outcome: str, text: str) -> None:
        """The engine is done with a command."""
        id_ = int(id_)  # it gives large integers back as floats
        match outcome:
            case "done":
                self.result(id_, {})
            case "value":
                self.value(id_, text)
            case "not_serializable":
                self.fail_command(id_, CommandFailed("not_serializable", "The value has no JSON."))
            case _:
                exception = json.loads(text)
                message = f"{exception['name']}: {exception['message']}"
                self.fail_command(id_, CommandFailed("exception", message, exception=exception))

    def value(self, id_: int, text: str) -> None:
        """Answer an eval by the JSON text of its value."""
        if nesting(text) > MAX_DEPTH:
            self.fail_command(id_, CommandFailed("not_serializable", "The value nests too deep."))
        else:
            self.answer(id_, Outgoing("result", id_, f'{{"value":{text}}}'))

    def result(self, id_: int, params: Message) -> None:
        """Answer a command that has succeeded."""
        self.answer(id_, Outgoing("result", id_, json.dumps(params)))

    def fail_command(self, id_: int, failure: CommandFailed) -> None:
        """Answer a command that has failed."""
        self.answer(id_, Outgoing("error", id_, json.dumps(failure.params, ensure_ascii=False)))

    def answer(self, id_: int, message: Outgoing) -> None:
        """Answer a command, once."""
        if self.pending.pop(id_, None) is None:
            return
        self.streams.pop(id_, None)
        self.queue(self.fitting(message))

    def fitting(self, message: Outgoing) -> Outgoing:
        """WIRE-24, WIRE-28."""
        if message.size <= self.largest and not self.has_too_many_values(message):
            return message
        if message.type == "result":
            params: Message = {"code": "too_large", "message": "The reply is too large."}
        else:
            full = json.loads(message.params)
            params = {"code": full["code"], "message": full["message"][:1000]}
            if "exception" in full:
                params["exception"] = {name: full["exception"][name][:1000] for name in ("name", "message")}
        return Outgoing("error", message.id, json.dumps(params, ensure_ascii=False))

    def has_too_many_values(self, message: Outgoing) -> bool:
        """Whether the server accepts fewer values (WIRE-27)."""
        return JsonScan(message.text(1)).has_more_values(self.most_values)

    def js_emit(self, name: str, data: str) -> str:
        """Send an event; return why it cannot be sent, or nothing (EVENT-3, EVENT-5)."""
        if not 1 <= len(json.loads(name)) <= 128:
            return "the name has no 1 to 128 characters"
        if nesting(data) > MAX_DEPTH:
            return "the data nests too deep"
        event = Outgoing("event", None, f'{{"name":{name},"data":{data}}}')
        if event.size > self.largest:
            return "the event is too large"
        if self.has_too_many_values(event):
            return "the event has too many values"
        if event.size + self.unacknowledged_out() > ROOM:
            return "too much is unacknowledged"
        self.queue(event)
        return ""

    def unacknowledged_out(self) -> int:
        """The bytes of session messages that the server has not acknowledged."""
        return sum(message.size for message in self.outbox)

    def on_cancel(self, id_: int) -> None:
        """CANCEL-1 to CANCEL-4."""
        if id_ in self.pending:
            self.fail_command(id_, CommandFailed("cancelled", "The server gave up waiting."))

    def set_env(self, settings: Message) -> Message:
        """ENV-1 to ENV-5."""
        if not self.has_page:
            return {"applied": [], "ignored": list(settings)}
        applied, ignored = self.page.apply(settings)
        return {"applied": applied, "ignored": ignored}

    def go_app(self, id_: int, app: str, *, new_window: bool) -> None:
        """APP-1 to APP-6."""
        if not self.has_page:
            raise CommandFailed("unsupported", "There is no page.")
        if new_window:
            self.page.open_window(app)
            self.result(id_, {})
        else:
            self.page.apps.append({"url": self.page.app_url(app), "new_window": False})
            self.result(id_, {})
            self.leave()

    def leave(self) -> None:
        """END-6, END-7."""
        self.fail(ByeCode.CLIENT_LEFT, "The client leaves.")

    # --- Downloads ---

    def download(self, id_: int, params: Message) -> None:
        """DL-1 to DL-10."""
        content = params["content"]
        if content.kind == "stream":
            if not self.takes_streams:
                raise CommandFailed("unsupported", "This client takes no streams.")
            self.streams[id_] = Download(params["name"], params["size"])
            return
        try:
            data = decode_base64(content.base64)
        except ValueError as error:
            raise CommandFailed("invalid_command", f"params.content.base64: {error}") from None
        if params["size"] not in {None, len(data)}:
            raise CommandFailed("invalid_command", "params.size: is not the content's length")
        self.save(id_, params["name"], data)

    def save(self, id_: int, name: str, content: bytes) -> None:
        """Hand a file over, show a link to it, and say so."""
        self.disk.save(name, content)
        self.page.links.append(name)
        self.result(id_, {"bytes": len(content)})

    def on_binary(self, data: bytes) -> bool:
        """Take a chunk; False if the connection is over."""
        try:
            self.check_binary(data)
            self.on_chunk(int.from_bytes(data[:8], "big"), int.from_bytes(data[8:16], "big"), data[16:])
        except PeerViolation as violation:
            return self.fail(violation.code, str(violation))
        return True

    def check_binary(self, data: bytes) -> None:
        """HELLO-17, WIRE-22."""
        if not self.welcomed:
            raise PeerViolation("a chunk before welcome")
        if len(data) < 16:
            raise PeerViolation("a binary frame under 16 bytes")

    def on_chunk(self, id_: int, offset: int, payload: bytes) -> None:
        """STREAM-4 to STREAM-7."""
        stream = self.streams.get(id_)
        if stream is None:
            return
        self.check_chunk(stream, offset, payload)
        self.progress()
        if not payload and stream.ended:
            return
        self.append(stream, payload)
        if stream.size is not None and self.has_wrong_length(stream, payload):
            self.fail_command(id_, CommandFailed("stream_failed", "The stream has another length than its size."))
            return
        self.ack_stream(id_, stream, is_end=not payload)
        if not payload:
            stream.ended = True
            self.finish(id_, stream)

    def check_chunk(self, stream: Download, offset: int, payload: bytes) -> None:
        """STREAM-5."""
        if offset != len(stream.content):
            raise PeerViolation(f"offset: {offset}, where {len(stream.content)} is next")
        if len(payload) > self.window // 4:
            raise PeerViolation("a payload larger than a quarter of the window")

    def append(self, stream: Download, payload: bytes) -> None:
        """Keep what has come."""
        stream.content += payload

    def has_wrong_length(self, stream: Download, payload: bytes) -> bool:
        """STREAM-7."""
        assert stream.size is not None
        length = len(stream.content)
        return length > stream.size or (not payload and length != stream.size)

    def ack_stream(self, id_: int, stream: Download, *, is_end: bool) -> None:
        """STREAM-4."""
        if is_end or len(stream.content) - stream.acknowledged >= self.window // 4:
            stream.acknowledged = len(stream.content)
            self.send_control("stream_ack", {"id": id_, "offset": stream.acknowledged})

    def finish(self, id_: int, stream: Download) -> None:
        """The end has come."""
        try:
            self.save(id_, stream.name, bytes(stream.content))
        except CommandFailed as failure:
            self.fail_command(id_, failure)

    # --- The capability test ---

    def test_command(self, id_: int, name: str, params: Message) -> None:
        """What the suite asks for besides the protocol."""
        if name == "state":
            self.result(id_, self.state())
            return
        self.result(id_, {})
        match name:
            case "leave":
                self.leave()
            case "break":
                self.on_break()
            case "click":
                self.page.may_open_windows = True
            case "forbid_code":
                self.page.forbids_code = True
            case "reload":
                self.reload()
            case "restore":
                self.restore()
            case "long_url":
                self.reload()
                self.page.url += "&padding="
                self.page.url += "x" * (params["characters"] - len(self.page.url))
            case "auth":
                self.auth = params["text"] * params["times"]

    def state(self) -> Message:
        """What `test:state` shows."""
        shown: Message = {"files": self.disk.files}
        if self.has_page:
            page = self.page
            shown |= {"settings": page.settings, "apps": page.apps, "links": page.links, "stored": page.stored}
        return shown

    def on_break(self) -> None:
        """Break the connection, as a network does."""
        if self.wire is not None:
            self.wire.abort()

    def reload(self) -> None:
        """Load the page again: it leaves, and a new instance begins."""
        self.say_bye("client_left", "The page is loaded again.")
        if self.wire is not None:
            self.wire.close(1000)
        self.give_up_connection()
        self.renew()
        self.failures = 0

    def restore(self) -> None:
        """Come back from the browser's cache (END-6)."""
        self.reload()
