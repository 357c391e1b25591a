"""A clip's sound, decoded once for looking and for the mix."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from game_music_maker.contract.render import RenderOutput
from game_music_maker.studio import store_files
from game_music_maker.studio.footage import Asset
from game_music_maker.studio.picture import ffmpeg as door
from game_music_maker.studio.picture.analyse import analyse
from game_music_maker.studio.picture.encode import render
from game_music_maker.studio.picture.probe import probe
from game_music_maker.studio.timeline import Clip, StudioTrack, Timeline


def rendered(clip: Path, bed: Path | None, folder: Path, cut: Clip) -> np.ndarray:
    """The sound of a render of `cut`, decoded, shape (n, 2)."""
    folder.mkdir()
    asset = Asset(id="c", path=str(clip), name="clip", info=probe(clip), bed=str(bed or ""))
    made = render(
        Timeline(tracks=(StudioTrack(type=0, segments=(cut,)),)), {"c": asset}, RenderOutput(format="wav"), folder
    )
    return soundfile.read(made.path, always_2d=True)[0]


def test_what_is_kept_is_what_decoding_gives(media: Any, tmp_path: Path) -> None:
    clip = media.clip(["black"], 4, sound="odd")
    bed = tmp_path / "bed.wav"
    without, found = analyse(clip, probe(clip)), analyse(clip, probe(clip), bed=bed)
    assert found == without
    kept, rate = soundfile.read(bed, dtype="float32")
    assert rate == 48_000
    assert np.array_equal(kept, np.concatenate(list(door.read_pcm(clip))))
    assert list(tmp_path.iterdir()) == [bed]


@pytest.mark.parametrize("start_ms", [0, 1_500])
def test_a_render_sounds_the_same_with_it(media: Any, tmp_path: Path, start_ms: int) -> None:
    clip = media.clip(["black"], 4, sound="odd")
    bed = tmp_path / "bed.wav"
    analyse(clip, probe(clip), bed=bed)
    cut = Clip(asset="c", in_ms=start_ms, duration_ms=2_000)
    kept, decoded = (rendered(clip, b, tmp_path / n, cut) for b, n in ((bed, "kept"), (None, "decoded")))
    assert len(kept) == len(decoded) == 96_000
    assert np.abs(kept - decoded)[2_000:].max() < 2e-3


def test_a_bed_that_went_away_is_not_missed(media: Any, tmp_path: Path) -> None:
    clip = media.clip(["black"], 4, sound="odd")
    sound = rendered(clip, tmp_path / "gone.wav", tmp_path / "render", Clip(asset="c", duration_ms=2_000))
    assert np.abs(sound).max() > 0.1


def test_without_room_for_it_the_clip_is_heard_all_the_same(media: Any, tmp_path: Path) -> None:
    clip = media.clip(["black"], 4, sound="odd")
    found = analyse(clip, probe(clip), bed=tmp_path / "no such folder" / "bed.wav")
    assert found.loudness == analyse(clip, probe(clip)).loudness != ()


def test_the_latest_beds_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = store_files.Folders(tmp_path)
    monkeypatch.setattr(store_files, "_BEDS_BYTES", 250)
    for age, name in enumerate("cab"):
        folders.bed(name).write_bytes(b"\0" * 100)
        os.utime(folders.bed(name), (1_000 - age, 1_000 - age))
    folders.trim_beds()
    assert [name for name in "abc" if folders.bed(name).exists()] == ["a", "c"]
    folders.close()
    assert not folders.bed("a").exists()
