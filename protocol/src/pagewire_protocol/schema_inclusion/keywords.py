"""The keywords of JSON Schema 2020-12, by what they are about."""

from __future__ import annotations

from typing import Final

ANNOTATIONS: Final = (
    frozenset(("$schema", "$id", "$comment", "$anchor", "title", "description", "examples", "default", "deprecated"))
    | frozenset(("readOnly", "writeOnly", "discriminator"))
    | frozenset(("contentEncoding", "contentMediaType", "contentSchema"))
)
"""Those that accept and refuse nothing."""

OF_NUMBERS: Final = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"))
OF_TEXTS: Final = frozenset(("minLength", "maxLength", "pattern"))
OF_ARRAYS: Final = frozenset(("minItems", "maxItems", "uniqueItems", "prefixItems", "items", "contains"))
OF_OBJECTS: Final = (
    frozenset(("minProperties", "maxProperties", "required", "dependentRequired", "dependentSchemas"))
    | frozenset(("properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "propertyNames"))
)  # fmt: skip

WITH_SCHEMA: Final = (
    frozenset(("not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames"))
    | frozenset(("unevaluatedProperties", "unevaluatedItems"))
)  # fmt: skip
"""Those whose value is a schema."""
WITH_SCHEMAS: Final = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
"""Those whose value is a list of schemas."""
WITH_NAMED_SCHEMAS: Final = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"))
"""Those whose value has names of its own, each with a schema."""
