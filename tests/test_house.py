"""The house's rules, read off the code: who may import whom, how long things may be, what stands nowhere.

Directions are checked twice: over the syntax trees (those in functions or under ``TYPE_CHECKING`` count too)
and in fresh interpreters (so what comes along unseen counts).
"""

from __future__ import annotations

import ast
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import game_music_maker
from game_music_maker import errors

PACKAGE = Path(game_music_maker.__file__).parent
NAME = "game_music_maker"
MODULES = sorted(PACKAGE.rglob("*.py"))

ABOVE_ALL = {"errors", "settings", "skill"}
LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "settings": {"errors"},
    "skill": {"errors", "settings"},
    "contract": {"errors"},
    "studio": {"errors", "contract"},
    "client": ABOVE_ALL | {"contract"},
    "backend": ABOVE_ALL | {"contract", "client", "studio"},
    "project": ABOVE_ALL | {"contract", "client", "backend"},
    "tools": ABOVE_ALL | {"contract", "project"},
    "prompts": ABOVE_ALL | {"contract", "project", "tools"},
    "wire": ABOVE_ALL | {"tools"},
    "tasks": ABOVE_ALL | {"contract", "project", "tools", "wire"},
    "host_log": set(),
    "stdio": set(),
    "mcp_server": ABOVE_ALL
    | {"contract", "project", "tools", "prompts", "tasks", "wire", "host_log", "stdio", "backend"},
    "cli": ABOVE_ALL | {"contract", "project", "tools", "mcp_server", "backend"},
    "__main__": ABOVE_ALL | {"cli"},
}
"""Layer → the other layers that it may import. A new layer has to be entered here."""

ENTRIES: dict[str, set[str]] = {"studio/__main__.py": {"settings"}}
"""A process's entry, which hands what the environment says to its layer."""

FORBIDDEN_OUTSIDE: dict[str, set[str]] = {
    "errors": {"httpx", "starlette", "mcp", "numpy", "pydantic"},
    "settings": {"httpx", "starlette", "mcp", "numpy", "pydantic"},
    "contract": {"httpx", "starlette", "mcp", "numpy"},
    "client": {"starlette", "mcp", "numpy"},
    "project": {"mcp", "starlette", "numpy"},
    "tools": {"httpx", "starlette", "numpy"},
    "mcp_server": {"numpy"},
    "cli": {"numpy"},
}
"""Layer → outside packages that none of its modules names."""

HEAVY = {"numpy", "scipy", "soundfile"}
HEAVY_HOMES = (
    "studio/music/",
    "studio/sound/",
    "studio/picture/",
    "studio/kit",
    "studio/worker",
    "studio/checkup.py",
)


def _layer(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(_tree(path)))


@cache
def _imports(path: Path) -> tuple[str, ...]:
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    """Every imported module's absolute dotted name, wherever the import stands."""
    parts = (NAME, *path.relative_to(PACKAGE).with_suffix("").parts)
    package = parts[:-1]  # of a module or of an __init__ alike: the folder it stands in
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _own(module: str) -> str | None:
    """Layer of one of our own modules, None for others."""
    parts = module.split(".")
    if parts[0] != NAME or len(parts) < 2:
        return None
    return parts[1] if parts[1] in LAYERS else None


def _relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_every_module_belongs_to_a_known_layer() -> None:
    unknown = [_relative(p) for p in MODULES if p.name != "__init__.py" or p.parent != PACKAGE]
    unknown = [p for p in unknown if p.split("/")[0].removesuffix(".py") not in LAYERS]
    assert unknown == []


def test_import_directions() -> None:
    wrong = [
        f"{_relative(path)} imports {module}"
        for path in MODULES
        if _layer(path) in LAYERS
        for module in _imports(path)
        if (target := _own(module)) and target != _layer(path)
        if target not in LAYERS[_layer(path)] | ENTRIES.get(_relative(path), set())
    ]
    assert wrong == []


def test_outside_packages_stay_where_they_belong() -> None:
    wrong = [
        f"{_relative(path)} imports {module}"
        for path in MODULES
        for module in _imports(path)
        if module.split(".")[0] in FORBIDDEN_OUTSIDE.get(_layer(path), set())
    ]
    heavy = [
        f"{_relative(path)} imports {module}"
        for path in MODULES
        if not _relative(path).startswith(HEAVY_HOMES)
        for module in _imports(path)
        if module.split(".")[0] in HEAVY
    ]
    assert wrong + heavy == []


def _loaded_by(modules: list[str]) -> set[str]:
    """What a fresh interpreter holds after importing `modules`."""
    script = (
        "import importlib, json, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "json.dump(sorted(sys.modules), sys.stdout)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout))


def _names(*layers: str, skip: tuple[str, ...] = ()) -> list[str]:
    found = []
    for path in MODULES:
        relative = _relative(path)
        if _layer(path) in layers and not relative.startswith(skip) and path.stem != "__main__":
            parts = path.relative_to(PACKAGE).with_suffix("").parts
            found.append(".".join((NAME, *(p for p in parts if p != "__init__"))))
    return found


FRESH: list[tuple[str, list[str], set[str]]] = [
    ("errors", _names("errors", "settings"), {"httpx", "starlette", "mcp", "numpy", "pydantic"}),
    ("contract", _names("contract"), {"httpx", "starlette", "mcp", "numpy"}),
    ("client", _names("client"), {"starlette", "mcp", "numpy", f"{NAME}.studio", f"{NAME}.project"}),
    ("project", _names("project"), {"mcp", "numpy", f"{NAME}.studio", f"{NAME}.tools"}),
    ("tools", _names("tools"), {"numpy", "uvicorn", f"{NAME}.studio"}),
    ("mcp_server", _names("mcp_server"), {"numpy", f"{NAME}.studio", f"{NAME}.cli"}),
    (
        "studio without its worker",
        _names("studio", skip=HEAVY_HOMES),
        {"httpx", "mcp", *HEAVY, f"{NAME}.client", f"{NAME}.project", f"{NAME}.tools"},
    ),
    ("studio's worker side", _names("studio"), {"mcp", f"{NAME}.client", f"{NAME}.project", f"{NAME}.tools"}),
]


@pytest.mark.parametrize(("modules", "never"), [row[1:] for row in FRESH], ids=[row[0] for row in FRESH])
def test_what_a_fresh_interpreter_loads(modules: list[str], never: set[str]) -> None:
    assert modules, "the layer has no modules"
    assert _loaded_by(modules) & never == set()


def test_sizes() -> None:
    lines = {_relative(p): len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES}
    functions = [
        f"{_relative(path)}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in MODULES
        for node in _nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 60
    ]
    assert [f"{name} has {n} lines" for name, n in lines.items() if n > 400] + functions == []
    assert statistics.median(n for n in lines.values() if n > 5) <= 200


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def test_the_environment_is_read_by_the_settings_alone() -> None:
    """``os.environ`` may be handed to `Settings.from_environ` whole; nobody else looks into it."""
    wrong = []
    for path in MODULES:
        if _relative(path) == "settings.py":
            continue
        handed = {
            id(argument)
            for node in _nodes(path)
            if isinstance(node, ast.Call) and _dotted(node.func).endswith("Settings.from_environ")
            for argument in node.args
        }
        wrong += [
            f"{_relative(path)}:{node.lineno}"
            for node in _nodes(path)
            if isinstance(node, ast.Attribute)
            and _dotted(node) in ("os.environ", "os.getenv", "os.environb")
            and id(node) not in handed
        ]
        names = ("os.environ", "os.getenv")
        wrong += [f"{_relative(path)}: {name}" for name in _imports(path) if name in names]
    assert wrong == []


def test_no_print() -> None:
    wrong = [
        f"{_relative(path)}:{node.lineno}"
        for path in MODULES
        for node in _nodes(path)
        if isinstance(node, ast.Call) and _dotted(node.func) in ("print", "builtins.print")
    ]
    assert wrong == []


STATEFUL = (
    "httpx.",
    "random.",
    "np.random.",
    "numpy.random.",
    "sqlite3.connect",
    "Path.home",
    "Path.cwd",
    "Settings.",
)


def test_nothing_alive_at_module_level() -> None:
    """No client, token, path or random state made by an import, and no ``global``."""
    wrong = []
    for path in MODULES:
        for statement in _tree(path).body:
            if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr) and statement.value is not None:
                calls = [n for n in ast.walk(statement.value) if isinstance(n, ast.Call)]
                alive = [n for n in calls if _dotted(n.func).startswith(STATEFUL)]
                wrong += [f"{_relative(path)}:{n.lineno}" for n in alive]
        wrong += [f"{_relative(path)}:{n.lineno} global" for n in _nodes(path) if isinstance(n, ast.Global)]
    assert wrong == []


def test_one_place_starts_encoders() -> None:
    """Whoever imports ``imageio_ffmpeg`` can start FFmpeg: one module; doctor asks for its path."""
    users = {_relative(p) for p in MODULES if any(m.split(".")[0] == "imageio_ffmpeg" for m in _imports(p))}
    assert users <= {"studio/picture/ffmpeg.py", "cli/doctor.py"}


def test_the_source_root_is_no_package_and_has_no_links() -> None:
    assert not (PACKAGE.parent / "__init__.py").exists()
    assert [p for p in PACKAGE.rglob("*") if p.is_symlink()] == []


def test_the_public_error_words() -> None:
    assert set(errors.BY_CODE) == {
        "token_refused",
        "session_gone",
        "no_credits",
        "plan_required",
        "rate_limited",
        "unsupported_media",
        "file_too_large",
        "not_allowed_path",
        "nothing_to_export",
        "busy",
        "not_found",
        "output_exists",
        "disk_full",
        "cancelled",
        "timeout",
        "outcome_unknown",
        "backend_unreachable",
        "backend_error",
        "bad_answer",
        "render_failed",
        "invalid_argument",
    }
    for cls in errors.ALL:
        shown = cls("Something happened.").to_dict()
        assert set(shown) >= {"code", "message", "retryable", "next"}
        assert shown["next"], f"{cls.__name__} names no next step"
