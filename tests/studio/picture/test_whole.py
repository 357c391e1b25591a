"""Pictures encoded as a whole: canvas, speed, joins, stills, pictures of music, every format, words on
top."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from game_music_maker.errors import UnsupportedMedia
from game_music_maker.studio.picture.packets import read
from game_music_maker.studio.picture.probe import probe
from game_music_maker.studio.timeline import Clip


@pytest.fixture
def look(ffmpeg: Any, tmp_path: Path) -> Any:
    """One frame of a file as an array (height, width, 3), 0–1, as a player shows it."""

    def at(path: str | Path, second: float) -> NDArray[np.float64]:
        out = tmp_path / "look.png"
        ffmpeg("-ss", f"{second:.3f}", "-i", path, "-frames:v", "1", out)
        return np.asarray(Image.open(out).convert("RGB")) / 255.0

    return at


def _music(media: Any) -> Path:
    found: Path = media.derived(media.clip(["black"], 8, sound="stereo"), "-vn", suffix="wav")
    return found


RED, BLUE = (0.75, 0.13, 0.13), (0.13, 0.13, 0.75)


def _near(found: NDArray[np.float64], color: tuple[float, float, float]) -> bool:
    return bool(np.abs(found - np.array(color)).max() < 0.06)


@pytest.mark.parametrize(
    ("format", "codec", "sound"),
    [
        ("mp4", "h264", "aac"), ("mov", "h264", "aac"), ("webm", "vp9", "opus"), ("gif", "gif", None),
        ("wav", None, "pcm_s24le"), ("flac", None, "flac"), ("mp3", None, "mp3"), ("m4a", None, "aac"),
        ("ogg", None, "vorbis"),
    ],
)  # fmt: skip
def test_every_format_is_whole_from_first_to_last(
    media: Any, make: Any, ffmpeg: Any, format: str, codec: str | None, sound: str | None
) -> None:
    clip = media.clip(["test", "red"], 2)
    score = [Clip(asset="m", duration_ms=4000, role="score")]
    video = [Clip(asset="c", duration_ms=4000)]
    done = make(
        {"c": clip, "m": _music(media)}, video=video, audio=score, format=format, width=240, height=240, fit="fit"
    )
    assert Path(done.path).suffix == f".{format}"
    ffmpeg("-xerror", "-i", done.path, "-f", "null", "-")
    tags = ffmpeg("-i", done.path, "-f", "ffmetadata", "-").splitlines()
    if format == "ogg":  # its tags belong to the stream
        tags = ffmpeg("-i", done.path, "-map_metadata", "0:s:0", "-f", "ffmetadata", "-").splitlines()
    assert (f"title={_music(media).name}" in tags) == (format != "gif")
    streams, _ = read(done.path)
    assert {s.media: s.codec for s in streams} == {k: v for k, v in (("video", codec), ("audio", sound)) if v}
    assert done.duration_s == pytest.approx(4, abs=0.08)
    if sound:
        assert done.loudness["integrated_lufs"] == pytest.approx(-14, abs=0.5)
        assert done.loudness["true_peak_dbtp"] <= -1.0
    if codec:
        assert (done.width, done.height) == (240, 240)
    if codec == "h264":
        found = probe(done.path).video
        assert found is not None
        assert (found.profile, found.pix_fmt) == ("High", "yuv420p")


@pytest.mark.parametrize(("fit", "edge"), [("crop", True), ("fit", False), ("blur", True)])
def test_how_a_wide_clip_meets_a_tall_canvas(media: Any, make: Any, look: Any, fit: str, edge: bool) -> None:
    clip = media.clip(["red"], 1, sound=None)
    done = make({"c": clip}, video=[Clip(asset="c", duration_ms=1000)], width=180, height=320, fit=fit)
    assert (done.width, done.height) == (180, 320)
    picture = look(done.path, 0.5)
    assert _near(picture[160, 90], RED)
    assert (picture[20, 90, 0] > 0.4) == edge
    assert "aspect" in done.notes[0]


def test_sound_that_cannot_be_read_ends_the_picture_beside_it(media: Any, make: Any, tmp_path: Path) -> None:
    song = tmp_path / "song.mp3"
    song.write_bytes(media.derived(_music(media), suffix="mp3").read_bytes())
    told: list[float] = []

    def lose(share: float, _stage: str) -> None:
        if not told:
            song.write_bytes(b"ID3" + bytes(2000))
        told.append(share)

    known = {"c": media.clip(["test"], 6, size=(640, 360), sound=None), "m": song}
    video, audio = [Clip(asset="c", duration_ms=6000)], [Clip(asset="m", duration_ms=6000)]
    with pytest.raises(UnsupportedMedia, match="sound could not be read"):
        make(known, video=video, audio=audio, width=720, height=1280, fit="blur", progress=lose)
    assert max(told) < 0.8


def test_large_clips_are_made_to_fit_and_drafts_small(media: Any, make: Any) -> None:
    clip = media.clip(["red"], 0.5, size=(1280, 720), sound=None)
    video = [Clip(asset="c", duration_ms=500, speed=1.0)]
    assert make({"c": clip}, video=video, width=3000, height=3000).width == 1080
    assert make({"c": clip}, video=video, quality="draft").width == 960


def test_twice_as_fast_is_half_as_long(media: Any, make: Any, look: Any) -> None:
    clip = media.clip(["red", "blue"], 2)
    done = make({"c": clip}, video=[Clip(asset="c", duration_ms=2000, speed=2)])
    assert done.duration_s == pytest.approx(2, abs=0.04)
    assert _near(look(done.path, 0.8)[90, 160], RED)
    assert _near(look(done.path, 1.2)[90, 160], BLUE)
    picture, sound = read(done.path)[0]
    assert sound.end_s == pytest.approx(picture.end_s, abs=0.034)


@pytest.mark.parametrize("way", ["copy", "title", "title in matroska", "trim", "crop", "slower"])
def test_a_picture_that_begins_later_than_its_sound_stays_in_step(
    media: Any, make: Any, look: Any, ffmpeg: Any, tmp_path: Path, way: str
) -> None:
    clip = media.clip(["red", "blue"], 2, after=["-g", "15"])
    late = tmp_path / ("late.mkv" if "matroska" in way else "late.mp4")
    ffmpeg("-itsoffset", "0.5", "-i", clip, "-i", clip, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    speed, start = (0.5 if way == "slower" else 1), (1000 if way == "trim" else 0)
    video = [Clip(asset="c", in_ms=start, duration_ms=(4500 - start) / speed, speed=speed)]
    text = [Clip(text="Hi", start_ms=200, duration_ms=300)] if "title" in way else []
    shape = {"width": 180, "height": 180, "fit": "crop"} if way == "crop" else {}
    done = make({"c": late}, video=video, text=text, **shape)
    turn = (2.5 - start / 1000) / speed
    height = 90
    assert _near(look(done.path, turn - 0.1)[height - 30, 20], RED)
    assert _near(look(done.path, turn + 0.1)[height - 30, 20], BLUE)
    if way != "copy":
        assert _near(look(done.path, 0.0)[height - 30, 20], RED)


def test_clips_joined_with_a_cut_a_cross_fade_and_a_gap(media: Any, make: Any, look: Any) -> None:
    red, blue = media.clip(["red"], 2), media.clip(["blue"], 2, size=(180, 320), fps="25")
    cut = make(
        {"r": red, "b": blue},
        video=[Clip(asset="r", duration_ms=2000), Clip(asset="b", start_ms=2000, duration_ms=2000)],
    )
    assert cut.duration_s == pytest.approx(4, abs=0.04)
    assert _near(look(cut.path, 1.9)[90, 160], RED)
    assert _near(look(cut.path, 2.1)[90, 160], BLUE)
    faded = [Clip(asset="r", duration_ms=2000), Clip(asset="b", start_ms=1500, duration_ms=2000, transition_ms=500)]
    fade = make({"r": red, "b": blue}, video=faded)
    assert fade.duration_s == pytest.approx(3.5, abs=0.04)
    middle = look(fade.path, 1.75)[90, 160]
    assert 0.25 < middle[0] < 0.62
    assert 0.25 < middle[2] < 0.62
    late = [Clip(asset="r", duration_ms=2000), Clip(asset="b", start_ms=2000, duration_ms=2000, transition_ms=500)]
    held = make({"r": red, "b": blue}, video=late)
    assert held.duration_s == pytest.approx(4, abs=0.04)
    assert 0.25 < look(held.path, 2.25)[90, 160][0] < 0.62
    gap = make(
        {"r": red, "b": blue},
        video=[Clip(asset="r", duration_ms=2000), Clip(asset="b", start_ms=3000, duration_ms=1000)],
    )
    assert look(gap.path, 2.5).max() < 0.05
    assert _near(look(gap.path, 3.5)[90, 160], BLUE)


def test_a_slideshow_of_stills_with_fades(media: Any, make: Any, look: Any) -> None:
    red = media.derived(media.clip(["red"], 1, sound=None), "-frames:v", "1", suffix="png")
    blue = media.derived(media.clip(["blue"], 1, sound=None), "-frames:v", "1", suffix="jpg")
    video = [
        Clip(asset="r", duration_ms=1500, still=True, fade_in_ms=500),
        Clip(asset="b", start_ms=1500, duration_ms=1500, still=True, fade_out_ms=500),
    ]
    done = make({"r": red, "b": blue, "m": _music(media)}, video=video, audio=[Clip(asset="m", duration_ms=3000)])
    assert done.duration_s == pytest.approx(3, abs=0.04)
    assert look(done.path, 0.0).max() < 0.1
    assert _near(look(done.path, 1.2)[90, 160], RED)
    assert _near(look(done.path, 1.8)[90, 160], BLUE)
    assert look(done.path, 2.96).max() < 0.15


def test_a_slideshow_with_an_animation_in_it_fades_smoothly(media: Any, make: Any) -> None:
    still = media.derived(media.clip(["red"], 1, sound=None), "-frames:v", "1", suffix="png")
    moving = media.derived(media.clip(["test"], 2, sound=None), "-r", "5", "-t", "1", suffix="gif")
    video = [
        Clip(asset="r", duration_ms=1000, still=True),
        Clip(asset="g", start_ms=600, duration_ms=1000, transition_ms=400),
    ]
    done = make({"r": still, "g": moving}, video=video, width=160, height=90)
    assert len(read(done.path)[0][0].size) == pytest.approx(1.6 * 30, abs=1)


@pytest.mark.parametrize(("visual", "format"), [("waveform", "mp4"), ("spectrum", "mp4"), ("waveform", "gif")])
def test_music_without_footage_moves(media: Any, make: Any, look: Any, visual: str, format: str) -> None:
    tone = media.derived(media.clip(["black"], 4, sound="syllables"), "-vn", suffix="wav")
    video = [Clip(duration_ms=3000, visual=visual)]
    heard = [Clip(asset="m", duration_ms=3000)]
    done = make({"m": tone}, video=video, audio=heard, width=320, height=180, format=format)
    first, later = look(done.path, 0.6), look(done.path, 1.0)
    assert first.max() > 0.4
    assert np.abs(first - later).max() > 0.3


def test_black_bars_go_and_turns_are_kept(media: Any, make: Any, look: Any) -> None:
    barred = media.clip(["red"], 1, sound=None, filters="pad=320:240:0:30:black")
    done = make({"c": barred}, video=[Clip(asset="c", duration_ms=1000, crop=(0, 30, 0, 30), rotate=90)])
    assert (done.width, done.height) == (180, 320)
    assert _near(look(done.path, 0.5)[3, 3], RED)


def test_words_show_in_their_span_only(media: Any, make: Any, look: Any) -> None:
    clip = media.clip(["black"], 3, sound=None, fps="10")
    words = [Clip(start_ms=1000, duration_ms=1000, text="Level 1", position="bottom", size=0.2, color="#00ff00")]
    done = make({"c": clip}, video=[Clip(asset="c", duration_ms=3000, speed=1)], text=words, width=200, height=200)
    assert look(done.path, 0.9).max() < 0.1
    assert look(done.path, 2.0).max() < 0.1
    for second in (1.0, 1.9):
        picture = look(done.path, second)
        green = (picture[..., 1] > 0.7) & (picture[..., 0] < 0.3)
        assert green.sum() > 50
        assert np.flatnonzero(green.any(axis=1)).min() > 120


def test_words_are_never_read_as_commands(media: Any, make: Any, look: Any) -> None:
    clip = media.clip(["black"], 1, sound=None)
    nasty = "'];movie=/etc/passwd[x];%{pts}\\:$(id) [in]drawtext=text=x,:'"
    done = make(
        {"c": clip},
        video=[Clip(asset="c", duration_ms=1000)],
        text=[Clip(duration_ms=1000, text=nasty)],
        width=320,
        height=320,
    )
    assert look(done.path, 0.5).max() > 0.5


def test_a_clip_asked_for_longer_than_it_is_holds_its_last_picture(media: Any, make: Any, look: Any) -> None:
    clip = media.clip(["red"], 2)
    done = make({"c": clip}, video=[Clip(asset="c", duration_ms=3000)], width=200, height=200)
    assert done.duration_s == pytest.approx(3, abs=0.04)
    assert _near(look(done.path, 2.8)[100, 100], RED)
    trimmed = make({"c": clip}, video=[Clip(asset="c", in_ms=500, duration_ms=5000)])
    assert trimmed.duration_s == pytest.approx(5, abs=0.04)
    assert "longer than the clip" in trimmed.notes[-1]


def test_hevc_is_copied_with_the_tag_that_players_ask_for(media: Any, make: Any) -> None:
    clip = media.clip(["test"], 2, video=("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"))
    done = make({"c": clip}, video=[Clip(asset="c", duration_ms=2000)])
    assert read(done.path)[0][0].crc.tolist() == read(clip)[0][0].crc.tolist()
    assert b"hvc1" in Path(done.path).read_bytes()
