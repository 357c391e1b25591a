"""Music under an untouched picture: the picture's packets stay bit by bit, the sound is right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from game_music_maker.errors import Cancelled, NotFound, NothingToExport, RenderFailed
from game_music_maker.studio.picture import mux, packets
from game_music_maker.studio.picture.probe import probe
from game_music_maker.studio.timeline import Clip


def _music(media: Any) -> Path:
    found: Path = media.derived(media.clip(["black"], 12, sound="stereo"), "-vn", suffix="wav")
    return found


def _score(ms: float, **more: Any) -> list[Clip]:
    return [Clip(asset="m", duration_ms=ms, role="score", volume=0.5, duck_db=8, **more)]


@pytest.mark.parametrize(
    ("size", "sound", "fps", "more"),
    [
        ((320, 180), "bursts", "30", {}),
        ((180, 320), "tone", "60000/1001", {}),
        ((320, 180), None, "25", {}),
        ((320, 180), "surround", "30", {}),
        ((320, 180), "odd", "30", {"filters": "select='not(mod(n,3))+gt(n,60)'", "after": ("-fps_mode", "vfr")}),
    ],
    ids=["plain", "vertical-60", "no-sound", "surround", "variable-rate"],
)  # fmt: skip
def test_packets_are_bit_identical_and_the_sound_fits(
    media: Any, make: Any, size: tuple[int, int], sound: str | None, fps: str, more: dict[str, Any]
) -> None:
    clip = media.clip(["test", "life"], 3, size=size, sound=sound, fps=fps, **more)
    length = probe(clip).duration_s
    done = make(
        {"c": clip, "m": _music(media)}, video=[Clip(asset="c", duration_ms=length * 1000)], audio=_score(length * 1000)
    )
    (before, *_), _ = packets.read(clip)
    (after, heard), _ = packets.read(done.path)
    assert after.crc.tolist() == before.crc.tolist()
    assert after.seconds == pytest.approx(before.seconds, abs=1e-4)
    frame = 1 / 25
    assert heard.end_s == pytest.approx(after.end_s, abs=frame)
    assert done.duration_s == pytest.approx(length, abs=0.002)
    assert (done.width, done.height) == size
    assert done.loudness["integrated_lufs"] == pytest.approx(-14, abs=0.5)
    assert done.loudness["true_peak_dbtp"] <= -1.0
    assert done.notes == ("The picture was copied, not encoded again.",)
    data = Path(done.path).read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (done.size, done.sha256)
    assert data.index(b"moov") < data.index(b"mdat")


def test_what_is_reported_is_what_a_second_measurement_says(media: Any, make: Any) -> None:
    from game_music_maker.studio.sound.loudness import measure

    clip = media.clip(["test"], 6, sound="bursts")
    done = make({"c": clip, "m": _music(media)}, video=[Clip(asset="c", duration_ms=6000)], audio=_score(6000))
    wav = media.derived(Path(done.path), "-vn", "-c:a", "pcm_f32le", suffix="wav")
    again = measure(wav)
    assert again.integrated_lufs == pytest.approx(done.loudness["integrated_lufs"], abs=0.2)
    assert again.true_peak_dbtp == pytest.approx(done.loudness["true_peak_dbtp"], abs=0.3)


def test_a_loop_is_quieter(media: Any, make: Any) -> None:
    done = make({"m": _music(media)}, audio=_score(6000), format="wav", loop=True)
    assert done.loudness["integrated_lufs"] == pytest.approx(-16, abs=0.5)


def test_rotation_in_the_header_survives_and_a_quarter_turn_is_a_line_there(
    media: Any, make: Any, ffmpeg: Any, tmp_path: Path
) -> None:
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation:v:0", "-90", "-i", media.clip(["test"], 2), "-c", "copy", turned)
    kept = make({"c": turned}, video=[Clip(asset="c", duration_ms=2000)])
    assert (kept.width, kept.height) == (180, 320)
    assert probe(kept.path).video.rotation == 90  # type: ignore[union-attr]
    more = make({"c": turned}, video=[Clip(asset="c", duration_ms=2000, rotate=90)])
    assert (more.width, more.height) == (320, 180)
    assert probe(more.path).video.rotation == 180  # type: ignore[union-attr]
    assert packets.read(more.path)[0][0].crc.tolist() == packets.read(turned)[0][0].crc.tolist()


def test_colour_tags_survive(media: Any, make: Any) -> None:
    tags = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
    clip = media.clip(["test"], 2, after=tags)
    before = probe(clip).video
    assert before is not None
    assert "bt709" in before.color
    copied = make({"c": clip}, video=[Clip(asset="c", duration_ms=2000)])
    encoded = make({"c": clip}, video=[Clip(asset="c", duration_ms=2000)], width=240, height=240, fit="crop")
    for done in (copied, encoded):
        after = probe(done.path).video
        assert after is not None
        assert after.color == before.color


def test_no_metadata_of_the_clip_goes_along(media: Any, make: Any) -> None:
    clip = media.clip(
        ["test"], 1, after=("-metadata", "comment=recorded by Jane in room 7", "-metadata", "location=+1+2/")
    )
    assert b"room 7" in clip.read_bytes()
    done = make({"c": clip}, video=[Clip(asset="c", duration_ms=1000)], title="Dungeon")
    data = Path(done.path).read_bytes()
    assert b"room 7" not in data
    assert b"Dungeon" in data


def test_silence_is_not_blown_up(media: Any, make: Any) -> None:
    clip = media.clip(["test"], 2, sound="silence")
    done = make({"c": clip}, video=[Clip(asset="c", duration_ms=2000)])
    assert done.loudness is None or done.loudness["integrated_lufs"] <= -69


def test_a_muted_clip_without_music_has_no_sound(media: Any, make: Any) -> None:
    done = make({"c": media.clip(["test"], 2)}, video=[Clip(asset="c", duration_ms=2000, volume=0)])
    assert done.loudness is None
    assert [s.media for s in packets.read(done.path)[0]] == ["video"]


def test_progress_is_told_in_order_and_cancel_ends_it(media: Any, make: Any) -> None:
    clip = media.clip(["test"], 6)
    told: list[tuple[float, str]] = []
    timeline = {"video": [Clip(asset="c", duration_ms=6000)], "audio": _score(6000)}
    make({"c": clip, "m": _music(media)}, progress=lambda share, stage: told.append((share, stage)), **timeline)
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert {"sound", "write", "check"} <= {stage for _, stage in told}

    def stop(share: float, _stage: str) -> None:
        if share > 0.3:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        make({"c": clip, "m": _music(media)}, progress=stop, **timeline)


def test_an_empty_timeline_an_unknown_format_and_a_lost_asset(media: Any, make: Any) -> None:
    clip = media.clip(["test"], 1)
    with pytest.raises(NothingToExport):
        make({"c": clip})
    with pytest.raises(RenderFailed, match="format"):
        make({"c": clip}, video=[Clip(asset="c", duration_ms=1000)], format="exe")
    with pytest.raises(NotFound):
        make({"c": clip}, video=[Clip(asset="gone", duration_ms=1000)])


def test_the_encoded_sound_is_corrected_until_it_holds() -> None:
    def levels(integrated: float, peak: float) -> mux.Levels:
        return mux.Levels(integrated, 3.0, peak)

    assert mux._correction(levels(-14.1, -1.4), [], -14.0, -1.6) == (0.0, [])
    assert mux._correction(levels(-15.0, -3.5), [], -14.0, -1.6) == (pytest.approx(1.0), [])
    assert mux._correction(levels(-70.0, float("-inf")), [], -14.0, -1.6) == (0.0, [])
    louder, [place] = mux._correction(levels(-15.0, -0.4), [(7.3, -0.4)], -14.0, -1.6)
    assert louder == pytest.approx(1.0)
    assert place.first_s < 7.2 < 7.3 < place.last_s < 7.5
    assert 0.6 <= place.db < 1.5
    assert mux._correction(levels(-14.0, -0.4), [], -14.0, -1.6)[1][0].last_s == float("inf")


def test_only_where_the_encoder_overshot_the_sound_gets_softer(tmp_path: Path) -> None:
    """Clicks on a quiet bed: those that come out of the encoder too high go down, the others stay where they are."""
    corrections: list[list[mux.Lower]] = []

    class Clicks:
        """Bursts of noise at full scale in seconds 1 and 3; what is asked for is done."""

        def __init__(self) -> None:
            rng = np.random.default_rng(3)
            self.sound = 0.05 * rng.standard_normal((5 * 48_000, 2)).astype(np.float32)
            for second, level in ((1, 0.97), (3, 0.3)):
                noise = rng.uniform(-level, level, (2_000, 2)).astype(np.float32)
                self.sound[second * 48_000 : second * 48_000 + 2_000] = noise

        def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
            yield 0, self.sound

        def correct(self, louder_db: float, lower: Sequence[mux.Lower]) -> None:
            corrections.append(list(lower))
            for first, last, by in lower:
                self.sound[max(0, round(first * 48_000)) : round(last * 48_000)] *= 10 ** (-by / 20)

    levels = mux.write(tmp_path / "a.m4a", "m4a", picture=None, sound=Clicks(), seconds=5.0, target_lufs=None)
    assert levels is not None
    assert levels.true_peak_dbtp <= mux.CEILING_DBTP
    assert corrections
    assert all(0.8 < place.first_s < place.last_s < 1.4 for place in corrections[0])
