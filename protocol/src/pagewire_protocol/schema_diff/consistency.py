"""Whether the files of one version are complete and say the same: a folder in which they do not is not compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pagewire_protocol.json_objects import JsonObject
from pagewire_protocol.schema_diff.asyncapi_consistency import contradictions_of_asyncapi
from pagewire_protocol.schema_diff.versions import (
    ASYNCAPI,
    CODES,
    OPEN_BUNDLE,
    REGISTRY,
    STRICT_BUNDLE,
    open_file,
    strict_file,
)
from pagewire_protocol.schema_forms import DIALECT
from pagewire_protocol.schema_inclusion import (
    Schema,
    accepts,
    find_malformed,
    known_places,
    plain,
    refusals,
    resolve,
    values_of,
)

Files = Mapping[str, JsonObject]

_TEXT: Final[JsonObject] = {"type": "string"}
_NAME: Final[JsonObject] = {"type": "string", "minLength": 1}
_SIDE: Final[JsonObject] = {"enum": ["client", "server", "both"]}
_RETRY: Final[JsonObject] = {"enum": ["never", "reconnect", "resume"]}
_REFERENCE: Final[JsonObject] = {
    "type": "object",
    "properties": {"$ref": {"type": "string", "pattern": r"^pagewire\.schema\.json#/"}},
    "required": ["$ref"],
}


def _rows(required: JsonObject, optional: JsonObject | None = None) -> JsonObject:
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": sorted(required)}


_TABLES: Final[dict[tuple[str, ...], tuple[str, JsonObject]]] = {
    ("messages",): (
        "type",
        _rows(
            {"type": _NAME, "kind": {"enum": ["control", "session", "command", "reply"]}, "sender": _SIDE}
            | {"params": _REFERENCE, "since": _TEXT},
            {"result": _REFERENCE, "capability": _NAME, "description": _TEXT},
        ),
    ),
    ("settings",): ("name", _rows({"name": _NAME, "schema": _REFERENCE, "since": _TEXT}, {"description": _TEXT})),
    ("codes", "error"): ("code", _rows({"code": _NAME}, {"description": _TEXT})),
    ("codes", "notice"): ("code", _rows({"code": _NAME}, {"description": _TEXT})),
    ("codes", "bye"): (
        "code",
        _rows({"code": _NAME, "close": {"type": "integer"}, "retry": _RETRY, "sender": _SIDE}, {"description": _TEXT}),
    ),
    ("codes", "close"): ("close", _rows({"close": {"type": "integer"}, "code": _NAME, "retry": _RETRY})),
    ("capabilities",): ("name", _rows({"name": _NAME, "sender": _SIDE}, {"since": _TEXT, "description": _TEXT})),
    ("requirements",): ("id", _rows({"id": _NAME, "party": _SIDE, "level": _NAME})),
}
"""Each table of the registry: by what its rows are named, and what a row is."""

_ENVELOPES: Final = {"control": set[str](), "session": {"seq"}, "command": {"seq", "id"}, "reply": {"seq", "id"}}
_UNIONS: Final = {"client": "ClientMessage", "server": "ServerMessage"}


def check_consistency(where: str, files: Files) -> None:
    """Raise ValueError with the first contradiction, and in which file it is."""
    for contradiction in _contradictions(files):
        raise ValueError(f"{where}: {contradiction}")


def _contradictions(files: Files) -> Iterator[str]:
    yield from _malformed(files[REGISTRY])
    yield from _roles(files[REGISTRY])
    yield from _malformed_schemas(files)
    yield from _numbers(files)
    yield from _codes(files)
    yield from _missing(files)
    for row in files[REGISTRY]["messages"]:
        yield from _references(row, files)
        yield from _envelope(row, files)
    yield from _unions(files)
    yield from _inlined(files)
    yield from _forms(files)
    yield from _settings(files)
    yield from _results(files)
    yield from _codes_may_be_sent(files)
    yield from contradictions_of_asyncapi(files)


def _malformed(registry: JsonObject) -> Iterator[str]:
    if not isinstance(registry.get("version"), str):
        yield f"{REGISTRY}: `version` is not a string"
    for path, (key, schema) in _TABLES.items():
        found = _at(registry, path)
        if not isinstance(found, list):
            yield f"{REGISTRY}: there is no list `{'.'.join(path)}`"
            return
        for index, row in enumerate(found):
            if not accepts(schema, row):
                yield f"{REGISTRY}: {'.'.join(path)}[{index}] is not a row of that table"
                return
        for name, count in Counter(row[key] for row in found).items():
            if count > 1:
                yield f"{REGISTRY}: {'.'.join(path)} has {name!r} twice"


def _roles(registry: JsonObject) -> Iterator[str]:
    capabilities = {row["name"] for row in registry["capabilities"]}
    for row in registry["messages"]:
        capability = row.get("capability")
        if capability is not None and capability not in capabilities and ":" not in capability:
            yield f"{REGISTRY}: {row['type']} needs the capability {capability!r}, which is not in the table"
        if ("result" in row) != (row["kind"] == "command"):
            with_it = "with" if "result" in row else "without"
            yield f"{REGISTRY}: {row['type']} is a {row['kind']} message {with_it} result"


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _malformed_schemas(files: Files) -> Iterator[str]:
    for name, schema in files.items():
        if name.endswith(".schema.json"):
            place = find_malformed(schema)
            if place is not None:
                yield f"{name}: {place} is not valid in a JSON Schema"
            elif schema.get("$schema", DIALECT) != DIALECT:
                yield f"{name} is of another dialect of JSON Schema, {schema['$schema']!r}"


def _numbers(files: Files) -> Iterator[str]:
    number = files[REGISTRY]["version"]
    info = files[ASYNCAPI].get("info")
    others = {CODES: files[CODES].get("version"), ASYNCAPI: info.get("version") if isinstance(info, dict) else None}
    for name, other in others.items():
        if other != number:
            yield f"{name} is of version {other!r}, {REGISTRY} of {number!r}"


def _codes(files: Files) -> Iterator[str]:
    codes = files[REGISTRY]["codes"]
    expected = {
        "bye": {
            row["code"]: {
                "close": row["close"],
                "retry": row["retry"],
                "sent_by": row["sender"],
                "means": row.get("description"),
            }
            for row in codes["bye"]
        },
        **{
            kind: {row["code"]: {"means": row.get("description")} for row in codes[kind]}
            for kind in ("error", "notice")
        },
    }
    for kind, table in expected.items():
        found = files[CODES].get(kind)
        if not isinstance(found, dict):
            yield f"{CODES}: there is no `{kind}`"
            return
        for code in sorted(table.keys() | found.keys()):
            if table.get(code) != found.get(code):
                yield f"{CODES} and {REGISTRY} do not say the same of the {kind} code {code!r}"


def _missing(files: Files) -> Iterator[str]:
    types = [row["type"] for row in files[REGISTRY]["messages"]]
    expected = {name for type_ in types for name in (open_file(type_), strict_file(type_))}
    found = {name for name in files if name.startswith("messages/")}
    for name in sorted(expected - found):
        yield f"{name} is missing"
    for name in sorted(found - expected):
        yield f"{name} is of a message that {REGISTRY} does not have"


def _references(row: JsonObject, files: Files) -> Iterator[str]:
    for field in ("params", "result"):
        for bundle in (OPEN_BUNDLE, STRICT_BUNDLE) if field in row else ():
            place = row[field]["$ref"].removeprefix(OPEN_BUNDLE)
            try:
                resolve(place, files[bundle])
            except ValueError as error:
                yield f"{REGISTRY}: {row['type']}.{field}: {error} in {bundle}"


def _envelope(row: JsonObject, files: Files) -> Iterator[str]:
    expected = _ENVELOPES[row["kind"]] | {"type", "params"}
    for name in (open_file(row["type"]), strict_file(row["type"])):
        schema = files[name]
        fields = schema.get("properties")
        required = schema.get("required")
        if not isinstance(fields, dict) or not isinstance(required, list):
            yield f"{name}: has no `properties` and `required`"
            return
        if fields.get("type", {}) is True or fields.get("type", {}).get("const") != row["type"]:
            yield f"{name}: is not of the type {row['type']!r}"
        for field in sorted(({"seq", "id"} & fields.keys()) ^ (expected & {"seq", "id"})):
            yield f"{name}: `{field}` does not go with a {row['kind']} message, which it is in {REGISTRY}"
        for field in sorted(expected - set(required)):
            yield f"{name}: `{field}` is not required"


def _unions(files: Files) -> Iterator[str]:
    for bundle in (OPEN_BUNDLE, STRICT_BUNDLE):
        for side, union in _UNIONS.items():
            members = _members(files[bundle], union)
            if members is None:
                yield f"{bundle}: {union} is not a `oneOf` of messages"
                return
            declared = {row["type"] for row in files[REGISTRY]["messages"] if row["sender"] in (side, "both")}
            for type_ in sorted(declared ^ members.keys()):
                yield f"{bundle} and {REGISTRY} do not agree on whether {side}s send {type_!r}"


def _members(bundle: JsonObject, union: str) -> dict[str, Schema] | None:
    """Return the messages of a union, by type."""
    found: dict[str, Schema] = {}
    try:
        for one in bundle["$defs"][union]["oneOf"]:
            member = resolve(one["$ref"], bundle)
            found[member["properties"]["type"]["const"]] = member  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        return None
    return found


def _inlined(files: Files) -> Iterator[str]:
    for bundle, file_of in ((OPEN_BUNDLE, open_file), (STRICT_BUNDLE, strict_file)):
        for union in _UNIONS.values():
            for type_, schema in (_members(files[bundle], union) or {}).items():
                if plain(schema, files[bundle]) != plain(files[file_of(type_)], files[file_of(type_)]):
                    yield f"{file_of(type_)} and {bundle} do not say the same of {type_!r}"
    for row in files[REGISTRY]["messages"]:
        for bundle, file_of in ((OPEN_BUNDLE, open_file), (STRICT_BUNDLE, strict_file)):
            place = row["params"]["$ref"].removeprefix(OPEN_BUNDLE)
            name = file_of(row["type"])
            params = files[name]["properties"]["params"]
            if plain(resolve(place, files[bundle]), files[bundle]) != plain(params, files[name]):
                yield f"{REGISTRY}: the params of {row['type']!r} are not those of {name}"


def _forms(files: Files) -> Iterator[str]:
    """What senders send, receivers must know, and there must be something to be sent."""
    for row in files[REGISTRY]["messages"]:
        name, strict = open_file(row["type"]), strict_file(row["type"])
        for place in sorted(known_places(files[strict]) - known_places(files[name])):
            yield f"{name} does not know {place}, which is in {strict}"
        if values_of(files[strict]).is_empty():
            yield f"{strict} does not allow any message"


def _settings(files: Files) -> Iterator[str]:
    message = next((row for row in files[REGISTRY]["messages"] if row["type"] == "set_env"), None)
    if message is None:
        return
    params = files[open_file("set_env")]["properties"]["params"]
    fields = params.get("properties", {}) if isinstance(params, dict) else {}
    names = {row["name"]: row for row in files[REGISTRY]["settings"]}
    for name in sorted(names.keys() ^ fields.keys()):
        yield f"{REGISTRY} and {open_file('set_env')} do not agree on whether {name!r} is a setting"
    for name, row in names.items():
        place = row["schema"]["$ref"].removeprefix(OPEN_BUNDLE)
        schema = resolve(place, files[OPEN_BUNDLE])
        if plain(schema, files[OPEN_BUNDLE]) != plain(fields[name], files[open_file("set_env")]):
            yield f"{REGISTRY}: the schema of the setting {name!r} is not that of {open_file('set_env')}"
        if "default" in row and not accepts(schema, row["default"], files[OPEN_BUNDLE]):
            yield f"{REGISTRY}: the default of the setting {name!r} is not a value of it"


def _results(files: Files) -> Iterator[str]:
    """Every result of a command must be a `result`."""
    for row in files[REGISTRY]["messages"]:
        if "result" in row:
            place = row["result"]["$ref"].removeprefix(OPEN_BUNDLE)
            for bundle, file_of in ((OPEN_BUNDLE, open_file), (STRICT_BUNDLE, strict_file)):
                name = file_of("result")
                params = files[name]["properties"]["params"] if name in files else False
                if refusals(resolve(place, files[bundle]), params, (files[bundle], files.get(name))):
                    yield f"{name} does not accept every result of {row['type']!r}"


def _codes_may_be_sent(files: Files) -> Iterator[str]:
    for table in ("bye", "error", "notice"):
        name = strict_file(table)
        if name not in files:
            continue
        message = values_of(files[name])
        for row in files[REGISTRY]["codes"][table]:
            with_code = {"properties": {"params": {"properties": {"code": {"const": row["code"]}}}}}
            if message.meet(values_of(with_code)).is_empty():
                yield f"{name} does not accept the code {row['code']!r} of {REGISTRY}"
