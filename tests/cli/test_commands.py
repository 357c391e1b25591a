"""The commands as a shell sees them, against a scripted NemoVideo: answers, exit status, one line for an error."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nemo_server import NemoServer

from game_music_maker.cli.main import COMMANDS

CLIP = b"\0\0\0\x18ftypmp42" + b"moov" * 400
LIMIT_S = 60


def _interruptible() -> None:
    """As at a terminal; what runs in a shell's background is born deaf to interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Shell:
    """A working folder and a home, with a service behind it."""

    def __init__(self, folder: Path, nemo: NemoServer) -> None:
        self.folder = folder
        self.nemo = nemo
        keep = {key: value for key, value in os.environ.items() if not key.startswith(("NEMO_", "GAME_MUSIC_MAKER_"))}
        self.environ = {
            **keep, "HOME": str(folder / "home"), "PYTHONPATH": os.pathsep.join(sys.path),
            "NEMO_API_URL": nemo.url, "NEMO_TOKEN": nemo.token,
            "GAME_MUSIC_MAKER_POLL_SECONDS": "0.05", "GAME_MUSIC_MAKER_RECOVERY_SECONDS": "0.05",
        }  # fmt: skip
        (folder / "clip.mp4").write_bytes(CLIP)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "game_music_maker", *words],
            cwd=self.folder, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=None if os.name == "nt" else _interruptible,
        )  # fmt: skip

    def run(self, *words: str, status: int = 0) -> str:
        process = self.start(*words)
        out, errors = process.communicate(timeout=LIMIT_S)
        assert process.returncode == status, (out, errors)
        if status in (0, 3):
            assert errors == ""
        else:
            assert len(errors.strip().splitlines()) == 1
            assert "Traceback" not in errors
        return out if status in (0, 3) else errors

    def json(self, *words: str, status: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*words, "--json", status=status))
        return found


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with NemoServer() as nemo:
        yield Shell(tmp_path, nemo)


def test_score_does_the_main_job_in_one_go(shell: Shell) -> None:
    out = shell.run("score", "clip.mp4", "-p", "calm harp music", "--loop", "--aspect", "9:16", "--title", "Level 1")
    assert str(shell.folder / "clip-scored.mp4") in out
    assert "\x1b" not in out, "no colours into a pipe"
    assert (shell.folder / "clip-scored.mp4").read_bytes() == shell.nemo.output
    message = shell.nemo.seen("POST /run_sse")[0].json()["new_message"]["parts"][0]["text"]
    assert message == 'calm harp music. loop it. crop to 9:16. add a title "Level 1"'


def test_score_answers_json_and_never_replaces_a_file(shell: Shell) -> None:
    made = shell.json("score", "clip.mp4", "-p", "calm", "-o", "out.mp4")
    assert made["path"] == str(shell.folder / "out.mp4")
    assert made["timeline"].startswith("Timeline (2 tracks)")
    assert "already a file" in shell.run("score", "clip.mp4", "-p", "calm", "-o", "out.mp4", status=1)
    assert shell.nemo.count("POST /api/upload") == 1, "judged before anything is sent"
    shell.run("score", "clip.mp4", "-p", "calm", "-o", "out.mp4", "--overwrite", "--quiet")


def test_an_output_that_cannot_be_written_is_refused_before_anything_is_sent(shell: Shell) -> None:
    (shell.folder / "notes.txt").write_text("no folder")
    said = shell.run("score", "clip.mp4", "-p", "calm", "-o", "notes.txt/out.mp4", status=1)
    assert "'notes.txt' cannot be written" in said
    assert shell.nemo.count("POST /api/upload") == 0
    shell.run("score", "clip.mp4", "-p", "calm", "-o", "out.mp4")
    said = shell.run("export", "--format", "mov", "-o", "notes.txt/out.mov", status=1)
    assert "'notes.txt' cannot be written" in said
    assert shell.nemo.count("POST /api/render") == 1


def test_score_makes_a_project_of_its_own_each_time(shell: Shell) -> None:
    names = {shell.json("score", "clip.mp4", "-p", "calm", "-o", f"{n}.mp4")["project"] for n in range(2)}
    assert names == {"clip", "clip-2"}


def test_the_tools_as_commands(shell: Shell) -> None:
    assert shell.json("connect", "dungeon", "--language", "zh")["project"] == "dungeon"
    assert shell.json("upload", "clip.mp4")["files"][0]["name"] == "clip.mp4"
    assert "The music is on the timeline" in shell.run("send", "add music")
    assert shell.json("credits")["available"] == 100.0
    assert shell.json("state")["ready_to_export"] is True
    assert shell.json("export", "-o", "a.mp4")["path"] == str(shell.folder / "a.mp4")
    assert shell.json("state", "--job", "export-1")["result"]["path"] == str(shell.folder / "a.mp4")
    assert shell.json("cancel", "export-1")["status"] == "finished"
    session = shell.nemo.seen("POST /api/tasks")[0].json()
    assert session == {"task_name": "project", "language": "zh"}


def test_an_export_that_is_not_waited_for_exits_3_and_is_found_later(shell: Shell) -> None:
    shell.run("upload", "clip.mp4")
    shell.nemo.render_steps = [{"status": "processing", "progress": 10}] * 5
    running = shell.json("export", "--wait-s", "0", status=3)
    assert (running["status"], running["job"]) == ("running", "export-1")
    later = shell.json("state", "--job", "export-1", "--wait-s", "30")
    assert later["status"] == "done"
    assert Path(later["result"]["path"]).read_bytes() == shell.nemo.output
    assert shell.nemo.count("POST /api/render") == 1


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_render_that_ran_when_the_process_was_killed_is_taken_up_again(shell: Shell) -> None:
    shell.run("upload", "clip.mp4")
    hold = threading.Event()
    shell.nemo.rule("GET /api/render", hold=hold)
    process = shell.start("export", "-o", "out.mp4")
    while not shell.nemo.count("GET /api/render"):
        assert process.poll() is None
    process.kill()
    process.communicate()
    hold.set()
    assert not (shell.folder / "out.mp4").exists()
    made = shell.json("export", "-o", "out.mp4")
    assert made["job"] == "export-1"
    assert (shell.folder / "out.mp4").read_bytes() == shell.nemo.output
    assert shell.nemo.count("POST /api/render") == 1


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("changed", [False, True])
def test_a_download_that_was_killed_goes_on_in_the_next_process(shell: Shell, changed: bool) -> None:
    shell.run("upload", "clip.mp4")
    stall = threading.Event()
    shell.nemo.output *= 5
    shell.nemo.rule("GET /files/", times=1, length=len(shell.nemo.output), cut=400_000, stall=stall)
    process = shell.start("export", "-o", "out.mp4")
    while not any(part.stat().st_size > 200_000 for part in shell.folder.glob(".out.mp4.*.part")):
        assert process.poll() is None
    process.kill()
    process.communicate()
    stall.set()
    assert not (shell.folder / "out.mp4").exists()
    if changed:
        shell.nemo.output, shell.nemo.etag = bytes(reversed(shell.nemo.output)), '"v2"'
    shell.run("export", "-o", "out.mp4")
    assert (shell.folder / "out.mp4").read_bytes() == shell.nemo.output
    assert list(shell.folder.glob(".out.mp4.*")) == []
    again = shell.nemo.seen("GET /files/")[1].headers
    assert again["if-range"] == '"v1"'
    assert int(again["range"].removeprefix("bytes=").removesuffix("-")) > 200_000
    assert shell.nemo.count("POST /api/render") == 1


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits")
def test_a_full_disk_leaves_nothing_and_the_next_try_brings_the_same_render(shell: Shell) -> None:
    shell.run("upload", "clip.mp4")
    shell.nemo.output *= 10
    small = ["sh", "-c", 'ulimit -f 800; exec "$0" "$@"', sys.executable, "-m", "game_music_maker"]
    done = subprocess.run(
        [*small, "export", "-o", "out.mp4", "--json"],
        cwd=shell.folder, env=shell.environ, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (1, "disk_full"), done
    assert list(shell.folder.glob("*out.mp4*")) == list(shell.folder.glob(".out.mp4*")) == []
    shell.run("export", "-o", "out.mp4")
    assert (shell.folder / "out.mp4").read_bytes() == shell.nemo.output
    assert shell.nemo.count("POST /api/render") == 1


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_an_interrupt_is_clean(shell: Shell) -> None:
    hold = threading.Event()
    shell.nemo.rule("POST /run_sse", hold=hold)
    process = shell.start("send", "add music")
    while not shell.nemo.count("POST /run_sse"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=LIMIT_S)
    hold.set()
    assert (process.returncode, out, errors) == (130, "", "Interrupted.\n")


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("score", "clip.mp4"), 2, "-p/--prompt"),
        (("score", "gone.mp4", "-p", "calm"), 1, "no file 'gone.mp4'"),
        (("score", "clip.mp4", "-p", "calm", "--aspect", "wide"), 2, "9:16"),
        (("score", "clip.mp4", "-p", "calm", "--seed", "4"), 2, "local backend"),
        (("score", "clip.mp4", "-p", "calm", "--plan", "gone.json"), 2, "cannot be read"),
        (("export", "--format", "exe"), 2, "invalid choice"),
        (("state", "--project", "nope"), 1, "no project 'nope'"),
        (("upload", "notes.mp4"), 1, "not what its name says"),
        (("dance",), 2, "invalid choice"),
        (("serve", "--http", "nonsense"), 2, "HOST:PORT"),
    ],
)
def test_errors_are_one_line_with_the_next_step(shell: Shell, words: tuple[str, ...], status: int, says: str) -> None:
    (shell.folder / "notes.mp4").write_text("just words")
    assert says in shell.run(*words, status=status)


def test_every_command_has_help() -> None:
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "game_music_maker", command, "--help"],
            capture_output=True, text=True, timeout=LIMIT_S, check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "--json" in done.stdout


def test_a_message_that_made_no_music_is_a_failure(shell: Shell) -> None:
    shell.nemo.agent = lambda *_: []
    assert "No music was made" in shell.run("score", "clip.mp4", "-p", "calm", status=1)
    shell.nemo.agent = lambda *_: [{"type": "ask_question", "question": "Which mood?"}]
    assert "Which mood?" in shell.run("score", "clip.mp4", "-p", "calm", status=1)
    assert shell.nemo.count("POST /api/render") == 0
