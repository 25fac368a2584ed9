"""Whether the AsyncAPI document of a version says what its bundle and its registry say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pagewire_protocol.json_objects import JsonObject, rebuild
from pagewire_protocol.schema_diff.versions import ASYNCAPI, OPEN_BUNDLE, REGISTRY, open_file
from pagewire_protocol.schema_inclusion import Schema, bare, plain, resolve

_SIDES: Final = {"send": "server", "receive": "client"}
"""Who sends the messages of an operation, by its action: the document speaks for the server."""
_OTHER: Final = {"server": "client", "client": "server"}


@dataclass(frozen=True)
class _Document:
    schemas: dict[str, Schema]
    types: dict[str, str]
    """The type of each message, by its name in the document: every command has a `result` of its own."""
    payloads: dict[str, str]
    """The schema of each message, by its name in the document."""
    sent: set[tuple[str, str]]
    """Which side sends a message of which type."""
    answers: dict[str, list[str]]
    """The messages that answer each command, by its type."""


def contradictions_of_asyncapi(files: Mapping[str, JsonObject]) -> Iterator[str]:
    """Yield what the document contradicts."""
    try:
        document = _read(files[ASYNCAPI])
    except (KeyError, TypeError, AttributeError, ValueError):
        yield f"{ASYNCAPI}: has no messages, schemas, channel or operations as it should have"
        return
    yield from _senders(document, files[REGISTRY])
    yield from _schemas(document, files)
    yield from _answers(document, files)


def _read(document: JsonObject) -> _Document:
    messages = document["components"]["messages"]
    channel = document["channels"]["connection"]["messages"]
    if channel.keys() != messages.keys():
        raise ValueError("the channel has other messages")
    types = {name: message["name"] for name, message in messages.items()}
    sent, answers = set[tuple[str, str]](), dict[str, list[str]]()
    for name, operation in document["operations"].items():
        side = _SIDES[operation["action"]]
        sent |= {(side, types[each]) for each in _names(operation)}
        if "reply" in operation:
            answers[name] = _names(operation["reply"])
            sent |= {(_OTHER[side], types[each]) for each in answers[name]}
    payloads = {name: message["payload"]["$ref"].rpartition("/")[2] for name, message in messages.items()}
    return _Document(document["components"]["schemas"], types, payloads, sent, answers)


def _names(operation: JsonObject) -> list[str]:
    return [message["$ref"].rpartition("/")[2] for message in operation["messages"]]


def _senders(document: _Document, registry: JsonObject) -> Iterator[str]:
    declared = {
        (side, row["type"]) for row in registry["messages"] for side in _OTHER if row["sender"] in (side, "both")
    }
    for side, type_ in sorted(document.sent ^ declared):
        yield f"{ASYNCAPI} and {REGISTRY} do not agree on whether {side}s send {type_!r}"


def _schemas(document: _Document, files: Mapping[str, JsonObject]) -> Iterator[str]:
    definitions = files[OPEN_BUNDLE].get("$defs", {})
    results = {document.payloads[name] for name, type_ in document.types.items() if type_ == "result"}
    for name in sorted(document.schemas.keys() | definitions.keys()):
        if name not in definitions and name in results:
            continue
        known = name in document.schemas and name in definitions
        if not known or bare(definitions[name]) != bare(_moved(document.schemas[name])):
            yield f"{ASYNCAPI} and {OPEN_BUNDLE} do not say the same of {name}"
    for name, type_ in document.types.items():
        payload = document.schemas.get(document.payloads[name])
        if payload is None or open_file(type_) not in files:
            yield f"{ASYNCAPI}: the message {name!r} has no payload, or is not in {REGISTRY}"
        elif type_ != "result" and _plain(payload, document) != plain(files[open_file(type_)], {}):
            yield f"{ASYNCAPI}: the payload of {name!r} is not that of {open_file(type_)}"


def _answers(document: _Document, files: Mapping[str, JsonObject]) -> Iterator[str]:
    """Every command must be answered by its own result, in the envelope of any result."""
    commands = {row["type"]: row for row in files[REGISTRY]["messages"] if "result" in row}
    for type_ in sorted(commands.keys() ^ document.answers.keys()):
        yield f"{ASYNCAPI} and {REGISTRY} do not agree on whether {type_!r} is answered"
    for type_, row in commands.items():
        bundle = files[OPEN_BUNDLE]
        params = plain(resolve(row["result"]["$ref"].removeprefix(OPEN_BUNDLE), bundle), bundle)
        expected = plain(files[open_file("result")], {}) if open_file("result") in files else {}
        for name in document.answers[type_]:
            found = _plain(document.schemas[document.payloads[name]], document)
            if document.types[name] == "result" and found != _with_params(expected, params):
                yield f"{ASYNCAPI}: {name!r} is not the result of {type_!r} that {REGISTRY} has"


def _with_params(envelope: Any, params: Schema) -> Any:
    return {**envelope, "properties": {**envelope["properties"], "params": params}}


def _plain(schema: Schema, document: _Document) -> Schema:
    return plain(_moved(schema), {"$defs": {name: _moved(each) for name, each in document.schemas.items()}})


def _moved(schema: Schema) -> Any:
    """Return a schema with its references as in the bundle."""

    def move(node: JsonObject) -> JsonObject:
        reference = node.get("$ref")
        if isinstance(reference, str):
            node["$ref"] = reference.replace("#/components/schemas/", "#/$defs/")
        return node

    return rebuild(schema, move) if isinstance(schema, dict) else schema
