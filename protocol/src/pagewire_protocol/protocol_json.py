"""The registry as one JSON document, `protocol.json`: what generators of tables and of documentation read."""

from __future__ import annotations

from typing import Any

from pagewire_protocol.codes import BYE_RULES, CLOSE_MEANINGS, ENDING_CLOSES, ERROR_MEANINGS
from pagewire_protocol.command_messages import SETTINGS, SetEnvParams
from pagewire_protocol.json_objects import JsonObject
from pagewire_protocol.registry import CAPABILITIES, MESSAGE_TYPES, MessageType
from pagewire_protocol.requirements import read_requirements, spec_text

_BUNDLE = "pagewire.schema.json"


def protocol_document(version: str, comment: str) -> JsonObject:
    """Return the document for `version`; every `$ref` in it is into the bundle beside it."""
    return {
        "$comment": comment,
        "version": version,
        "messages": [_message(row) for row in MESSAGE_TYPES.values()],
        "settings": [_setting(name) for name in SETTINGS],
        "codes": {
            "error": [{"code": code, "description": meaning} for code, meaning in ERROR_MEANINGS.items()],
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
    default: Any = SETTINGS[name].default
    return {
        "name": name,
        "schema": _reference(f"{SetEnvParams.__name__}/properties/{name}"),
        **({} if default is None else {"default": default}),
        "since": "1.0",
        "description": SetEnvParams.model_fields[name].description,
    }


def _reference(name: str) -> JsonObject:
    return {"$ref": f"{_BUNDLE}#/$defs/{name}"}
