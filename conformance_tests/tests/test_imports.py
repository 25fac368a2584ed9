"""Server and suite never import each other, in tests, benchmarks and examples neither (import-linter sees packages)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imported_packages(source: str) -> set[str]:
    """Return the top-level packages that a file imports, at whatever place, `import_module("...")` included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module)
            case ast.Call(
                func=ast.Attribute(attr=name) | ast.Name(id=name), args=[ast.Constant(value=str(module)), *_]
            ):
                found |= {module} if name in {"import_module", "__import__", "importorskip"} else set()
    return {module.split(".")[0] for module in found}


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("reference_server", {"pagewire_conformance"}),
        ("conformance_tests", {"pagewire_server"}),
        ("protocol", {"pagewire_server", "pagewire_conformance"}),
        ("conformance_tests/src/pagewire_browsers", {"pagewire_protocol", "pagewire_server", "pagewire_conformance"}),
    ],
)
def test_no_file_imports_what_its_folder_must_not(folder: str, forbidden: set[str]) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    broken = {str(file.relative_to(ROOT)): imported_packages(file.read_text()) & forbidden for file in files}
    assert not {file: packages for file, packages in broken.items() if packages}


@pytest.mark.parametrize(
    "source",
    [
        "import pagewire_server",
        "import os, pagewire_server.core as core",
        "from pagewire_server.core import session",
        "def late():\n    from pagewire_server import serve",
        "importlib.import_module('pagewire_server.core')",
        "pytest.importorskip('pagewire_server')",
    ],
)
def test_every_way_to_import_is_seen(source: str) -> None:
    assert "pagewire_server" in imported_packages(source)
