"""The registry as one JSON document, `protocol.json`, and the JSON Schema of that document.

Generators of tables, types and documentation read it: it says which way each message travels, and which result answers
which command.
"""

from __future__ import annotations

from typing import Final, get_args

from pagewire_protocol.codes import (
    BYE_RULES,
    CLOSE_MEANINGS,
    ENDING_CLOSES,
    ERROR_MEANINGS,
    NOTICE_MEANINGS,
    Retry,
    Sender,
)
from pagewire_protocol.command_messages import SETTINGS, SetEnvParams
from pagewire_protocol.json_objects import JsonObject
from pagewire_protocol.registry import CAPABILITIES, MESSAGE_TYPES, Kind, MessageType
from pagewire_protocol.requirements import Level, Party, read_requirements, spec_text

_BUNDLE: Final = "pagewire.schema.json"


def protocol_document(version: str, comment: str) -> JsonObject:
    """Return the document for `version`; every `$ref` in it is into the bundle beside it."""
    return {
        "$comment": comment,
        "version": version,
        "messages": [_message(row) for row in MESSAGE_TYPES.values()],
        "settings": [_setting(name) for name in SETTINGS],
        "codes": {
            "error": [{"code": code, "description": meaning} for code, meaning in ERROR_MEANINGS.items()],
            "notice": [{"code": code, "description": meaning} for code, meaning in NOTICE_MEANINGS.items()],
            "bye": [
                {
                    "code": code,
                    "close": rule.close,
                    "retry": rule.retry,
                    "sender": rule.sent_by,
                    "description": rule.means,
                }
                for code, rule in BYE_RULES.items()
            ],
            "close": [
                {
                    "close": close,
                    "code": code,
                    "retry": BYE_RULES[code].retry,
                    "description": CLOSE_MEANINGS.get(close, BYE_RULES[code].means),
                }
                for close, code in sorted(ENDING_CLOSES.items())
            ],
        },
        "capabilities": [
            {"name": row.name, "sender": row.sender, "since": row.since, "description": row.description}
            for row in CAPABILITIES
        ],
        "requirements": [
            {"id": requirement.id, "party": requirement.party, "level": requirement.level}
            for requirement in read_requirements(spec_text())
        ],
    }


def _message(row: MessageType) -> JsonObject:
    optional = {
        "result": _reference(row.result.__name__) if row.result else None,
        "capability": row.capability,
    }
    return {
        "type": row.name,
        "kind": row.kind.value,
        "sender": row.sender,
        "params": _reference(row.params.__name__ if row.params else "ResultParams"),
        **{key: value for key, value in optional.items() if value is not None},
        "since": row.since,
        "description": row.description,
    }


def _setting(name: str) -> JsonObject:
    default, since = SETTINGS[name].default, SETTINGS[name].since
    return {
        "name": name,
        "schema": _reference(f"{SetEnvParams.__name__}/properties/{name}"),
        **({} if default is None else {"default": default}),
        "since": since,
        "description": SetEnvParams.model_fields[name].description,
    }


def _reference(name: str) -> JsonObject:
    return {"$ref": f"{_BUNDLE}#/$defs/{name}"}


def protocol_schema() -> JsonObject:
    """Return the JSON Schema of `protocol.json`, without the header that all schemas have."""
    sender = {"type": "string", "enum": list(get_args(Sender))}
    retry = {"type": "string", "enum": list(get_args(Retry))}
    close = {"type": "integer", "minimum": 1000, "maximum": 4999}
    message = {"type": _TEXT, "sender": sender, "params": _REFERENCE, "since": _VERSION, "description": _TEXT}
    capability = {"capability": _TEXT}
    command = {"type": "string", "const": Kind.COMMAND.value}
    others = {"type": "string", "enum": [kind.value for kind in Kind if kind is not Kind.COMMAND]}
    default = {"anyOf": [{"type": "boolean"}, {"type": "integer"}, {"type": "string"}]}
    setting = {"name": _TEXT, "schema": _REFERENCE, "since": _VERSION, "description": _TEXT}
    bye = {"code": _TEXT, "close": close, "retry": retry, "sender": sender, "description": _TEXT}
    requirement = {
        "id": {"type": "string", "pattern": "^[A-Z]+-[1-9][0-9]*$"},
        "party": {"type": "string", "enum": list(get_args(Party))},
        "level": {"type": "string", "enum": list(get_args(Level))},
    }
    return _object(
        {
            "$comment": _TEXT,
            "version": _VERSION,
            "messages": _list(
                {
                    "anyOf": [
                        _object({**message, "kind": command, "result": _REFERENCE}, capability),
                        _object({**message, "kind": others}, capability),
                    ]
                }
            ),
            "settings": _list(_object(setting, {"default": default})),
            "codes": _object(
                {
                    "error": _list(_object({"code": _TEXT, "description": _TEXT})),
                    "notice": _list(_object({"code": _TEXT, "description": _TEXT})),
                    "bye": _list(_object(bye)),
                    "close": _list(_object({"close": close, "code": _TEXT, "retry": retry, "description": _TEXT})),
                }
            ),
            "capabilities": _list(_object({"name": _TEXT, "sender": sender, "since": _VERSION, "description": _TEXT})),
            "requirements": _list(_object(requirement)),
        }
    )


_TEXT: Final[JsonObject] = {"type": "string", "minLength": 1}
_VERSION: Final[JsonObject] = {"type": "string", "pattern": "^[0-9]+\\.[0-9]+$"}


def _object(required: JsonObject, optional: JsonObject | None = None) -> JsonObject:
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _list(items: JsonObject) -> JsonObject:
    return {"type": "array", "items": items}


_REFERENCE: Final = _object({"$ref": {"type": "string", "pattern": "^[^#]+#/"}})
