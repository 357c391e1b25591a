"""What SKILL.md's frontmatter says of this program, where the skill is installed, and the headers that tell both.

The wheel carries SKILL.md in ``_bundle/``; an editable install reads the checkout's original.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from .settings import Settings

_HERE = Path(__file__).parent
_FILE = "SKILL.md"
_HEAD_LIMIT = 64 * 1024
PLATFORMS: tuple[tuple[tuple[str, ...], str], ...] = (
    ((".clawhub",), "clawhub"),
    ((".cursor", "skills"), "cursor"),
    ((".openclaw",), "openclaw"),
    ((".claude",), "claude-code"),
    ((".agents", "skills"), "agents"),
)
"""Folders on the skill's path → platform; the first match counts."""


def _read(file: Path) -> dict[str, Any]:
    """The frontmatter of a SKILL.md; empty where it has none that can be read."""
    import yaml

    try:
        with file.open(encoding="utf-8") as text:
            head = re.match(r"---\r?\n(.*?)\n---\s", text.read(_HEAD_LIMIT), re.DOTALL)
        found = yaml.safe_load(head[1]) if head else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}


def own_file() -> Path:
    """SKILL.md as it came with this package."""
    bundled = _HERE / "_bundle" / _FILE
    return bundled if bundled.is_file() else _HERE.parents[1] / _FILE


@lru_cache(maxsize=1)
def frontmatter() -> dict[str, Any]:
    """The package's own frontmatter, read once. Not to be changed by callers."""
    return _read(own_file())


def name() -> str:
    return str(frontmatter()["name"])


def version() -> str:
    """The one version: ``metadata.version`` of SKILL.md."""
    return str(frontmatter()["metadata"]["version"])


def _candidates(working: Path, command: Path) -> Iterator[Path]:
    yield from (working, *working.parents)
    yield command.parent
    yield own_file().parent


def folder(settings: Settings, working: Path | None = None, command: Path | None = None) -> Path:
    """The folder of the installed SKILL.md.

    Args:
        working: the working folder, this process's where None.
        command: the command that was started, ``sys.argv[0]`` where None.
    """
    if settings.skill_dir is not None:
        return settings.skill_dir.absolute()
    places = _candidates((working or Path.cwd()).absolute(), (command or Path(sys.argv[0])).absolute())
    ours = name()
    for place in places:
        if (place / _FILE).is_file() and _read(place / _FILE).get("name") == ours:
            return place
    return own_file().parent


def platform(settings: Settings, working: Path | None = None, command: Path | None = None) -> str:
    """The host that installed the skill, from SKILL_SOURCE or from where the skill lies; else ``unknown``."""
    if settings.skill_source is not None:
        return re.sub(r"[^\w.-]", "", settings.skill_source, flags=re.ASCII)[:64] or "unknown"
    place = folder(settings, working, command)
    if (place / ".clawhub" / "origin.json").is_file():
        return "clawhub"
    parts = place.parts
    for wanted, found in PLATFORMS:
        if any(parts[i : i + len(wanted)] == wanted for i in range(len(parts))):
            return found
    return "unknown"


def attribution(settings: Settings) -> dict[str, str]:
    """The three headers of every request to the backend; without them an export answers 402."""
    return {"X-Skill-Source": name(), "X-Skill-Version": version(), "X-Skill-Platform": platform(settings)}
