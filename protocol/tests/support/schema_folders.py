"""A folder of published schemas that a test changes: what is said in several files is changed in all of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema

from pagewire_protocol.json_objects import rebuild
from pagewire_protocol.schema_files import schema_files
from pagewire_protocol.schema_forms import inline

Fields = dict[str, Any]
FORMS: Final = ("open", "strict")
BUNDLES: Final = {"open": "pagewire.schema.json", "strict": "pagewire.strict.schema.json"}
SUFFIXES: Final = {"open": "schema.json", "strict": "strict.schema.json"}
UNIONS: Final = {"client": "ClientMessage", "server": "ServerMessage"}


@cache
def _published() -> dict[str, str]:
    return schema_files()


class SchemaFolder:
    """The files of one version, in memory."""

    def __init__(self, texts: dict[str, str] | None = None) -> None:
        self.files: dict[str, Fields] = {name: json.loads(text) for name, text in (texts or _published()).items()}

    @property
    def registry(self) -> Fields:
        return self.files["protocol.json"]

    def definitions(self, form: str) -> Fields:
        found: Fields = self.files[BUNDLES[form]]["$defs"]
        return found

    def definition(self, name: str, edit: Callable[[Fields], object], forms: tuple[str, ...] = FORMS) -> None:
        """Change a definition in the bundles."""
        for form in forms:
            edit(self.definitions(form)[name])

    def row(self, *path: str, **key: Any) -> Fields:
        """Return a row of a table of the registry."""
        (name, value), *_ = key.items()
        return next(row for row in self.table(*path) if row[name] == value)

    def table(self, *path: str) -> list[Fields]:
        found: Any = self.registry
        for name in path:
            found = found[name]
        rows: list[Fields] = found
        return rows

    def model(self, type_: str) -> str:
        """Return the name of the definition of a message."""
        for union in UNIONS.values():
            for one in self.definitions("open")[union]["oneOf"]:
                name: str = one["$ref"].rpartition("/")[2]
                if self.definitions("open")[name]["properties"]["type"]["const"] == type_:
                    return name
        raise LookupError(type_)

    def add_message(self, type_: str, *, like: str, **fields: Any) -> None:
        """Add a message with the params of another one."""
        name = f"{type_.title().replace('_', '')}Message"
        for form in FORMS:
            definition = copy.deepcopy(self.definitions(form)[self.model(like)])
            definition["properties"]["type"]["const"] = type_
            definition.pop("examples", None)
            self.definitions(form)[name] = {**definition, "title": name}
        self.table("messages").append({**self.row("messages", type=like), "type": type_, **fields})
        self.send(name, self.row("messages", type=type_)["sender"])

    def send(self, name: str, sender: str) -> None:
        """Say which side sends the message of a definition."""
        for form in FORMS:
            for side, union in UNIONS.items():
                members = self.definitions(form)[union]["oneOf"]
                members[:] = [one for one in members if one["$ref"] != f"#/$defs/{name}"]
                if sender in (side, "both"):
                    members.append({"$ref": f"#/$defs/{name}"})

    def set_sender(self, type_: str, sender: str) -> None:
        self.send(self.model(type_), sender)
        self.row("messages", type=type_)["sender"] = sender

    def remove_message(self, type_: str) -> None:
        name = self.model(type_)
        self.send(name, "nobody")
        for form in FORMS:
            del self.definitions(form)[name]
        self.table("messages").remove(self.row("messages", type=type_))

    def settle(self) -> SchemaFolder:
        """Write what follows from the bundles and the registry into the other files."""
        codes = self.registry["codes"]
        self.files["codes.json"] |= {
            "version": self.registry["version"],
            "bye": {
                row["code"]: {"close": row["close"], "retry": row["retry"], "sent_by": row["sender"]}
                | {"means": row["description"]}
                for row in codes["bye"]
            },
            "error": {row["code"]: {"means": row["description"]} for row in codes["error"]},
            "notice": {row["code"]: {"means": row["description"]} for row in codes["notice"]},
        }
        for name in [name for name in self.files if name.startswith("messages/")]:
            del self.files[name]
        for form in FORMS:
            definitions = self.definitions(form)
            for row in self.table("messages"):
                schema = inline(definitions[self.model(row["type"])], definitions)
                self.files[f"messages/{row['type']}.{SUFFIXES[form]}"] = schema
        self._settle_asyncapi()
        return self

    def _settle_asyncapi(self) -> None:
        document = self.files["asyncapi.json"]
        document["info"]["version"] = self.registry["version"]
        definitions = self.definitions("open")
        document["components"]["schemas"] = {name: rebuild(each, _move) for name, each in definitions.items()}
        rows = self.table("messages")
        messages = {row["type"]: (row["type"], self.model(row["type"])) for row in rows}
        operations: Fields = {}
        for row in rows:
            if row["kind"] == "command":
                name, result = f"{row['type']}_result", f"{row['type']}Result"
                reference = row["result"]["$ref"].replace("pagewire.schema.json#/$defs/", "#/components/schemas/")
                envelope = document["components"]["schemas"][self.model("result")]
                fields = {**envelope["properties"], "params": {"$ref": reference}}
                document["components"]["schemas"][result] = {**envelope, "properties": fields}
                messages[name] = ("result", result)
                action = "send" if row["sender"] == "server" else "receive"
                reply = {"messages": _messages([name, "error"])}
                operations[row["type"]] = {"action": action, "messages": _messages([row["type"]]), "reply": reply}
        for side, action in (("server", "send"), ("client", "receive")):
            sent = [row for row in rows if row["sender"] in (side, "both") and row["kind"] not in ("command", "reply")]
            names = [row["type"] for row in sent]
            others = [row for row in rows if row["kind"] == "reply" and row["type"] not in ("result", "error")]
            names += [row["type"] for row in others if row["sender"] == side]
            operations[f"{side}Sends"] = {"action": action, "messages": _messages(names)}
        document["components"]["messages"] = {
            name: {"name": type_, "payload": {"$ref": f"#/components/schemas/{schema}"}}
            for name, (type_, schema) in messages.items()
            if type_ != "result" or name != "result"
        }
        document["channels"]["connection"]["messages"] = {name: {} for name in document["components"]["messages"]}
        document["operations"] = operations

    def write(self, folder: Path) -> Path:
        for name, value in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(value, indent=2), encoding="utf-8")
        return folder

    def accepts(self, form: str, side: str, message: Any) -> bool:
        """Whether jsonschema takes a message as one that `side` sends: not by our own comparison."""
        schema = {"$defs": self.definitions(form), "$ref": f"#/$defs/{UNIONS[side]}"}
        return bool(jsonschema.Draft202012Validator(schema).is_valid(message))

    def accepts_result(self, form: str, type_: str, params: Any) -> bool:
        place = self.row("messages", type=type_)["result"]["$ref"].partition("#")[2]
        schema = {"$defs": self.definitions(form), "$ref": f"#{place}"}
        return bool(jsonschema.Draft202012Validator(schema).is_valid(params))

    def messages(self, form: str, type_: str) -> Iterator[Fields]:
        """Yield valid messages of a type, with each field at its bounds, missing and present."""
        yield from _valid_samples(json.dumps(self.files[f"messages/{type_}.{SUFFIXES[form]}"]))

    def results(self, form: str, type_: str) -> Iterator[Fields]:
        """Yield valid results of a command, likewise."""
        yield from _valid_samples(json.dumps(self.result_schema(form, type_)))

    def message_schema(self, form: str, type_: str) -> Fields:
        return self.files[f"messages/{type_}.{SUFFIXES[form]}"]

    def result_schema(self, form: str, type_: str) -> Fields:
        place = self.row("messages", type=type_)["result"]["$ref"].rpartition("/")[2]
        return inline(self.definitions(form)[place], self.definitions(form))


def _messages(names: list[str]) -> list[Fields]:
    return [{"$ref": f"#/channels/connection/messages/{name}"} for name in names]


def _move(node: Fields) -> Fields:
    reference = node.get("$ref")
    if isinstance(reference, str):
        node["$ref"] = reference.replace("#/$defs/", "#/components/schemas/")
    return node


_TEXTS: Final = (
    "x.new",
    "a",
    "1.0",
    "text/plain",
    "80%",
    "px:1",
    "QUE=",
    "_",
    "Z9",
    "await",
    "stream",
    "é",
    "a/b;c=d",
    "a" * 16,
)
"""Texts of which a pattern may take some."""


@cache
def _valid_samples(text: str) -> list[Any]:
    schema = json.loads(text)
    validator = jsonschema.Draft202012Validator(schema)
    different = {json.dumps(each): each for each in samples(schema)}
    return [each for each in different.values() if validator.is_valid(each)]


def samples(schema: Any) -> list[Any]:
    """Return some values that a schema may accept: not all of these are valid, and they are in no order."""
    if schema is True or schema == {}:
        return [None, 0, "a", [], {"a": [1.5]}]
    if schema is False:
        return []
    if "const" in schema or "enum" in schema:
        return [schema["const"]] if "const" in schema else list(schema["enum"])
    found: list[Any] = []
    for keyword in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(keyword, ()):
            rest = {key: value for key, value in schema.items() if key != keyword}
            found += samples({**rest, **one} if isinstance(one, dict) else one)
    if found:
        return found
    kinds = schema.get("type", ["null", "boolean", "integer", "string", "array", "object"])
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        found += _SAMPLES[kind](schema)
    return found


def _numbers(schema: Fields) -> list[Any]:
    low, high = schema.get("minimum", -5), schema.get("maximum", 10)
    return [low, low + 1, high, high - 1]


def _strings(schema: Fields) -> list[Any]:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 5)
    found = [*_TEXTS, "b" * least, "b" * most, "c" * (most - 1), *("d" * each for each in (16, 256))]
    validator = jsonschema.Draft202012Validator(schema)
    return [text for text in found if validator.is_valid(text)] + [
        text for text in found if not validator.is_valid(text)
    ][:1]


def _arrays(schema: Fields) -> list[Any]:
    items = samples(schema.get("items", True))
    least, most = schema.get("minItems", 0), schema.get("maxItems", 3)
    counts = [count for count in (least, least + 1, most) if least <= count <= most]
    return [[item] * count for count in counts for item in items[:12]]


def _objects(schema: Fields) -> list[Any]:
    fields = {name: samples(each) for name, each in schema.get("properties", {}).items()}
    whole = {name: values[0] for name, values in fields.items() if values}
    least = {name: value for name, value in whole.items() if name in schema.get("required", ())}
    found = [whole, least, {**whole, "x_new": 1}, {**whole, **dict.fromkeys("abcdef", 1)}]
    found += [{**whole, name: 1} for name, values in fields.items() if not values]
    for name, values in fields.items():
        found += [{**least, name: value} for value in values] + [{**whole, name: value} for value in values]
        found.append({key: value for key, value in whole.items() if key != name})
    others = schema.get("additionalProperties", True)
    found += [{**least, name: value} for name in ("a", "b_1") for value in samples(others)[:3]]
    return found


_SAMPLES: Final[dict[str, Callable[[Fields], list[Any]]]] = {
    "null": lambda _: [None],
    "boolean": lambda _: [False, True],
    "integer": _numbers,
    "number": _numbers,
    "string": _strings,
    "array": _arrays,
    "object": _objects,
}
