"""`doctor` tells what is wrong and how to mend it, and changes nothing."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    "python",
    "command",
    "backend",
    "home",
    "exports",
    "disk",
    "ports",
    "bank",
    "encoder",
    "fonts",
    "studio",
}


def _doctor(home: Path, *options: str, **variables: str) -> tuple[int, dict[str, Any], str]:
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("NEMO_", "GAME_MUSIC_MAKER_"))}
    environment = {
        **keep,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "PYTHONPATH": str(ROOT / "server"),
        **variables,
    }
    command = [sys.executable, "-m", "game_music_maker", "doctor", "--json", *options]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=180)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


class Teapot(http.server.BaseHTTPRequestHandler):
    """Answers anything with 404, and keeps what it was sent."""

    def do_GET(self) -> None:
        self.server.heads.append(str(self.headers))  # type: ignore[attr-defined]
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Teapot) as server:
        server.heads = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _checks(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in answer["checks"]}


def test_all_is_well_on_a_fresh_machine_and_stays_as_it_was(tmp_path: Path) -> None:
    status, answer, _ = _doctor(tmp_path)
    assert status == 0, answer
    assert answer["ok"] is True
    assert set(_checks(answer)) == NAMES, "the cloud is asked only where --cloud is given"
    assert "nothing leaves this machine" in _checks(answer)["backend"]["found"]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_every_miss_has_a_remedy(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("not a folder")
    wrong = tmp_path / "bank.sf2"
    wrong.write_bytes(b"no sound bank at all")
    status, answer, _ = _doctor(
        tmp_path,
        GAME_MUSIC_MAKER_HOME=str(blocked / "home"),
        GAME_MUSIC_MAKER_SOUNDFONT=str(wrong),
        PATH="",
    )
    found = _checks(answer)
    assert status == 1
    assert answer["ok"] is False
    assert found["home"]["status"] == "failed"
    assert "GAME_MUSIC_MAKER_HOME" in found["home"]["remedy"]
    assert found["bank"]["status"] == "failed"
    assert "GAME_MUSIC_MAKER_SOUNDFONT" in found["bank"]["remedy"]
    assert all(check["remedy"] for check in answer["checks"] if check["status"] != "ok")
    assert answer["next"]


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    status, answer, _ = _doctor(tmp_path, GAME_MUSIC_MAKER_POLL_SECONDS="soon")
    assert status == 1
    assert "GAME_MUSIC_MAKER_POLL_SECONDS" in _checks(answer)["settings"]["found"]


def test_a_cloud_that_answers_is_reported_and_told_nothing(
    service: http.server.ThreadingHTTPServer, tmp_path: Path
) -> None:
    address = f"http://127.0.0.1:{service.server_port}"
    status, answer, _ = _doctor(tmp_path, "--cloud", NEMO_API_URL=address, NEMO_TOKEN="secret-word")
    assert status == 0
    assert _checks(answer)["cloud"]["status"] == "ok"
    assert "secret-word" not in json.dumps(answer) + "".join(service.heads)  # type: ignore[attr-defined]


def test_a_cloud_that_does_not_answer_is_reported_with_a_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    status, answer, _ = _doctor(tmp_path, "--cloud", NEMO_API_URL=f"http://127.0.0.1:{port}")
    assert status == 1
    assert 'backend="local"' in _checks(answer)["cloud"]["remedy"]
