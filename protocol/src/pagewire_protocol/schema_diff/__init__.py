"""What changed from one version's schemas to another's, and whom it breaks: `pagewire-schema diff`.

How it works: both folders are read and checked for contradictions (`versions`, `consistency`). Messages and results are
compared by what senders may send and what receivers accept (`messages`, on `schema_inclusion`), the tables of the
registry row by row (`registry`). What then still differs is told as well (`leftovers`): two folders that differ are
never called equal. `report` makes text or JSON of what was found.
"""

from __future__ import annotations

from collections.abc import Iterator

from pagewire_protocol.schema_diff.changes import EVERYBODY, Change
from pagewire_protocol.schema_diff.consistency import check_consistency
from pagewire_protocol.schema_diff.leftovers import leftover_changes
from pagewire_protocol.schema_diff.messages import message_changes
from pagewire_protocol.schema_diff.registry import registry_changes
from pagewire_protocol.schema_diff.report import as_document, as_lines
from pagewire_protocol.schema_diff.versions import Version, make_version, parse_files, read_files

__all__ = ["Change", "Version", "as_document", "as_lines", "compare", "read_version"]


def read_version(name: str) -> Version:
    """Return the version in a folder of schemas, or of that number as this package has it.

    OSError or ValueError says which file is missing, malformed, or contradicts another one.
    """
    where, texts = read_files(name)
    files = parse_files(where, texts)
    try:
        check_consistency(where, files)
    except RecursionError:
        raise ValueError(f"{where}: a schema leads back to itself, or is nested too deeply") from None
    return make_version(where, texts, files)


def compare(old: Version, new: Version) -> list[Change]:
    """Return every change, what breaks somebody first."""
    lost = old.rows("capabilities", key="name").keys() - new.rows("capabilities", key="name").keys()
    found = list(message_changes(old.messages, new.messages, frozenset(lost)))
    found += registry_changes(old, new)
    found += leftover_changes(old, new, found)
    told_better = set(_registered_names(old, new))
    told_better |= set(_results_of_commands(found))
    kept = {(each.at, each.what): each for each in found if (each.at, each.what) not in told_better}
    return sorted(kept.values(), key=lambda change: (not change.breaks, change.breaks == EVERYBODY))


def _registered_names(old: Version, new: Version) -> Iterator[tuple[str, str]]:
    """Yield how the messages tell of names that came or went, which the registry tells better."""
    tables = {
        "result.params.applied[]": ("settings",),
        "result.params.ignored[]": ("settings",),
        "bye.params.code": ("codes", "bye"),
        "error.params.code": ("codes", "error"),
        "notice.params.code": ("codes", "notice"),
        "set_env.result.applied[]": ("settings",),
        "set_env.result.ignored[]": ("settings",),
    }
    for at, path in tables.items():
        key = "name" if path == ("settings",) else "code"
        was, is_ = old.rows(*path, key=key), new.rows(*path, key=key)
        yield from ((at, f"it may now be {name!r}") for name in is_.keys() - was.keys())
        yield from ((at, f"it may no longer be {name!r}") for name in was.keys() - is_.keys())


def _results_of_commands(found: list[Change]) -> Iterator[tuple[str, str]]:
    """Yield how the message `result` tells of what is told of the result of a command."""
    for change in found:
        _, dot, place = change.at.partition(".result")
        if dot:
            yield f"result.params{place}", change.what
