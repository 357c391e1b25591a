"""The frontmatter is the source of name and version; the platform is read off the place of the installed skill."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from game_music_maker import skill
from game_music_maker.settings import Settings

ROOT = Path(__file__).resolve().parents[1]


def _installed(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_bytes((ROOT / "SKILL.md").read_bytes())
    return folder


def _platform(folder: Path, **variables: str) -> str:
    return skill.platform(Settings.from_environ(variables), working=folder, command=folder / "game-music-maker")


def test_name_and_version_are_those_of_the_frontmatter() -> None:
    text = (ROOT / "SKILL.md").read_text(encoding="utf-8")
    found = re.search(r'(?m)^  version: "(.+)"$', text)
    assert found
    assert skill.version() == found[1]
    assert skill.name() == "game-music-maker"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (".cursor/skills/game-music-maker", "cursor"),
        (".openclaw/skills/game-music-maker", "openclaw"),
        (".claude/skills/game-music-maker", "claude-code"),
        (".agents/skills/game-music-maker", "agents"),
        (".clawhub/skills/game-music-maker", "clawhub"),
        (".clawhub/x/.cursor/skills/game-music-maker", "clawhub"),
        (".agents/other/game-music-maker", "unknown"),
        ("somewhere/game-music-maker", "unknown"),
    ],
)
def test_the_platform_is_read_off_the_path(place: str, expected: str, tmp_path: Path) -> None:
    folder = _installed(tmp_path / place)
    assert _platform(folder) == expected
    assert _platform(tmp_path, GAME_MUSIC_MAKER_SKILL_DIR=str(folder)) == expected


def test_the_real_clawhub_installer_leaves_a_mark_beside_the_skill(tmp_path: Path) -> None:
    folder = _installed(tmp_path / ".cursor" / "skills" / "game-music-maker")
    (folder / ".clawhub").mkdir()
    (folder / ".clawhub" / "origin.json").write_text("{}")
    assert _platform(folder) == "clawhub"


def test_a_parent_of_the_working_folder_counts(tmp_path: Path) -> None:
    inner = _installed(tmp_path / ".claude" / "skills" / "game-music-maker") / "scripts" / "deep"
    inner.mkdir(parents=True)
    assert _platform(inner) == "claude-code"


def test_another_skill_on_the_way_does_not_count(tmp_path: Path) -> None:
    other = tmp_path / ".cursor" / "skills" / "other"
    other.mkdir(parents=True)
    (other / "SKILL.md").write_text("---\nname: other\n---\n", encoding="utf-8")
    assert _platform(other) == "unknown"


def test_skill_source_wins_and_is_fit_for_a_header(tmp_path: Path) -> None:
    folder = _installed(tmp_path / ".cursor" / "skills" / "game-music-maker")
    assert _platform(folder, SKILL_SOURCE="my-host") == "my-host"
    assert _platform(folder, SKILL_SOURCE="a\r\nX-Evil: 音") == "aX-Evil"


def test_attribution_holds_the_three_headers() -> None:
    headers = skill.attribution(Settings.from_environ({"SKILL_SOURCE": "test-host"}))
    assert headers == {
        "X-Skill-Source": "game-music-maker",
        "X-Skill-Version": skill.version(),
        "X-Skill-Platform": "test-host",
    }
