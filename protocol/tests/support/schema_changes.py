"""Kinds of change of the published schemas, and whom each breaks: the cases of `pagewire-schema diff`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schema_folders import FORMS, Fields, SchemaFolder

Edit = Callable[[SchemaFolder], object]
Definition = Callable[[Fields], object]

CLIENTS = frozenset(("client",))
SERVERS = frozenset(("server",))
BOTH = CLIENTS | SERVERS
NOBODY: frozenset[str] = frozenset()
OPEN = ("open",)
STRICT = ("strict",)


def nothing(_: SchemaFolder) -> None:
    """Change nothing."""


@dataclass(frozen=True)
class Kind:
    """One kind of change."""

    name: str
    edit: Edit
    breaks: dict[str, frozenset[str]]
    """Where somebody is broken, and who: all such places."""
    tells: tuple[str, ...] = ()
    """Where a change is told that breaks nobody."""
    given: Edit = nothing
    """What the old schemas have already, unlike the published ones."""


def of(name: str, edit: Definition, forms: tuple[str, ...] = FORMS) -> Edit:
    return lambda folder: folder.definition(name, edit, forms)


def all_of(*edits: Edit) -> Edit:
    def edit(folder: SchemaFolder) -> None:
        for each in edits:
            each(folder)

    return edit


def limit(definition: str, field: str, forms: tuple[str, ...] = FORMS, **keywords: Any) -> Edit:
    """Give a field other keywords; None takes one away."""

    def edit(found: Fields) -> None:
        schema = found["properties"][field]
        schema.update(keywords)
        for keyword in [key for key, value in schema.items() if value is None]:
            del schema[keyword]

    return of(definition, edit, forms)


def put(definition: str, field: str, schema: Any, forms: tuple[str, ...] = FORMS) -> Edit:
    return of(definition, lambda found: found["properties"].update({field: schema}), forms)


def drop(definition: str, field: str) -> Edit:
    def edit(found: Fields) -> None:
        del found["properties"][field]
        found["required"] = [each for each in found.get("required", ()) if each != field]

    return of(definition, edit)


def require(definition: str, field: str, forms: tuple[str, ...] = FORMS) -> Edit:
    return of(definition, lambda found: found.setdefault("required", []).append(field), forms)


def release(definition: str, field: str, forms: tuple[str, ...] = FORMS) -> Edit:
    return of(definition, lambda found: found["required"].remove(field), forms)


def rename(definition: str, old: str, new: str) -> Edit:
    def edit(found: Fields) -> None:
        found["properties"][new] = found["properties"].pop(old)
        found["required"] = [new if each == old else each for each in found.get("required", ())]

    return of(definition, edit)


def row(*path: str, key: dict[str, Any], **fields: Any) -> Edit:
    return lambda folder: folder.row(*path, **key).update(fields)


def bye_code(code: str, **fields: Any) -> Edit:
    new = {"code": code, "close": 4503, "retry": "reconnect", "sender": "server", "description": "busy", **fields}

    def edit(folder: SchemaFolder) -> None:
        folder.table("codes", "bye").append(new)
        _codes(folder, "ByeParams").append(code)

    return edit


def error_code(code: str) -> Edit:
    def edit(folder: SchemaFolder) -> None:
        folder.table("codes", "error").append({"code": code, "description": "new"})
        _codes(folder, "ErrorParams").append(code)

    return edit


def notice_code(code: str) -> Edit:
    def edit(folder: SchemaFolder) -> None:
        folder.table("codes", "notice").append({"code": code, "description": "new"})
        _codes(folder, "NoticeParams").append(code)

    return edit


def no_code(kind: str, definition: str, code: str) -> Edit:
    def edit(folder: SchemaFolder) -> None:
        folder.table("codes", kind).remove(folder.row("codes", kind, code=code))
        _codes(folder, definition).remove(code)

    return edit


def _codes(folder: SchemaFolder, definition: str) -> list[str]:
    """Return the codes that senders may send, to be changed."""
    params = folder.definitions("strict")[definition]
    schemas = [one["properties"]["code"] for one in (params, *params.get("anyOf", ())) if "properties" in one]
    return max((one["enum"] for schema in schemas for one in schema.get("anyOf", ()) if "enum" in one), key=len)


def setting(name: str, schema: Fields, default: Any) -> Edit:
    def edit(folder: SchemaFolder) -> None:
        put("SetEnvParams", name, schema)(folder)
        reference = {"$ref": f"pagewire.schema.json#/$defs/SetEnvParams/properties/{name}"}
        folder.table("settings").append({"name": name, "schema": reference, "default": default, "since": "1.1"})
        for names in _setting_names(folder):
            names.append(name)

    return edit


def no_setting(name: str) -> Edit:
    def edit(folder: SchemaFolder) -> None:
        drop("SetEnvParams", name)(folder)
        folder.table("settings").remove(folder.row("settings", name=name))
        for names in _setting_names(folder):
            names.remove(name)

    return edit


def _setting_names(folder: SchemaFolder) -> list[list[str]]:
    result = folder.definitions("strict")["SetEnvResult"]["properties"]
    return [result[field]["items"]["enum"] for field in ("applied", "ignored")]


def reserve(word: str, forms: tuple[str, ...] = FORMS) -> Edit:
    """Refuse a name of arguments."""

    def edit(found: Fields) -> None:
        names = found["properties"]["args"]["propertyNames"]
        names.setdefault("not", {"enum": []})["enum"].append(word)

    return of("RunJsParams", edit, forms)


def respell(definition: str, field: str, spell: Callable[[Fields], Any], forms: tuple[str, ...] = FORMS) -> Edit:
    """Write the schema of a field in another way."""

    def edit(found: Fields) -> None:
        found["properties"][field] = spell(found["properties"][field])

    return of(definition, edit, forms)


def message(name: str, *, like: str, **fields: Any) -> Edit:
    return lambda folder: folder.add_message(name, like=like, **fields)


def content(**branch: Any) -> Edit:
    """Give downloads a third kind of content."""

    def edit(folder: SchemaFolder) -> None:
        for form in FORMS:
            new = {"type": "object", "properties": branch, "required": sorted(branch)}
            closed = {"additionalProperties": False} if form == "strict" else {}
            folder.definitions(form)["DownloadContent"]["oneOf"].append({**new, **closed})

    return edit


def kind(type_: str, new: str, *, seq: bool, id_: bool) -> Edit:
    """Give a message another kind, with the envelope that goes with it."""

    def edit(folder: SchemaFolder) -> None:
        folder.row("messages", type=type_)["kind"] = new
        for form in FORMS:
            found = folder.definitions(form)[folder.model(type_)]
            for field, has in (("seq", seq), ("id", id_)):
                found["properties"].pop(field, None)
                found["required"] = [each for each in found["required"] if each != field]
                if has:
                    found["properties"][field] = {"type": "integer", "minimum": 1, "maximum": 2**53 - 1}
                    found["required"].append(field)

    return edit


def capability(type_: str, name: str | None) -> Edit:
    def edit(folder: SchemaFolder) -> None:
        found = folder.row("messages", type=type_)
        found.pop("capability", None)
        if name is not None:
            found["capability"] = name

    return edit


def _without(table: str, **key: Any) -> Edit:
    return lambda folder: folder.table(table).remove(folder.row(table, **key))


def _result(type_: str, definition: str) -> Edit:
    reference = {"$ref": f"pagewire.schema.json#/$defs/{definition}"}
    return row("messages", key={"type": type_}, result=reference)


def _count(folder: SchemaFolder) -> Fields:
    found: Fields = folder.definitions("open")["AckParams"]["properties"]["seq"]
    return found


INTEGER = {"type": "integer"}
STRING = {"type": "string"}
ANY_TEXT = "^[A-Za-z0-9_-]{16,256}$"

BREAKING = [
    # Fields.
    Kind("a required field is gone", drop("WelcomeParams", "session"), {"welcome.params.session": BOTH}),
    Kind("a required field is optional", release("WelcomeParams", "session"), {"welcome.params.session": CLIENTS}),
    Kind("an optional field is gone", drop("HelloParams", "resume"), {"hello.params.resume": CLIENTS}),
    Kind("an optional field is required", require("HelloParams", "auth"), {"hello.params.auth": CLIENTS}),
    Kind(
        "a new field is required",
        all_of(put("HelloParams", "color", STRING), require("HelloParams", "color")),
        {"hello.params.color": CLIENTS},
    ),
    Kind(
        "a field has another name",
        rename("CancelParams", "id", "of"),
        {"cancel.params.id": BOTH, "cancel.params.of": SERVERS},
    ),
    Kind(
        "a nested field has another name",
        rename("Software", "name", "title"),
        {f"{at}.name": BOTH for at in ("hello.params.client", "welcome.params.server")}
        | {"hello.params.client.title": CLIENTS, "welcome.params.server.title": SERVERS},
    ),
    Kind(
        "a field in an array is required",
        all_of(put("StreamPosition", "size", INTEGER), require("StreamPosition", "size")),
        {"hello.params.resume.streams[].size": CLIENTS},
    ),
    Kind("a field of the envelope is bounded", limit("EventMessage", "seq", maximum=100), {"event.seq": CLIENTS}),
    # Types.
    Kind("a field has another type", put("AckParams", "seq", STRING), {"ack.params.seq": BOTH}),
    Kind(
        "a field may be null",
        respell("ByeParams", "message", lambda old: {"anyOf": [old, {"type": "null"}]}),
        {"bye.params.message": BOTH},
    ),
    Kind(
        "a field may be null no more",
        put("DownloadParams", "size", {"type": "integer", "minimum": 0}),
        {"download.params.size": SERVERS | CLIENTS},
    ),
    Kind(
        "an integer may be any number",
        limit("HelloParams", "attempt", type="number"),
        {"hello.params.attempt": SERVERS},
    ),
    Kind(
        "a number must be an integer, where any JSON was sent",
        put("EventParams", "data", INTEGER),
        {"event.params.data": CLIENTS},
    ),
    Kind(
        "any JSON may be sent, where a boolean was",
        put("GoAppParams", "new_window", True),
        {"go_app.params.new_window": CLIENTS},
    ),
    Kind(
        "a list of types has one more",
        limit("GoAppParams", "new_window", type=["boolean", "null"]),
        {"go_app.params.new_window": CLIENTS},
    ),
    # Bounds.
    Kind("a text may be shorter", limit("HelloParams", "app", maxLength=64), {"hello.params.app": CLIENTS}),
    Kind("a text may be longer", limit("HelloParams", "app", maxLength=256), {"hello.params.app": SERVERS}),
    Kind("a text may have any length", limit("GoAppParams", "app", maxLength=None), {"go_app.params.app": CLIENTS}),
    Kind("a text may be empty", limit("EventParams", "name", minLength=0), {"event.params.name": SERVERS}),
    Kind(
        "a number may be larger",
        limit("SetEnvParams", "input_panel_min_height", maximum=200_000),
        {"set_env.params.input_panel_min_height": CLIENTS},
    ),
    Kind("a number may be zero no more", limit("AckParams", "seq", minimum=1), {"ack.params.seq": BOTH}),
    Kind("a bound is excluded", limit("AckParams", "seq", minimum=None, exclusiveMinimum=0), {"ack.params.seq": BOTH}),
    Kind("an array may be shorter", limit("HelloParams", "versions", maxItems=8), {"hello.params.versions": CLIENTS}),
    Kind("an array may be empty", limit("HelloParams", "versions", minItems=None), {"hello.params.versions": SERVERS}),
    Kind("items must differ", limit("HelloParams", "versions", uniqueItems=True), {"hello.params.versions": CLIENTS}),
    Kind(
        "a number must be a multiple", limit("HelloParams", "attempt", multipleOf=2), {"hello.params.attempt": CLIENTS}
    ),
    Kind(
        "an object has a limit of fields",
        limit("HelloParams", "capabilities", maxProperties=1),
        {"hello.params.capabilities": CLIENTS},
    ),
    Kind(
        "a field needs another",
        of("ErrorParams", lambda found: found.update(dependentRequired={"data": ["exception"]}), OPEN),
        {"error.params.data": CLIENTS},
    ),
    # Patterns and names.
    Kind(
        "a pattern accepts less",
        limit("HelloParams", "instance", pattern="^[A-Za-z0-9_]{16,256}$"),
        {"hello.params.instance": CLIENTS},
    ),
    Kind(
        "a pattern accepts more",
        limit("HelloParams", "instance", pattern="^[A-Za-z0-9_.-]{16,256}$"),
        {"hello.params.instance": SERVERS},
    ),
    Kind("a pattern is new", limit("HelloParams", "app", pattern="^[a-z]+$"), {"hello.params.app": CLIENTS}),
    Kind("a pattern is gone", limit("WelcomeParams", "version", pattern=None), {"welcome.params.version": CLIENTS}),
    Kind(
        "a pattern has lost an anchor",
        limit("HelloParams", "instance", pattern="[A-Za-z0-9_-]{16,256}$"),
        {"hello.params.instance": SERVERS},
    ),
    Kind(
        "a pattern that is not understood is new",
        limit("HelloParams", "app", pattern=r"^\b[a-z]+$"),
        {"hello.params.app": CLIENTS},
    ),
    Kind("a word is reserved that was sent", reserve("let"), {"run_js.params.args.*": SERVERS}),
    Kind(
        "names may be longer",
        of("HelloParams", lambda found: found["properties"]["capabilities"]["propertyNames"].update(maxLength=200)),
        {"hello.params.capabilities.*": SERVERS},
    ),
    # Choices.
    Kind(
        "an enumeration has one more",
        limit("ByeParams", "retry", enum=["never", "reconnect", "resume", "later"]),
        {"bye.params.retry": BOTH},
    ),
    Kind(
        "an enumeration has one less",
        limit("ByeParams", "retry", enum=["never", "reconnect"]),
        {"bye.params.retry": BOTH},
    ),
    Kind(
        "an enumeration is open no more",
        limit("ByeParams", "code", OPEN, enum=["session_ended", "internal_error"]),
        {"bye.params.code": BOTH},
    ),
    Kind(
        "a union has one more",
        content(kind={"const": "link", "type": "string"}, url=STRING),
        {"download.params.content.kind": CLIENTS},
    ),
    Kind(
        "a union has one less",
        of("DownloadContent", lambda found: found["oneOf"].pop()),
        {"download.params.content.kind": SERVERS},
    ),
    Kind(
        "a constant is another",
        of("StreamContent", lambda found: found["properties"]["kind"].update(const="streamed")),
        {"download.params.content.kind": BOTH},
    ),
    Kind(
        "a condition is new for receivers",
        of(
            "ErrorParams",
            lambda found: found.update(
                {"if": {"properties": {"code": {"const": "unsupported"}}}, "then": {"required": ["data"]}}
            ),
            OPEN,
        ),
        {"error.params.code": CLIENTS},
    ),
    Kind(
        "what is unknown is refused",
        of("HelloParams", lambda found: found.update(additionalProperties=False), OPEN),
        {"hello.params.*": CLIENTS},
    ),
    Kind(
        "what is unknown is refused in a nested object",
        of("ExceptionInfo", lambda found: found.update(additionalProperties=False), OPEN),
        {"error.params.exception.*": CLIENTS},
    ),
    # What later versions may need.
    Kind(
        "what is unknown must be a text",
        of("AckParams", lambda found: found.update(additionalProperties=STRING), OPEN),
        {"ack.params.*": BOTH},
    ),
    Kind(
        "what is unknown is counted",
        of("AckParams", lambda found: found.update(maxProperties=3), OPEN),
        {"ack.params": BOTH},
    ),
    Kind(
        "a field that nobody knows is refused",
        of("AckParams", lambda found: found["properties"].update(bytes=False), OPEN),
        {"ack.params.bytes": BOTH},
    ),
    Kind(
        "fields of any name are sent",
        of("AckParams", lambda found: found.pop("additionalProperties"), STRICT),
        {"ack.params.*": BOTH},
    ),
    Kind(
        "codes that are not known are refused",
        limit("ErrorParams", "code", OPEN, pattern="^([a-z_]+|[^:]+:.+)$"),
        {"error.params.code": CLIENTS},
    ),
    Kind(
        "settings that are not known are refused",
        of("SetEnvResult", lambda found: found["properties"]["applied"]["items"].update(pattern="^[a-z_]+$"), OPEN),
        {"set_env.result.applied[]": CLIENTS},
    ),
    Kind(
        "the two forms contradict each other",
        all_of(put("HelloParams", "color", STRING, STRICT), put("HelloParams", "color", INTEGER, OPEN)),
        {"hello.params.color": BOTH},
    ),
    Kind("a format is asked for", limit("PageInfo", "url", OPEN, format="uri"), {"hello.params.page.url": CLIENTS}),
    # Results.
    Kind(
        "a result's field has another name",
        rename("EvalJsResult", "value", "val"),
        {"eval_js.result.value": BOTH, "eval_js.result.val": CLIENTS},
    ),
    Kind("a result's field is optional", release("EvalJsResult", "value"), {"eval_js.result.value": SERVERS}),
    Kind("a result's field is gone", drop("DownloadResult", "bytes"), {"download.result.bytes": BOTH}),
    Kind(
        "a result's field is required and new",
        all_of(put("EmptyResult", "ms", INTEGER), require("EmptyResult", "ms")),
        {"go_app.result.ms": CLIENTS, "run_js.result.ms": CLIENTS},
    ),
    Kind("a result may be larger", limit("DownloadResult", "bytes", maximum=None), {"download.result.bytes": SERVERS}),
    Kind("a command has the result of another", _result("eval_js", "EmptyResult"), {"eval_js.result.value": BOTH}),
    Kind(
        "two commands exchange results",
        all_of(_result("run_js", "EvalJsResult"), _result("eval_js", "EmptyResult")),
        {"eval_js.result.value": BOTH, "run_js.result.value": CLIENTS},
    ),
    # Messages.
    Kind("a command is gone", lambda folder: folder.remove_message("go_app"), {"go_app": SERVERS}),
    Kind("an event is gone", lambda folder: folder.remove_message("event"), {"event": CLIENTS}),
    Kind("a control message is gone", lambda folder: folder.remove_message("ping"), {"ping": BOTH}),
    Kind("a reply is new", message("progress", like="error"), {"progress": SERVERS}),
    Kind(
        "a message has another name",
        all_of(message("jump", like="go_app"), lambda folder: folder.remove_message("go_app")),
        {"go_app": SERVERS},
        tells=("jump",),
    ),
    Kind("a message travels the other way", lambda folder: folder.set_sender("event", "server"), {"event": CLIENTS}),
    Kind("a message travels both ways", lambda folder: folder.set_sender("event", "both"), {"event": CLIENTS}),
    Kind("a message travels one way only", lambda folder: folder.set_sender("ack", "server"), {"ack": BOTH}),
    Kind(
        "a control message is a session message",
        kind("ping", "session", seq=True, id_=False),
        {"ping": BOTH, "ping.seq": SERVERS},
    ),
    Kind(
        "a session message is a control message",
        kind("cancel", "control", seq=False, id_=False),
        {"cancel": BOTH, "cancel.seq": BOTH},
    ),
    Kind("a message needs a capability", capability("go_app", "streams"), {"go_app": SERVERS}),
    Kind("a message needs no capability", capability("stream_ack", None), {"stream_ack": SERVERS}),
    # Codes, settings, capabilities.
    Kind(
        "a bye has another retry",
        row("codes", "bye", key={"code": "hello_timeout"}, retry="never"),
        {"bye.hello_timeout": BOTH},
    ),
    Kind(
        "a bye has another close code",
        row("codes", "bye", key={"code": "replaced"}, close=4499),
        {"bye.replaced": BOTH},
    ),
    Kind(
        "a bye is sent by the other side only",
        row("codes", "bye", key={"code": "too_large"}, sender="client"),
        {"bye.too_large": SERVERS},
    ),
    Kind(
        "a close means something else", row("codes", "close", key={"close": 1009}, retry="resume"), {"close.1009": BOTH}
    ),
    Kind(
        "a close ends the session now",
        lambda folder: folder.table("codes", "close").append(
            {"close": 1008, "code": "unauthorized", "retry": "never", "description": "policy"}
        ),
        {"close.1008": BOTH},
    ),
    Kind(
        "a close ends the session no more",
        lambda folder: folder.table("codes", "close").remove(folder.row("codes", "close", close=1007)),
        {"close.1007": BOTH},
    ),
    Kind("a setting is gone", no_setting("title"), {"set_env.params.title": SERVERS}),
    Kind(
        "a setting has another default",
        row("settings", key={"name": "http_pull_interval"}, default=2000),
        {"settings.http_pull_interval": SERVERS},
    ),
    Kind(
        "a capability is announced by the other side",
        row("capabilities", key={"name": "streams"}, sender="server"),
        {"capabilities.streams": BOTH},
    ),
    Kind(
        "a parameter of the URL is required",
        lambda folder: _query(folder).update(required=["key", "token"]),
        {"query.token": CLIENTS},
    ),
]


def _query(folder: SchemaFolder) -> Fields:
    found: Fields = folder.files["asyncapi.json"]["channels"]["connection"]["bindings"]["ws"]["query"]
    return found


HARMLESS = [
    # New things that can be ignored.
    Kind("an optional field is new", put("HelloParams", "color", STRING), {}, ("hello.params.color",)),
    Kind(
        "an optional field is new in a nested object",
        put("PageInfo", "theme", STRING),
        {},
        ("hello.params.page.theme",),
    ),
    Kind("an optional field is new in a result", put("EvalJsResult", "ms", INTEGER), {}, ("eval_js.result.ms",)),
    Kind(
        "a required field is new where senders are new",
        all_of(put("WelcomeParams", "motd", STRING), require("WelcomeParams", "motd", STRICT)),
        {},
        ("welcome.params.motd",),
    ),
    Kind("a command is new", message("print", like="go_app"), {}, ("print",)),
    Kind("an event is new", message("signal", like="event"), {}, ("signal",)),
    Kind("a control message is new", message("greeting", like="ping"), {}, ("greeting",)),
    Kind("a bye code is new", bye_code("overloaded"), {}, ("bye",)),
    Kind("a notice code is new", notice_code("moving"), {}, ("notice",)),
    Kind("a notice code is gone", no_code("notice", "NoticeParams", "draining"), {}, ("notice",)),
    Kind("an error code is new", error_code("offline"), {}, ("error",)),
    Kind("a bye code is gone", no_code("bye", "ByeParams", "unauthorized"), {}, ("bye",)),
    Kind("an error code is gone", no_code("error", "ErrorParams", "save_failed"), {}, ("error",)),
    Kind(
        "a bye is sent by both sides",
        row("codes", "bye", key={"code": "internal_error"}, sender="both"),
        {},
        ("bye.internal_error",),
    ),
    Kind("a setting is new", setting("color", STRING, "red"), {}, ("set_env.params.color",)),
    Kind(
        "a capability is new",
        lambda folder: folder.table("capabilities").append({"name": "print", "sender": "client"}),
        {},
        ("capabilities.print",),
    ),
    Kind(
        "a capability is gone with its message",
        all_of(lambda folder: folder.remove_message("stream_ack"), _without("capabilities", name="streams")),
        {},
        ("capabilities.streams", "stream_ack"),
    ),
    # Receivers accept more, senders send less.
    Kind(
        "a condition is gone for senders",
        of(
            "ErrorParams",
            lambda found: found["anyOf"][1]["properties"].update(
                exception=found["anyOf"][0]["properties"]["exception"]
            ),
            STRICT,
        ),
        {},
        tells=("error.params.exception",),
    ),
    Kind("receivers accept more", limit("HelloParams", "app", OPEN, maxLength=256), {}, ("hello.params.app",)),
    Kind(
        "receivers accept null",
        respell("ByeParams", "message", lambda old: {"anyOf": [old, {"type": "null"}]}, OPEN),
        {},
        ("bye.params.message",),
    ),
    Kind("receivers do without a field", release("WelcomeParams", "session", OPEN), {}, ("welcome.params.session",)),
    Kind("senders send less", limit("HelloParams", "app", STRICT, maxLength=64), {}, ("hello.params.app",)),
    Kind("senders always send a field", require("HelloParams", "auth", STRICT), {}, ("hello.params.auth",)),
    Kind(
        "a word is reserved that senders avoid",
        reserve("yield", OPEN),
        {},
        ("run_js.params.args.*",),
        given=reserve("yield", STRICT),
    ),
    Kind(
        "a name is refused that no sender sends",
        limit("HelloParams", "app", OPEN, pattern="^[^ ]"),
        {},
        ("hello.params.app",),
        given=limit("HelloParams", "app", STRICT, pattern="^[a-z]"),
    ),
    # The same in other words.
    Kind("a description is another", limit("HelloParams", "app", description="Other words."), {}, ("descriptions",)),
    Kind("a title is new", limit("HelloParams", "app", title="App"), {}, ("descriptions",)),
    Kind(
        "a pattern is written in another way",
        limit("HelloParams", "instance", pattern=r"^[\w-]{16,256}$"),
        {},
        ("spelling",),
    ),
    Kind(
        "a pattern has its class sorted",
        limit("HelloParams", "instance", pattern="^[-_0-9a-zA-Z]{16,256}$"),
        {},
        ("spelling",),
    ),
    Kind(
        "a pattern has an escape",
        limit("SetEnvParams", "output_max_width", pattern=r"^\d{1,6}(?:[.]\d{1,6})?(?:%|px)$"),
        {},
        ("spelling",),
    ),
    Kind(
        "a dollar in a class is not escaped",
        respell(
            "DownloadParams",
            "media_type",
            lambda old: {**old, "pattern": old["pattern"].replace(r"\$&", "$&")},
        ),
        {},
        ("spelling",),
    ),
    Kind(
        "a length is in the pattern",
        limit("HelloParams", "app", pattern=r"^[\s\S]{1,128}$", minLength=None, maxLength=None),
        {},
        ("spelling",),
    ),
    Kind("allOf of one", respell("HelloParams", "app", lambda old: {"allOf": [old]}), {}, ("descriptions", "spelling")),
    Kind(
        "allOf of several",
        respell("HelloParams", "app", lambda _: {"allOf": [STRING, {"minLength": 1}, {"maxLength": 128}]}),
        {},
        ("descriptions", "spelling"),
    ),
    Kind("anyOf of one", respell("HelloParams", "app", lambda old: {"anyOf": [old]}), {}, ("descriptions", "spelling")),
    Kind(
        "anyOf in another order",
        respell("DownloadParams", "size", lambda old: {**old, "anyOf": old["anyOf"][::-1]}),
        {},
        ("spelling",),
    ),
    Kind("oneOf in another order", of("DownloadContent", lambda found: found["oneOf"].reverse()), {}, ("spelling",)),
    Kind(
        "anyOf instead of oneOf",
        of("DownloadContent", lambda found: found.update(anyOf=found.pop("oneOf"))),
        {},
        ("spelling",),
    ),
    Kind(
        "constants instead of a boolean",
        put("GoAppParams", "new_window", {"anyOf": [{"const": True}, {"const": False}]}),
        {},
        ("descriptions", "spelling"),
    ),
    Kind(
        "an enumeration in another order",
        limit("ByeParams", "retry", enum=["resume", "never", "reconnect"]),
        {},
        ("spelling",),
    ),
    Kind(
        "an enumeration instead of a constant",
        of("StreamContent", lambda found: found["properties"].update(kind={"enum": ["stream"]})),
        {},
        ("spelling",),
    ),
    Kind(
        "constants instead of an enumeration",
        put("ByeParams", "retry", {"oneOf": [{"const": each} for each in ("never", "reconnect", "resume")]}),
        {},
        ("descriptions", "spelling"),
    ),
    Kind("a length beside an enumeration", limit("ByeParams", "retry", minLength=5), {}, ("spelling",)),
    Kind(
        "an enumeration instead of a boolean",
        limit("GoAppParams", "new_window", enum=[True, False]),
        {},
        ("spelling",),
    ),
    Kind(
        "an excluded bound instead of an included one",
        limit("AckParams", "seq", minimum=None, exclusiveMinimum=-1),
        {},
        ("spelling",),
    ),
    Kind(
        "additionalProperties that are any",
        of("AckParams", lambda found: found.update(additionalProperties=True), OPEN),
        {},
        ("spelling",),
    ),
    Kind(
        "unevaluatedProperties instead of additionalProperties",
        of("AckParams", lambda found: found.update(unevaluatedProperties=found.pop("additionalProperties")), STRICT),
        {},
        ("spelling",),
    ),
    Kind(
        "required in a branch of allOf",
        of("EventParams", lambda found: found.update(allOf=[{"required": [found["required"].pop()]}])),
        {},
        ("spelling",),
    ),
    Kind(
        "a reference instead of what it leads to",
        all_of(
            lambda folder: [folder.definitions(form).update(Count=_count(folder)) for form in FORMS],
            put("DownloadResult", "bytes", {"$ref": "#/$defs/Count"}),
        ),
        {},
        ("descriptions", "spelling"),
    ),
    Kind("a word is reserved that is no name anyway", reserve("no name"), {}, ("spelling",)),
    Kind(
        "names are not said to be texts",
        of("HelloParams", lambda found: found["properties"]["capabilities"]["propertyNames"].pop("type")),
        {},
        ("spelling",),
    ),
    Kind("an array that needs no items", limit("HelloParams", "versions", prefixItems=[]), {}, ("spelling",)),
    Kind(
        "a definition is new that nothing uses",
        lambda folder: [folder.definitions(form).update(Unused=STRING) for form in FORMS],
        {},
        ("spelling",),
    ),
    # The registry.
    Kind(
        "a result has another name",
        all_of(
            *(
                (
                    lambda folder, form=form: folder.definitions(form).update(
                        NoResult=folder.definitions(form)["EmptyResult"]
                    )
                )
                for form in FORMS
            ),
            _result("run_js", "NoResult"),
        ),
        {},
        ("messages", "spelling"),
    ),
    Kind(
        "a meaning is in other words",
        row("codes", "bye", key={"code": "replaced"}, description="other words"),
        {},
        ("codes.bye",),
    ),
    Kind(
        "a message is described otherwise",
        row("messages", key={"type": "ack"}, description="other words"),
        {},
        ("messages",),
    ),
    Kind("a message is of another version", row("messages", key={"type": "ack"}, since="1.1"), {}, ("messages",)),
    Kind(
        "a requirement is new",
        lambda folder: folder.table("requirements").append({"id": "WIRE-99", "party": "both", "level": "MUST"}),
        {},
        ("requirements",),
    ),
    Kind("a requirement is gone", _without("requirements", id="WIRE-9"), {}, ("requirements",)),
    Kind(
        "a requirement is stronger", row("requirements", key={"id": "WIRE-9"}, level="MUST NOT"), {}, ("requirements",)
    ),
    Kind(
        "a close counts as another code",
        row("codes", "close", key={"close": 1007}, code="too_large"),
        {},
        ("close.1007",),
    ),
    Kind(
        "a close that means what it meant is listed",
        lambda folder: folder.table("codes", "close").append(
            {"close": 1011, "code": "internal_error", "retry": "resume", "description": "x"}
        ),
        {},
        ("close.1011",),
    ),
    Kind("the version is another", lambda folder: folder.registry.update(version="1.1"), {}, ("version",)),
    Kind("the registry says more", lambda folder: folder.registry.update(tables=[]), {}, ("protocol.json",)),
    Kind("codes.json says more", lambda folder: folder.files["codes.json"].update(more=1), {}, ("codes.json",)),
    Kind(
        "asyncapi.json has another address",
        lambda folder: folder.files["asyncapi.json"]["channels"]["connection"].update(address="/socket"),
        {},
        ("asyncapi.json",),
    ),
    Kind("a file is new", lambda folder: folder.files.update({"notes.json": {}}), {}, ("notes.json",)),
]
