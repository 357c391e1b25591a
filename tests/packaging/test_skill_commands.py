"""Every command in SKILL.md is run as it is written, in a fresh home, with clips of the names it uses."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import pytest

from game_music_maker.cli.main import build

ROOT = Path(__file__).resolve().parents[2]
SKILL = (ROOT / "SKILL.md").read_text(encoding="utf-8")
SECTIONS = dict(
    part.split("\n", 1) for part in SKILL.split("## Whole conversations", 1)[1].split("\n## ", 1)[0].split("\n### ")[1:]
)
WITH_COMMANDS = [name for name, text in SECTIONS.items() if "```bash" in text]


def _clip(path: Path) -> None:
    """Six seconds of moving picture with two cuts and a tone."""
    pictures = [
        "color=c=navy:s=320x180:r=30:d=2",
        "testsrc2=s=320x180:r=30:d=2",
        "color=c=olive:s=320x180:r=30:d=2",
    ]
    inputs = [word for source in pictures for word in ("-f", "lavfi", "-i", source)]
    tone = ["-f", "lavfi", "-i", "sine=f=330:d=6:r=48000"]
    graph = ["-filter_complex", "[0][1][2]concat=n=3:v=1[v]", "-map", "[v]", "-map", "3:a"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *inputs, *tone, *graph, *codecs, str(path)]
    subprocess.run(command, check=True, timeout=60)


def _environment(home: Path) -> dict[str, str]:
    source = str(ROOT / "server")
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("NEMO_", "GAME_MUSIC_MAKER_", "SKILL_"))}
    extra = {"HOME": str(home), "USERPROFILE": str(home), "GAME_MUSIC_MAKER_HOME": str(home / "data")}
    return {**keep, **extra, "PYTHONPATH": source, "PYTHONWARNINGS": "default"}


def _commands(section: str) -> list[list[str]]:
    blocks = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("section", WITH_COMMANDS)
def test_the_commands_of_a_conversation_work_as_written(section: str, tmp_path: Path) -> None:
    text = SECTIONS[section]
    home, folder = tmp_path / "home", tmp_path / "clips 素材"
    home.mkdir()
    folder.mkdir()
    for name, content in re.findall(r"```yaml\n# file: (\S+)\n(.*?)```", text, re.DOTALL):
        (folder / name).write_text(content, encoding="utf-8")
    commands = _commands(text)
    outputs = {argv[argv.index("-o") + 1] for argv in commands if "-o" in argv}
    written = re.findall(r"^ *output: (\S+)", text, re.MULTILINE)
    for name in set(re.findall(r"[\w-]+\.mp4", text)) - outputs - set(written):
        _clip(folder / name)
    for argv in commands:
        assert argv[0] == "game-music-maker"
        done = subprocess.run(
            [sys.executable, "-m", "game_music_maker", *argv[1:]],
            cwd=folder,
            env=_environment(home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{shlex.join(argv)}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
    for name in outputs:
        made = folder / name
        files = [made] if made.is_file() else sorted(made.rglob("*.mp4"))
        assert files, f"{name} was not made"
        assert all(file.stat().st_size > 1000 for file in files)


def test_commands_in_tables_and_sentences_parse() -> None:
    """Placeholders in capitals and dots stand for anything."""
    shown = re.findall(r"`game-music-maker ([^`]+)`", SKILL)
    assert len(shown) >= 8
    for text in shown:
        argv = shlex.split(text)
        if argv != ["…"]:
            build(argv[0]).parse_args(argv)


def test_a_command_that_is_none_is_refused() -> None:
    with pytest.raises(SystemExit) as stop:
        build("score").parse_args(["score", "--no-such-option"])
    assert stop.value.code == 2
