"""The promises manifest, both ways: no promise without its tests, no test of a claimed file without a promise."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "tests" / "promises.yaml").read_text(encoding="utf-8"))


@functools.cache
def found_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def test_every_promise_names_tests_that_exist() -> None:
    for promise in MANIFEST["promises"]:
        assert promise["tests"], promise["id"]
        for name in promise["tests"]:
            file, _, test = name.partition("::")
            assert test in found_in(file), f"{promise['id']}: {name} does not exist"


def test_every_test_of_a_claimed_file_is_promised() -> None:
    named = {name for promise in MANIFEST["promises"] for name in promise["tests"]}
    for file in MANIFEST["claimed"]:
        left = {f"{file}::{test}" for test in found_in(file)} - named
        assert not left, f"no promise names {sorted(left)}"


def test_promises_are_whole_and_told_apart() -> None:
    ids = [promise["id"] for promise in MANIFEST["promises"]]
    assert len(ids) == len(set(ids))
    for promise in MANIFEST["promises"]:
        assert promise["weight"] in ("A", "B", "C")
        assert promise["says"].endswith(".")
        assert promise["seen_failing"]
