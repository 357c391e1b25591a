"""Batches: three kinds of lists, errors that do not stop the rest, a report, and going on after a kill."""

from __future__ import annotations

import importlib.util
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
from nemo_server import Events, NemoServer, scoring_agent

from game_music_maker.cli.batch_jobs import read_items
from game_music_maker.cli.batch_ledger import Ledger
from game_music_maker.errors import InvalidArgument

CLIP = b"\0\0\0\x18ftypmp42" + b"moov" * 400
LIMIT_S = 120


@pytest.fixture
def nemo() -> Iterator[NemoServer]:
    with NemoServer() as server:
        yield server


def clips(folder: Path, count: int) -> list[str]:
    names = [f"clip{n}.mp4" for n in range(count)]
    for name in names:
        (folder / name).write_bytes(CLIP)
    return names


def start(folder: Path, nemo: NemoServer, *words: str) -> subprocess.Popen[str]:
    keep = {key: value for key, value in os.environ.items() if not key.startswith(("NEMO_", "GAME_MUSIC_MAKER_"))}
    environ = {
        **keep, "HOME": str(folder / "home"), "PYTHONPATH": os.pathsep.join(sys.path),
        "NEMO_API_URL": nemo.url, "NEMO_TOKEN": nemo.token, "GAME_MUSIC_MAKER_POLL_SECONDS": "0.02",
        "GAME_MUSIC_MAKER_RECOVERY_SECONDS": "0.02",
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "game_music_maker", "batch", *words, "--json"],
        cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def batch(folder: Path, nemo: NemoServer, *words: str, status: int = 0) -> dict[str, Any]:
    process = start(folder, nemo, *words)
    out, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == status, (out, errors)
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_three_kinds_of_lists_say_the_same(tmp_path: Path) -> None:
    rows = [
        {"clip": "a.mp4", "prompt": "calm", "seed": 4, "loop": True, "aspect": "9:16"},
        {"clip": "b.mp4", "prompt": "史诗, 快", "title": None},
    ]
    (tmp_path / "jobs.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "jobs.csv").write_text('clip,prompt,seed,loop,aspect\na.mp4,calm,4,yes,9:16\nb.mp4,"史诗, 快",,,\n')
    sheet = "\ufeffclip; prompt;seed;loop;aspect\r\na.mp4;calm;4;1;9:16\r\nb.mp4;史诗, 快;;;\r\n"
    (tmp_path / "sheet.csv").write_text(sheet, encoding="utf-8", newline="")
    (tmp_path / "jobs.yaml").write_text(
        "- {clip: a.mp4, prompt: calm, seed: 4, loop: true, aspect: 9:16}\n"
        "- {clip: b.mp4, prompt: '史诗, 快', title: null}\n"
    )
    names = ("jobs.jsonl", "jobs.csv", "sheet.csv", "jobs.yaml")
    read = [read_items(tmp_path / name, tmp_path) for name in names]
    for name, items in zip(names, read, strict=True):
        assert items == read[0], name
    assert read[0][0].output == str(tmp_path / "a-scored.mp4")
    assert (read[0][0].aspect, read[0][1].prompt, read[0][1].title) == ("9:16", "史诗, 快", None)


def test_a_broken_line_of_a_list_is_named_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "jobs.jsonl").write_text('{"clip": "a.mp4", "prompt": "x"}\n{"clip": \n{"clip": "b.mp4"}\n')
    with pytest.raises(InvalidArgument) as caught:
        read_items(tmp_path / "jobs.jsonl", tmp_path)
    assert "row 2: it is not a table of fields. row 3: 'prompt' is missing." in caught.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {prompt: x}\n", "row 1: 'clip' is missing"),
        ("- {clip: a.mp4}\n", "row 1: 'prompt' is missing"),
        ("- {clip: a.mp4, prompt: x, colour: red}\n", "unknown field 'colour'"),
        ("- {clip: a.mp4, prompt: x, format: exe}\n", "format 'exe'"),
        ("- {clip: a.mp4, prompt: x, quality: best}\n", "quality 'best'"),
        ("- {clip: a.mp4, prompt: x, output: o}\n- {clip: b.mp4, prompt: x, output: o}\n", "row 2: output 'o'"),
        ("{", "not YAML"),
        ("[]", "empty"),
    ],
)
def test_mistakes_of_a_list_are_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "jobs.yaml").write_text(text)
    with pytest.raises(InvalidArgument) as caught:
        read_items(tmp_path / "jobs.yaml", tmp_path)
    assert says in caught.value.message


def test_a_bad_clip_does_not_stop_the_rest(tmp_path: Path, nemo: NemoServer) -> None:
    names = clips(tmp_path, 2)
    (tmp_path / "words.mp4").write_text("just words")
    rows = [*names, "words.mp4", "gone.mp4"]
    (tmp_path / "jobs.jsonl").write_text("\n".join(json.dumps({"clip": name, "prompt": "calm"}) for name in rows))
    report = batch(tmp_path, nemo, "jobs.jsonl", "-o", "out", status=1)
    assert [row["status"] for row in report["rows"]] == ["done", "done", "failed", "failed"]
    assert [row["error"]["code"] for row in report["rows"][2:]] == ["unsupported_media", "not_found"]
    for name in names:
        assert (tmp_path / "out" / f"{Path(name).stem}-scored.mp4").read_bytes() == nemo.output
    words = (tmp_path / "out" / "jobs-report.md").read_text()
    assert "2 of 4 clips are done" in words
    assert "gone.mp4" in words
    assert json.loads((tmp_path / "out" / "jobs-report.json").read_text())["failed"] == 2
    uploads = nemo.count("POST /api/upload")
    (tmp_path / "gone.mp4").write_bytes(CLIP)
    again = batch(tmp_path, nemo, "jobs.jsonl", "-o", "out", status=1)
    assert again["done"] == 3
    assert nemo.count("POST /api/upload") == uploads + 1, "what is done is not done again"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_batch_goes_on_and_makes_each_output_once(tmp_path: Path, nemo: NemoServer) -> None:
    names = clips(tmp_path, 6)
    (tmp_path / "jobs.jsonl").write_text("\n".join(json.dumps({"clip": name, "prompt": "calm"}) for name in names))
    turns = threading.Semaphore(0)

    def counted(server: NemoServer, session: str, text: str) -> Events:
        turns.release()
        return scoring_agent(server, session, text)

    nemo.agent = counted
    for _ in range(3):
        process = start(tmp_path, nemo, "jobs.jsonl", "-o", "out", "--workers", "2")
        assert turns.acquire(timeout=LIMIT_S)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        for path in (tmp_path / "out").glob("*-scored.mp4"):
            assert path.read_bytes() == nemo.output, "never half-written"
    report = batch(tmp_path, nemo, "jobs.jsonl", "-o", "out")
    assert report["done"] == 6
    outputs = sorted(path.name for path in (tmp_path / "out").glob("*.mp4"))
    assert outputs == [f"clip{n}-scored.mp4" for n in range(6)]


def test_a_file_that_is_not_the_batchs_own_is_not_replaced(tmp_path: Path, nemo: NemoServer) -> None:
    clips(tmp_path, 1)
    (tmp_path / "clip0-scored.mp4").write_bytes(b"mine")
    (tmp_path / "jobs.jsonl").write_text(json.dumps({"clip": "clip0.mp4", "prompt": "calm"}))
    report = batch(tmp_path, nemo, "jobs.jsonl", status=1)
    assert report["rows"][0]["error"]["code"] == "output_exists"
    batch(tmp_path, nemo, "jobs.jsonl", status=1)
    assert (tmp_path / "clip0-scored.mp4").read_bytes() == b"mine", "nor the second time"
    assert nemo.count("POST") == 0


def test_ray_is_an_extra_and_its_absence_is_said_before_any_work(tmp_path: Path, nemo: NemoServer) -> None:
    clips(tmp_path, 1)
    (tmp_path / "jobs.jsonl").write_text(json.dumps({"clip": "clip0.mp4", "prompt": "calm"}))
    if importlib.util.find_spec("ray") is None:
        error = batch(tmp_path, nemo, "jobs.jsonl", "--engine", "ray", status=2)["error"]
        assert "pip install 'game-music-maker[ray]'" in error["next"]
        assert nemo.requests == []
    else:
        assert batch(tmp_path, nemo, "jobs.jsonl", "--engine", "ray")["done"] == 1
        assert (tmp_path / "clip0-scored.mp4").read_bytes() == nemo.output


def test_a_ledger_with_a_torn_last_line_is_read(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"x")
    ledger = Ledger(tmp_path / "ledger.jsonl")
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    ledger.write("a", "done", path=str(tmp_path / "out.mp4"), sha256=digest)
    ledger.close()
    with (tmp_path / "ledger.jsonl").open("a") as handle:
        handle.write('{"key": "b", "event": "do')
    again = Ledger(tmp_path / "ledger.jsonl")
    again.write("c", "begun")
    assert again.done("a") is not None
    assert not again.begun("b")
    again.close()
    third = Ledger(tmp_path / "ledger.jsonl")
    assert third.begun("c")
    third.close()
