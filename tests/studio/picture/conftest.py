"""Clips for the picture's tests, made once a session; and short words for timelines and renders."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from game_music_maker.contract.render import RenderOutput
from game_music_maker.studio.footage import Asset
from game_music_maker.studio.picture.encode import Rendered, render
from game_music_maker.studio.picture.probe import probe
from game_music_maker.studio.timeline import Clip, StudioTrack, Timeline


@pytest.fixture(scope="session")
def ffmpeg() -> Callable[..., str]:
    """Runs FFmpeg and gives its standard output; a log with an error in it fails the test."""

    def run(*args: str | Path, clean: bool = True) -> str:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        assert not clean or not done.stderr, done.stderr[-2000:]
        return done.stdout

    return run


@pytest.fixture(scope="session")
def frames(ffmpeg: Callable[..., str]) -> Callable[[Path | str], list[tuple[float, str]]]:
    """Decodes every frame of a file's picture: seconds and hash of each."""

    def read(path: Path | str) -> list[tuple[float, str]]:
        out = ffmpeg("-noautorotate", "-i", path, "-map", "0:V:0", "-fps_mode", "passthrough", "-f", "framemd5", "-")
        base = 1.0
        rows: list[tuple[float, str]] = []
        for line in out.splitlines():
            if line.startswith("#tb 0:"):
                top, bottom = line.split(":")[1].split("/")
                base = int(top) / int(bottom)
            elif not line.startswith("#"):
                cells = [cell.strip() for cell in line.split(",")]
                rows.append((int(cells[2]) * base, cells[-1]))
        return rows

    return read


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Rendered]:
    """Renders a timeline given as lists of clips."""
    count = 0

    def go(
        assets: dict[str, Path],
        *,
        video: list[Clip] | None = None,
        audio: list[Clip] | None = None,
        text: list[Clip] | None = None,
        format: str = "mp4",
        quality: str = "high",
        progress: Callable[[float, str], None] | None = None,
        **meta: Any,
    ) -> Rendered:
        nonlocal count
        count += 1
        folder = tmp_path / f"job-{count}"
        folder.mkdir()
        tracks = tuple(
            StudioTrack(type=kind, segments=tuple(clips))
            for kind, clips in ((0, video), (1, audio), (7, text))
            if clips
        )
        known = {id: Asset(id=id, path=str(path), name=path.name, info=probe(path)) for id, path in assets.items()}
        wanted = RenderOutput(format=format, quality=quality)
        return render(Timeline(tracks=tracks, meta=meta), known, wanted, folder, progress=progress)

    return go
