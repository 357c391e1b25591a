"""Only what was touched is encoded: everything around it is the clip's own packets, and decodes to the
same frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from game_music_maker.studio.picture.mp4 import read_samples
from game_music_maker.studio.picture.packets import read
from game_music_maker.studio.picture.parameters import Avc, Hevc, bits, renumber_slice
from game_music_maker.studio.picture.runs import prefix
from game_music_maker.studio.timeline import Clip

ENCODERS = {
    "b-frames": ("-c:v", "libx264", "-preset", "fast", "-bf", "3", "-g", "48"),
    "no-b-frames": ("-c:v", "libx264", "-preset", "ultrafast", "-g", "250"),
    "baseline": ("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "baseline", "-g", "60"),
    "open-groups": ("-c:v", "libx264", "-preset", "veryfast", "-x264-params", "open-gop=1:keyint=40:scenecut=0"),
    "own-number": ("-c:v", "libx264", "-preset", "veryfast", "-g", "48", "-x264-params", "sps-id=1"),
}  # fmt: skip
HEVC = {
    "closed": "open-gop=0:keyint=48",
    "open": "keyint=40:scenecut=0",
    "layers": "rc-lookahead=20:temporal-layers=3:b-adapt=0:bframes=7:b-pyramid=1:keyint=48",
    "decodable-leading": "open-gop=0:radl=2:bframes=4:keyint=48:scenecut=0",
}


def _share_equal(first: list[tuple[float, str]], second: list[tuple[float, str]]) -> list[bool]:
    return [a[1] == b[1] for a, b in zip(first, second, strict=True)]


@pytest.mark.parametrize("name", list(ENCODERS))
def test_frames_outside_a_title_are_the_sources_own(media: Any, make: Any, frames: Any, name: str) -> None:
    clip = media.clip(["test", "pan", "bars"], 3, video=(*ENCODERS[name], "-pix_fmt", "yuv420p"))
    title = Clip(
        start_ms=4000, duration_ms=1500, text="Level 1", position="center", size=0.2, fade_in_ms=200, fade_out_ms=200
    )
    done = make({"c": clip}, video=[Clip(asset="c", duration_ms=9000)], text=[title])
    before, after = frames(clip), frames(done.path)
    assert len(after) == len(before) == 270
    assert [t for t, _ in after] == pytest.approx([t for t, _ in before], abs=1e-3)
    equal = _share_equal(before, after)
    assert all(equal[:114]), "frames well before the title"
    assert not any(equal[122:164]), "frames under the title"
    next_key = (
        next(t for t in read(clip)[0][0].seconds[read(clip)[0][0].key] if t >= 5.5) if name != "open-groups" else 9
    )
    assert all(equal[round(float(next_key) * 30) :]), "frames from the next group on"
    assert sum(equal) >= 114
    assert "frames were copied" in done.notes[0]


def _hevc(name: str) -> tuple[str, ...]:
    return ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", f"log-level=none:{HEVC[name]}")


@pytest.mark.parametrize("name", list(HEVC))
def test_hevc_around_a_title_is_the_sources_own(media: Any, make: Any, frames: Any, name: str) -> None:
    clip = media.clip(["test", "pan", "bars"], 2, video=(*_hevc(name), "-pix_fmt", "yuv420p"))
    title = Clip(start_ms=2500, duration_ms=800, text="Level 1", position="center", size=0.2, fade_in_ms=200)
    done = make({"c": clip}, video=[Clip(asset="c", duration_ms=6000)], text=[title])
    before, after = frames(clip), frames(done.path)
    assert [t for t, _ in after] == pytest.approx([t for t, _ in before], abs=1e-3)
    equal = _share_equal(before, after)
    assert all(equal[:68]), "frames well before the title"
    assert not any(equal[82:99]), "frames under the title"
    assert all(equal[144:]), "frames from the group after the title on"
    assert "frames were copied" in done.notes[0]
    own = set(read(clip)[0][0].crc.tolist())
    kept = [crc in own for crc in read(done.path)[0][0].crc.tolist()]
    told = int(done.notes[0].split()[0])
    # The key picture of an open group behind the title is called BLA in its header: one packet differs in that.
    assert told - sum(kept) == (0 if name in ("closed", "decodable-leading") else 1)
    assert b"hvc1" in Path(done.path).read_bytes()


def test_pieces_of_hevc_are_joined_without_a_glitch(media: Any, make: Any, frames: Any) -> None:
    clip = media.clip(["test", "pan"], 4, video=(*_hevc("open"), "-pix_fmt", "yuv420p"))
    pieces = [
        Clip(asset="c", duration_ms=2000),
        Clip(asset="c", start_ms=2000, in_ms=4500, duration_ms=3500),
        Clip(asset="c", start_ms=5500, in_ms=4000, duration_ms=1500),
    ]
    done = make({"c": clip}, video=pieces)
    whole, after = frames(clip), frames(done.path)
    wanted = whole[:60] + whole[135:] + whole[120:165]
    assert len(after) == len(wanted)
    assert [t for t, _ in after] == pytest.approx([i / 30 for i in range(len(wanted))], abs=1e-3)
    assert sum(_share_equal(wanted, after)) >= 150


def test_a_parameter_set_under_another_number_says_the_same() -> None:
    # As x265 writes them for 320x180: video, sequence and picture parameter set.
    vps = bytes.fromhex("40010c01ffff01600000030090000003000003003c959409")
    sps = bytes.fromhex("42010101600000030090000003000003003ca00a080c1f3e595952930bc05a020000030002000003003c10")
    pps = bytes.fromhex("4401c073c189")
    head = bytes([1, 1]) + bytes(19) + b"\xff"
    own = Hevc(head, ((0xA0, (vps,)), (0xA1, (sps,)), (0xA2, (pps,))))
    other = own.renumbered(3, 2, 17)
    assert other.numbers() == {32: {3}, 33: {2}, 34: {17}}
    back = {kind: bits(other.units(kind)[0]) for kind in (32, 33, 34)}
    assert back[32][4:] == bits(vps)[4:]
    assert bits(sps)[105:].rstrip("0") == back[33][107:].rstrip("0")
    assert bits(pps)[2:].rstrip("0") == back[34][12:].rstrip("0")
    assert Hevc.read(own.joined(other).write()).numbers() == {32: {0, 3}, 33: {0, 2}, 34: {0, 17}}


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [
        # first slice of a picture that is no key picture: flag, number 0, six bits more
        ("02 01 d5 aa 00 00 03 01", "02 01 84 15 aa 00 00 03 01"),
        # key picture: one flag more; the new zero byte makes emulation prevention move
        ("26 01 a0 00 00 03 00 55", "26 01 82 00 00 03 00 00 55"),
    ],
)
def test_a_slice_refers_to_another_set_and_is_one_byte_longer(unit: str, wanted: str) -> None:
    assert renumber_slice(bytes.fromhex(unit), 15).hex(" ") == wanted


def test_a_variable_rate_keeps_its_times(media: Any, make: Any, frames: Any) -> None:
    clip = media.clip(["test"], 8, filters="select='not(mod(n,3))+gt(n,100)'", after=("-fps_mode", "vfr", "-g", "30"))
    title = Clip(start_ms=2000, duration_ms=1000, text="第一关", position="top")
    done = make({"c": clip}, video=[Clip(asset="c", duration_ms=8000)], text=[title])
    before, after = frames(clip), frames(done.path)
    assert [t for t, _ in after] == pytest.approx([t for t, _ in before], abs=1e-3)
    equal = _share_equal(before, after)
    touched = [t for (t, _), same in zip(before, equal, strict=True) if not same]
    assert min(touched) >= 1.6
    assert max(touched) < 6.2


@pytest.mark.parametrize("clock", ["600", "16000", "90000"])
def test_a_new_beginning_keeps_the_clips_own_clock(media: Any, make: Any, frames: Any, clock: str) -> None:
    """The first frames are new here, and their encoder counts in another clock than the clip's."""
    after = ("-video_track_timescale", clock, "-color_primaries", "bt709", "-color_trc", "bt709")
    clip = media.clip(["test", "pan"], 2, video=(*ENCODERS["b-frames"], "-pix_fmt", "yuv420p"), after=after)
    done = make({"c": clip}, video=[Clip(asset="c", in_ms=500, duration_ms=3500)])
    assert "frames were copied" in done.notes[0]
    before, now = frames(clip)[15:], frames(done.path)
    assert [t for t, _ in now] == pytest.approx([t - 0.5 for t, _ in before], abs=2e-3)
    assert sum(_share_equal(before, now)) >= 60
    assert done.duration_s == pytest.approx(3.5, abs=0.01)


def test_a_trim_and_a_cut_out_copy_whole_groups(media: Any, make: Any, frames: Any) -> None:
    clip = media.clip(["test", "pan"], 4, video=(*ENCODERS["b-frames"], "-pix_fmt", "yuv420p"))
    whole = frames(clip)
    trimmed = make({"c": clip}, video=[Clip(asset="c", in_ms=1300, duration_ms=5000)])
    after = frames(trimmed.path)
    assert len(after) == 150
    assert after[0][0] == pytest.approx(0, abs=1e-3)
    assert sum(_share_equal(whole[39:189], after)) >= 96
    pieces = [Clip(asset="c", duration_ms=2000), Clip(asset="c", start_ms=2000, in_ms=4500, duration_ms=3500)]
    joined = make({"c": clip}, video=pieces)
    after = frames(joined.path)
    assert len(after) == 60 + 105
    assert sum(_share_equal(whole[:60] + whole[135:], after)) >= 100
    assert joined.duration_s == pytest.approx(5.5, abs=0.02)


def test_a_turned_clip_shows_the_title_upright(media: Any, make: Any, ffmpeg: Any, tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation:v:0", "-90", "-i", media.clip(["black"], 3, sound=None), "-c", "copy", turned)
    title = Clip(start_ms=1000, duration_ms=1000, text="UP", position="top", size=0.1)
    done = make({"c": turned}, video=[Clip(asset="c", duration_ms=3000)], text=[title])
    assert (done.width, done.height) == (180, 320)
    from PIL import Image

    shot = tmp_path / "shot.png"
    ffmpeg("-ss", "1.5", "-i", done.path, "-frames:v", "1", shot)
    picture = np.asarray(Image.open(shot).convert("L"))
    assert picture.shape == (320, 180)
    rows = np.flatnonzero(picture.max(axis=1) > 200)
    assert 10 < rows.min() < rows.max() < 80


def test_the_new_groups_have_a_parameter_set_of_their_own(media: Any, make: Any) -> None:
    clip = media.clip(["test"], 6, video=(*ENCODERS["own-number"], "-pix_fmt", "yuv420p"))
    done = make(
        {"c": clip}, video=[Clip(asset="c", duration_ms=6000)], text=[Clip(start_ms=2000, duration_ms=500, text="x")]
    )
    config = read_samples(Path(done.path)).config
    assert len(config.sps) == len(config.pps) == 2
    assert config.numbers() == {1, 2}
    assert Avc.read(config.write()) == config


@pytest.mark.parametrize(
    ("pts", "good", "length"),
    [
        ([0, 3, 1, 2, 6, 4, 5], [True] * 7, 7),
        ([0, 3, 1, 2, 6, 4, 5], [True, True, True, True, True, False, True], 4),
        ([0, 3, 1, 2, 6, 4, 5], [True, True, False, True, True, True, True], 1),
        ([0, 1, 2, 3], [False, True, True, True], 0),
    ],
)
def test_only_a_beginning_that_is_complete_can_be_copied(pts: list[int], good: list[bool], length: int) -> None:
    assert prefix(np.array(pts), np.array(good)) == length


@pytest.mark.parametrize(
    ("video", "why"),
    [
        (("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p"), "h264|H.264"),
        (
            ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le"),
            "hevc in yuv420p10le",
        ),
        (("-c:v", "mpeg4"), "mpeg4"),
    ],
)
def test_what_cannot_be_joined_is_encoded_and_says_why(
    media: Any, make: Any, frames: Any, video: tuple[str, ...], why: str
) -> None:
    clip = media.clip(["test"], 3, video=video)
    done = make(
        {"c": clip}, video=[Clip(asset="c", duration_ms=3000)], text=[Clip(start_ms=1000, duration_ms=500, text="x")]
    )
    assert len(frames(done.path)) == 90
    assert "encoded as a whole" in done.notes[0]
    import re

    assert re.search(why, done.notes[0])
