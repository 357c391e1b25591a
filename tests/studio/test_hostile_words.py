"""Words from users on their way to FFmpeg: none is ever part of an option, a filter or a path."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import RunningStudio
from media import Media

from game_music_maker.contract import routes
from game_music_maker.studio.picture.ffmpeg import executable

MARK = "zqxj"
HOSTILE = f"{MARK}':drawtext=text=%{{pts}}[v];movie=/etc/passwd,sendcmd\\:\n-f lavfi -i {MARK}\x00\x1b[2J\u202e"


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[str]]]:
    """The arguments of each FFmpeg that a studio starts from now on."""
    folder = tmp_path / "calls"
    folder.mkdir()
    taker = tmp_path / "taker.py"
    taker.write_text(
        "import os, sys\n"
        f"with open({str(folder)!r} + f'/{{os.getpid()}}', 'wb') as out:\n"
        "    out.write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))\n"
        f"os.execv({executable()!r}, sys.argv)\n"
    )
    note = tmp_path / "ffmpeg"
    # by way of a shell: the first line of a script takes no path with a space
    note.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -IS {shlex.quote(str(taker))} "$@"\n')
    note.chmod(note.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(note))
    return lambda: [os.fsdecode(path.read_bytes()).split("\0") for path in folder.iterdir()]


@pytest.mark.skipif(os.name == "nt", reason="a script that stands in for a program")
@pytest.mark.parametrize("output", ["mp4", "webm", "gif"])
def test_words_of_users_are_drawn_and_never_part_of_an_option_or_a_filter(
    calls: Callable[[], list[list[str]]],
    start_studio: Callable[..., RunningStudio],
    media: Media,
    tmp_path: Path,
    output: str,
) -> None:
    clip = media.clip(["test"], seconds=1, size=(160, 90), sound=None)
    renamed = tmp_path / f"{MARK}':drawtext=%{{pts}}[v],;.mp4"
    renamed.write_bytes(clip.read_bytes())
    studio = start_studio()
    session = studio.http.post(routes.NEW_SESSION, json={}).json()["data"]["session_id"]
    files = [("files", (renamed.name, renamed.read_bytes()))]
    assert studio.http.post(routes.UPLOAD.format(session_id=session), files=files).json()["data"]["files"]
    message = {"parts": [{"text": f'add a title saying "{MARK} words"'}]}
    studio.http.post(routes.RUN_SSE, json={"session_id": session, "new_message": message})
    draft = studio.http.get(routes.STATE.format(session_id=session)).json()["data"]["state"]["draft"]
    texts = [clip for track in draft["t"] if track["tt"] == 7 for clip in track["sg"]]
    assert texts, draft
    for text in texts:
        text |= {"x": HOSTILE, "n": HOSTILE}
    draft["m"] = {**draft.get("m", {}), "title": HOSTILE}
    order = {"id": "r1", "sessionId": session, "draft": draft, "output": {"format": output}}
    answer = studio.http.post(routes.RENDER, json=order)
    assert answer.status_code == 200, answer.text
    ended = answer.json()["data"]
    while ended["status"] not in ("completed", "failed"):
        ended = studio.http.get(routes.RENDER_STATUS.format(render_id="r1")).json()["data"]
    assert ended["status"] == "completed", ended
    seen = calls()
    assert any(str(argument).endswith(f".{output}") for call in seen for argument in call)
    for call in seen:
        for before, argument in zip(["", *call], call, strict=False):
            if MARK in argument:  # the file's own tag: one value that FFmpeg does not parse
                assert before == "-metadata", call
                assert argument.startswith("title="), call
                assert argument.isprintable(), call
