"""Claude Code itself, with the server in its own configuration file: listed as connected, its tools called.

Run by `.ci/validators` (the ordinary run does not collect it): ``pytest tests/clients/with_claude_code.py`` with
``claude`` on the PATH. The language model is a scripted one on loopback; nothing else is asked.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from clients.model import ScriptedModel
from clients.running import command

LIMIT_S = 240
PREFIX = "mcp__game-music-maker__"


def _claude(folder: Path, *words: str, **more: str) -> str:
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("NEMO_", "GAME_MUSIC_MAKER_", "ANTHROPIC_"))}
    environment = {
        **keep, "HOME": str(folder / "home"), "GAME_MUSIC_MAKER_HOME": str(folder / "home" / "data"),
        "GAME_MUSIC_MAKER_OUTPUT_DIR": str(folder / "out"), "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", **more,
    }  # fmt: skip
    done = subprocess.run(
        ["claude", *words], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=LIMIT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_server_in_its_own_file_is_listed_and_its_tools_are_called(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    _claude(tmp_path, "mcp", "add", "game-music-maker", "--", command(), "serve")
    kept = json.loads((tmp_path / "home" / ".claude.json").read_text(encoding="utf-8"))
    entry = next(iter(kept["projects"].values()))["mcpServers"]["game-music-maker"]
    assert (entry["command"], entry["args"]) == (command(), ["serve"])
    assert "Connected" in _claude(tmp_path, "mcp", "list")

    calls: list[tuple[str, dict[str, Any]]] = [
        ("WaitForMcpServers", {}),
        (f"{PREFIX}send_message", {"message": "4 seconds of calm harp music", "wait_s": 120}),
        (f"{PREFIX}export", {"format": "ogg", "wait_s": 120}),
    ]
    with ScriptedModel(calls) as model:
        said = _claude(
            tmp_path, "-p", "Calm harp music, please.", "--allowedTools", "mcp__game-music-maker",
            "--output-format", "json", ANTHROPIC_BASE_URL=model.url, ANTHROPIC_API_KEY="none",
        )  # fmt: skip
        assert json.loads(said)["result"] == "Done."
        results = model.results
    # A server that is there already needs no waiting, and then there is no tool to wait with.
    assert [bool(result.get("is_error")) for result in results[1:]] == [False] * len(calls[1:]), results
    answer = json.loads(results[-1]["content"][-1]["text"])
    made = Path(answer["path"])
    assert made.parent == tmp_path / "out"
    assert made.read_bytes().startswith(b"OggS")
    assert answer["duration_s"] == 4
