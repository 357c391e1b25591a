"""What happens in a clip, against clips of which that is known."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from game_music_maker.studio.footage import MediaInfo, VideoMap
from game_music_maker.studio.picture import analyse as module
from game_music_maker.studio.picture.analyse import analyse, every_frame
from game_music_maker.studio.picture.probe import probe
from game_music_maker.studio.picture.quick import quick_look

SCENES = ["test", "sunset", "pan", "cells", "cave", "fractal", "bars", "turn", "life", "plasma"]
LENGTHS = [2.0, 1.4, 3.0, 1.6, 2.4, 2.2, 1.2, 3.2, 1.8, 2.0]
CUTS = [float(t) for t in np.cumsum(LENGTHS)[:-1]]
JUMPS = [2.0 + 1.4 + 320 / 90]
"""Cuts inside a scene: where the panning picture starts over."""
ENCODERS = {
    "x264": ("-c:v", "libx264", "-preset", "veryfast"),
    "fixed-groups": ("-c:v", "libx264", "-preset", "veryfast", "-g", "60", "-sc_threshold", "0"),
    "no-scene-cuts": ("-c:v", "libx264", "-preset", "ultrafast"),
}


def _tell(_share: float, _stage: str) -> None:
    return None


def _cuts(found: VideoMap) -> list[float]:
    return [cut.t for cut in found.cuts if cut.kind == "cut"]


def _score(found: list[float], wanted: list[float], within: float) -> tuple[float, float]:
    """Precision and recall; jumps inside a scene count neither way."""
    counted = [t for t in found if all(abs(t - jump) > 0.1 for jump in JUMPS)]
    right = [t for t in counted if any(abs(t - cut) <= within for cut in wanted)]
    met = [cut for cut in wanted if any(abs(t - cut) <= within for t in found)]
    return len(right) / max(1, len(counted)), len(met) / len(wanted)


@pytest.mark.parametrize("name", list(ENCODERS))
def test_the_accurate_look_finds_every_cut_on_its_frame(media: Any, name: str) -> None:
    clip = media.clip(SCENES, LENGTHS, video=(*ENCODERS[name], "-pix_fmt", "yuv420p"), sound=None)
    found = analyse(clip, probe(clip), accurate=True)
    precision, recall = _score(_cuts(found), CUTS, 1 / 30 + 1e-3)
    assert (precision, recall) >= (0.95, 0.95)
    assert found.look == "accurate"
    assert len(found.scenes) >= len(SCENES) - 1


@pytest.mark.parametrize("name", list(ENCODERS))
def test_the_quick_look_is_right_in_what_it_says(media: Any, name: str) -> None:
    clip = media.clip(SCENES, LENGTHS, video=(*ENCODERS[name], "-pix_fmt", "yuv420p"), sound=None)
    seen = quick_look(clip, probe(clip), _tell)
    assert seen.look == "quick"
    precision, recall = _score([f.t for f in seen.found if f.kind == "cut"], CUTS, 0.05)
    assert precision >= 0.9
    assert recall >= 0.6


def test_the_quick_look_decodes_few_frames_of_a_large_clip(media: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from game_music_maker.studio.picture import quick

    monkeypatch.setattr(quick, "BUDGET_PIXELS", 0.0)
    clip = media.clip(SCENES, LENGTHS, video=(*ENCODERS["x264"], "-pix_fmt", "yuv420p"), sound=None)
    info = probe(clip)
    seen = quick_look(clip, info, _tell)
    decoded, whole = (int(word) for word in seen.notes[0].split() if word.isdigit())
    assert whole == round(sum(LENGTHS) * 30)
    assert decoded <= 0.07 * whole + 30


def test_the_quick_look_takes_clips_with_any_number_of_groups(media: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from game_music_maker.studio.picture import quick

    monkeypatch.setattr(quick, "KEY_SHARE", 1.0)
    monkeypatch.setattr(quick, "BUDGET_PIXELS", 0.0)
    clip = media.clip(["cells"], 20, sound=None, video=("-c:v", "libx264", "-preset", "ultrafast", "-g", "2"))
    seen = quick_look(clip, probe(clip), _tell)
    assert "300 of 600" in seen.notes[0]


def test_large_clips_get_the_quick_look_and_small_ones_every_frame(media: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = media.clip(["test", "red"], 2, sound=None)
    assert analyse(clip, probe(clip)).look == "accurate"
    monkeypatch.setattr(module, "SMALL_PIXELS", 0.0)
    assert analyse(clip, probe(clip)).look == "quick"


def test_flashes_and_fast_turns_are_not_cuts(media: Any) -> None:
    clip = media.clip(["flash", "turn"], [5.0, 4.0], sound=None)
    found = analyse(clip, probe(clip), accurate=True)
    assert _cuts(found) == pytest.approx([5.0], abs=0.04)
    flashes = [cut for cut in found.cuts if cut.kind == "flash"]
    assert len(flashes) >= 2
    assert all(cut.w == 0.25 for cut in flashes)


def test_an_explosion_is_no_cut(media: Any) -> None:
    blast = "eq=brightness='0.7*exp(-4*mod(t+0.7,2.1))':eval=frame"
    clip = media.clip(["life", "cave"], [5.0, 2.0], sound=None, filters=blast)
    found = analyse(clip, probe(clip), accurate=True)
    assert _cuts(found) == pytest.approx([5.0], abs=0.04)
    assert [cut.t for cut in found.cuts if cut.kind == "flash"] == pytest.approx([1.4, 3.5, 5.6], abs=0.04)
    seen = quick_look(clip, probe(clip), _tell)
    assert [f.t for f in seen.found if f.kind == "cut"] == pytest.approx([5.0], abs=0.05)


def test_key_frames_that_are_due_anyway_are_no_signs_of_a_cut() -> None:
    from game_music_maker.studio.picture.suspects import _irregular

    key = np.zeros(1239, dtype=bool)
    key[[0, 217, 240, 273, 480, 516, 579, 658, 701, 720, 763, 779, 892, 960, 1076, 1200]] = True
    assert np.flatnonzero(_irregular(key)).tolist() == [217, 273, 516, 579, 658, 701, 763, 779, 892, 1076]


def test_a_slow_fade_has_no_cut_in_it(media: Any) -> None:
    clip = media.clip(["grey"], 4, sound=None, filters="fade=t=out:st=0.5:d=3")
    assert _cuts(analyse(clip, probe(clip), accurate=True)) == []


def test_a_variable_rate_clip_has_its_cut_at_the_right_second(media: Any) -> None:
    clip = media.clip(
        ["red", "test"], 2, filters="select='not(mod(n,3))+gt(n,90)'", after=("-fps_mode", "vfr"), sound=None
    )
    assert _cuts(analyse(clip, probe(clip), accurate=True)) == pytest.approx([2.0], abs=0.05)


def test_motion_brightness_and_colour_over_time(media: Any) -> None:
    clip = media.clip(["black", "turn", "grey"], 3, sound=None)
    found = analyse(clip, probe(clip), accurate=True)
    assert len(found.flow) == len(found.luma) == pytest.approx(90, abs=1)
    flow, luma = np.array(found.flow), np.array(found.luma)
    assert flow[40:55].mean() > 0.6 > 0.2 > flow[5:25].mean()
    assert luma[5:25].max() < 0.05
    assert luma[70:85] == pytest.approx(np.full(15, 0.25), abs=0.05)
    assert 0 <= flow.min() <= flow.max() <= 1


def test_the_quick_looks_motion_follows_the_picture(media: Any) -> None:
    clip = media.clip(["grey", "turn", "grey"], 3, sound=None)
    seen = quick_look(clip, probe(clip), _tell)
    moving = (seen.times > 3.3) & (seen.times < 5.7)
    still = (seen.times > 0.5) & (seen.times < 2.5)
    assert np.median(seen.motion[moving]) > np.median(seen.motion[still]) + 1


def test_events_are_250_ms_apart_and_the_heavier_stays(media: Any) -> None:
    clip = media.clip(["black", "red"], 3, sound="bursts")
    found = analyse(clip, probe(clip))
    times = [cut.t for cut in found.cuts]
    assert times == sorted(times)
    assert all(b - a >= 0.25 for a, b in pairwise(times))
    at_cut = [cut for cut in found.cuts if abs(cut.t - 3) < 0.3]
    assert [cut.kind for cut in at_cut] == ["cut"]


def test_loud_effects_and_edges_after_silence_are_heard(media: Any) -> None:
    clip = media.clip(["black"], 9, sound="bursts")
    found = analyse(clip, probe(clip))
    starts = [start for start, _ in found.loud]
    assert starts == pytest.approx([0, 3, 6], abs=0.35)
    assert {cut.kind for cut in found.cuts} & {"silence", "hit"}
    assert any(abs(cut.t - 3) < 0.2 for cut in found.cuts)


def test_syllables_sound_like_speech_and_a_steady_tone_does_not(media: Any) -> None:
    talk = media.clip(["black"], 12, sound="syllables")
    spans = analyse(talk, probe(talk)).speech
    assert len(spans) == 2
    for (start, end), wanted in zip(spans, (0.0, 6.0), strict=True):
        assert start == pytest.approx(wanted, abs=0.8)
        assert end == pytest.approx(wanted + 3, abs=0.8)
    for sound in ("stereo", "noise", "bursts"):
        other = media.clip(["black"], 9, sound=sound)
        assert analyse(other, probe(other)).speech == ()


def test_loudness_is_in_lufs(media: Any) -> None:
    clip = media.clip(["black"], 5, sound="tone")
    found = analyse(clip, probe(clip))
    assert len(found.loudness) == pytest.approx(50, abs=2)
    # FFmpeg's sine has a peak of 1/8: −21.1 dB RMS, which BS.1770 reads as about −21.8 LUFS at 440 Hz.
    assert np.median(found.loudness) == pytest.approx(-21.8, abs=0.7)


def test_sound_alone_and_stills(media: Any) -> None:
    song = media.derived(media.clip(["black"], 6, sound="bursts"), "-vn", suffix="wav")
    found = analyse(song, probe(song))
    assert found.look == "none"
    assert found.loud
    still = media.derived(media.clip(["test"], 1), "-frames:v", "1", suffix="png")
    assert analyse(still, probe(still)).cuts == ()


def test_a_look_can_be_stopped(media: Any) -> None:
    clip = media.clip(["test"], 4)

    def stop(share: float, _stage: str) -> None:
        if share > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyse(clip, probe(clip), accurate=True, progress=stop)


def test_memory_of_the_accurate_look_holds_few_pictures(media: Any) -> None:
    clip: Path = media.clip(SCENES, LENGTHS, video=(*ENCODERS["x264"], "-pix_fmt", "yuv420p"), sound=None)
    info: MediaInfo = probe(clip)
    import tracemalloc

    tracemalloc.start()
    every_frame(clip, info, _tell)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60e6
