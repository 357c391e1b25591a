"""The timeline's picture: 1,000 pixels wide, with what is there at the place where it is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from game_music_maker.studio.footage import Asset, Cut, VideoMap
from game_music_maker.studio.picture import board
from game_music_maker.studio.picture.board import peaks, timeline_picture
from game_music_maker.studio.picture.probe import probe
from game_music_maker.studio.timeline import Clip, StudioTrack, Timeline


def _draw(timeline: Timeline, assets: dict[str, Path] | None = None, **more: Any) -> np.ndarray[Any, Any]:
    known = {
        key: Asset(id=key, path=str(path), name=path.name, info=probe(path)) for key, path in (assets or {}).items()
    }
    data = timeline_picture(timeline, known, **{"scores": {}, **more})
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "PNG"
    assert picture.width == 1000
    return np.asarray(picture.convert("RGB")).astype(int)


def _track(kind: int, *clips: Clip) -> StudioTrack:
    return StudioTrack(type=kind, segments=clips)


def _is(pixels: np.ndarray[Any, Any], color: str) -> np.ndarray[Any, Any]:
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return np.asarray(np.abs(pixels - np.array(wanted)).max(axis=-1) < 8)


def test_an_empty_timeline_says_so() -> None:
    assert _draw(Timeline()).shape[0] < 250


def test_clips_cuts_hits_and_words_stand_at_their_seconds(media: Any) -> None:
    clip = media.clip(["red", "blue"], 5, sound="bursts")
    timeline = Timeline(
        tracks=(
            _track(0, Clip(asset="c", duration_ms=10_000)),
            _track(7, Clip(start_ms=2500, duration_ms=2500, text="第一关")),
            _track(1, Clip(asset="c", duration_ms=10_000, role="score", score="s")),
        )
    )
    look = VideoMap(fps=30, duration=10, cuts=(Cut(t=5, w=1),), flow=(0.1,) * 100)
    score = {
        "bpm": 120.0, "key": "D minor", "sections": [{"role": "intro", "start_s": 0}, {"role": "peak", "start_s": 5}],
        "cue_sheet": {
            "cues": [{"t": 7.5, "hit": True}, {"t": 2.5, "hit": False}, {"t": 9, "hit": False, "promised": False}],
        },
    }  # fmt: skip
    pixels = _draw(timeline, {"c": clip}, scores={"s": score}, looks={"c": look})

    def column(second: float) -> int:
        return 92 + round(892 * second / 10)

    film = pixels[90:150]
    assert film[30, column(2.0), 0] > 150 > film[30, column(2.0), 2]
    assert film[30, column(8.0), 2] > 150 > film[30, column(8.0), 0]
    cuts = np.flatnonzero(_is(film[10], board._CUT))
    assert abs(int(np.median(cuts)) - column(5)) <= 2
    hits = np.flatnonzero(_is(pixels[300:-40], board._HIT).any(axis=0))
    assert abs(int(np.median(hits)) - column(7.5)) <= 2
    missed = np.flatnonzero(_is(pixels[300:-40, 92:], board._MISS).any(axis=0))
    assert abs(int(np.median(missed)) + 92 - column(2.5)) <= 2
    assert missed.max() + 92 < column(5), "an event that is only counted is no miss"
    words = np.flatnonzero(_is(pixels, board._WORDS).any(axis=0))
    assert (words.min(), words.max()) == (pytest.approx(column(2.5), abs=3), pytest.approx(column(5), abs=3))


def test_a_waveform_follows_the_sound(media: Any) -> None:
    clip = media.clip(["black"], 9, sound="bursts")
    found = peaks(clip, 0.0, 9.0, 90)
    assert found[:4].min() > 0.1
    assert found[8:28].max() < 0.02
    assert found[30:34].min() > 0.1
    assert peaks(clip, 2.5, 2.0, 20)[6:9].min() > 0.1


def test_a_file_that_is_gone_is_an_empty_block(tmp_path: Path, media: Any) -> None:
    clip = media.clip(["red"], 1)
    gone = Asset(id="c", path=str(tmp_path / "gone.mp4"), name="gone.mp4", info=probe(clip))
    timeline = Timeline(tracks=(_track(0, Clip(asset="c", duration_ms=1000)),))
    data = timeline_picture(timeline, {"c": gone}, scores={})
    assert Image.open(io.BytesIO(data)).width == 1000


def test_odd_facts_do_not_break_it() -> None:
    score: dict[str, Any] = {
        "sections": [{}, {"role": "x" * 500, "start_s": 0}],
        "cue_sheet": {"cues": [{}, {"t": -5}]},
    }
    timeline = Timeline(
        tracks=(
            _track(1, Clip(asset="none", duration_ms=7_200_000, role="score", score="s", name="a\u202eb" * 100)),
            _track(0, Clip(duration_ms=1, visual="waveform")),
            _track(7, Clip(duration_ms=1, text="\x1b[31m" + "long " * 400)),
        ),
        meta={"title": "x" * 400, "loop": True},
    )
    assert _draw(timeline, scores={"s": score}).std() > 5, "it is drawn all the same"
