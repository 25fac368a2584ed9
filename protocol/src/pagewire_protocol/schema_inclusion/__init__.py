"""Whether one JSON Schema (2020-12) accepts everything that another does; nothing here knows of Pagewire.

How it works: a schema is read into a set of values (`schema_values`). Such a set is a union of shapes of the six JSON
types (`value_sets`, `plain_shapes`, `shapes`); strings are regular languages (`languages`, `patterns`). The difference
of the two sets is what is refused. If it is empty, that is a proof. If it is not, an example of it is checked against
both schemas by an independent reader (`acceptance`). Without an example that passes, the answer is that it cannot be
decided. So no answer is a guess.
"""

from pagewire_protocol.schema_inclusion.acceptance import accepts
from pagewire_protocol.schema_inclusion.known_places import known_places, listed_places
from pagewire_protocol.schema_inclusion.refusals import Refusal, example_of, refusals
from pagewire_protocol.schema_inclusion.schema_values import Schema, annotations_of, bare, plain, resolve, values_of
from pagewire_protocol.schema_inclusion.well_formed import find_malformed

__all__ = [
    "Refusal",
    "Schema",
    "accepts",
    "annotations_of",
    "bare",
    "example_of",
    "find_malformed",
    "known_places",
    "listed_places",
    "plain",
    "refusals",
    "resolve",
    "values_of",
]
