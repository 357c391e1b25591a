"""The sound under a picture: loudness, ducking, every kind of input, bounded memory."""

from __future__ import annotations

import subprocess
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from game_music_maker.errors import Cancelled, UnsupportedMedia
from game_music_maker.studio.sound import loudness
from game_music_maker.studio.sound.mixdown import MixInput, MixReport, mixed

RATE = 48_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``music.wav`` (20 s of chords), ``talk.wav`` (words at 4–8 and 12–15 s over a little hiss), ``silent.wav``."""
    path = tmp_path_factory.mktemp("mixdown")
    rng = np.random.default_rng(11)
    t = np.arange(20 * RATE) / RATE
    music = sum(np.sin(2 * np.pi * hz * t + hz) for hz in (110, 220, 277.2, 329.6, 880)) * 0.08
    music = np.stack([music, np.roll(music, 300)], axis=1) * (0.8 + 0.2 * np.sin(2 * np.pi * 2 * t))[:, None]
    soundfile.write(path / "music.wav", music, RATE, subtype="FLOAT")
    voice = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 20)) * 0.15
    voice *= np.clip(np.sin(2 * np.pi * 3.5 * t), 0, 1) * 1.3  # syllables
    voice *= ((t > 4) & (t < 8)) | ((t > 12) & (t < 15))
    talk = (voice + 0.0005 * rng.standard_normal(len(t)))[:, None].repeat(2, axis=1)
    soundfile.write(path / "talk.wav", talk, RATE, subtype="FLOAT")
    soundfile.write(path / "silent.wav", np.zeros((20 * RATE, 2)), RATE)
    return path


def mixdown(inputs: Sequence[MixInput], seconds: float, out: Path, **how: Any) -> MixReport:
    with mixed(inputs, seconds, out.parent, **how) as mix:
        return mix.report(loudness.measure(mix.save(out)))


def read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def test_loudness_peak_and_length(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "mix.wav"
    inputs = [MixInput(folder / "talk.wav", 0, 20, is_original=True), MixInput(folder / "music.wav", 0, 20, duck_db=9)]
    report = mixdown(inputs, 19.517, out)
    found = loudness.measure(out)
    assert len(read(out)) == round(19.517 * RATE)
    assert found.integrated_lufs == pytest.approx(-14.0, abs=0.5)
    assert found.true_peak_dbtp <= -2.0
    assert report.loudness.integrated_lufs == pytest.approx(found.integrated_lufs, abs=0.05)
    assert not report.silent


@pytest.mark.parametrize("depth", [6.0, 12.0])
def test_music_steps_back_under_words_and_comes_back(folder: Path, tmp_path: Path, depth: float) -> None:
    music = MixInput(folder / "music.wav", 0, 20, duck_db=depth)
    talk = MixInput(folder / "talk.wav", 0, 20, is_original=True, gain_db=12)  # loud: no need to go further down
    report = mixdown([talk, music], 20, tmp_path / "ducked.wav", ceiling_dbtp=20)
    assert report.deeper_db == 0.0
    assert report.duck_db == pytest.approx(depth, abs=1.0)
    assert 6.0 < report.ducked_s < 8.5
    # Taking the words back out of the mix leaves the music as it was heard.
    gain = 10 ** (report.gain_db / 20)
    heard = read(tmp_path / "ducked.wav") / gain - read(folder / "talk.wav") * 10 ** (12 / 20)
    plain = read(folder / "music.wav")

    def down(start: float, end: float) -> float:
        cut = slice(round(start * RATE), round(end * RATE))
        return float(20 * np.log10(np.std(heard[cut]) / np.std(plain[cut])))

    assert down(1, 3.5) == pytest.approx(0, abs=0.7)
    assert down(4.0, 4.3) == pytest.approx(-depth, abs=1.0)  # down before the first word, not after it
    assert down(5, 7.5) == pytest.approx(-depth, abs=1.0)
    assert down(9.5, 11.5) == pytest.approx(0, abs=0.7)


def test_words_stand_ten_units_above_the_music_and_only_words_take_it_so_far_down(folder: Path, tmp_path: Path) -> None:
    talk = MixInput(folder / "talk.wav", 0, 20, is_original=True, gain_db=-8)
    report = mixdown(
        [talk, MixInput(folder / "music.wav", 0, 20, duck_db=6)], 20, tmp_path / "mix.wav", ceiling_dbtp=20
    )
    heard = read(tmp_path / "mix.wav") / 10 ** (report.gain_db / 20)
    words = read(folder / "talk.wav") * 10 ** (-8 / 20)
    music = heard - words

    def over(start: float, end: float) -> float:
        cut = slice(round(start * RATE), round(end * RATE))
        spoken, under = (loudness.Meter(RATE, peaks=False) for _ in range(2))
        spoken.feed(words[cut])
        under.feed(music[cut])
        return float(10 * np.log10(spoken.energies.mean() / under.energies.mean()))

    assert over(4.0, 8.0) >= 10.0
    assert over(12.0, 15.0) >= 10.0
    assert report.speech_over_lu == pytest.approx(11.5, abs=0.5)
    assert report.duck_db == pytest.approx(6.0, abs=1.0)  # what was asked for; the rest is named apart
    assert report.deeper_db > 6.0
    between = slice(round(9.5 * RATE), round(11.5 * RATE))
    assert np.std(music[between]) == pytest.approx(np.std(read(folder / "music.wav")[between]), rel=0.06)


def test_a_blow_stands_above_the_music(tmp_path: Path, folder: Path) -> None:
    blow = np.random.default_rng(2).standard_normal((20 * RATE, 2)) * 0.0005
    blow[10 * RATE : 11 * RATE] *= 120 * np.exp(-np.arange(RATE) / 9_000)[:, None]
    soundfile.write(tmp_path / "blow.wav", blow, RATE, subtype="FLOAT")
    inputs = [
        MixInput(tmp_path / "blow.wav", 0, 20, is_original=True),
        MixInput(folder / "music.wav", 0, 20, duck_db=2),
    ]
    report = mixdown(inputs, 20, tmp_path / "out.wav", ceiling_dbtp=20)
    music = read(tmp_path / "out.wav") / 10 ** (report.gain_db / 20) - blow

    def loudest(sound: np.ndarray) -> float:
        meter = loudness.Meter(RATE, peaks=False)
        meter.feed(sound[10 * RATE : round(10.4 * RATE)])
        return float(meter.energies.max())

    assert 10 * np.log10(loudest(blow) / loudest(music)) >= 5.5
    assert report.speech_over_lu is None
    assert report.deeper_db > 3.0


def test_a_silent_original_does_not_duck(folder: Path, tmp_path: Path) -> None:
    inputs = [
        MixInput(folder / "silent.wav", 0, 20, is_original=True),
        MixInput(folder / "music.wav", 0, 20, duck_db=12),
    ]
    report = mixdown(inputs, 20, tmp_path / "out.wav")
    assert report.duck_db is None
    assert report.ducked_s == 0.0
    levels = [np.std(read(tmp_path / "out.wav")[a * RATE : (a + 4) * RATE]) for a in (1, 5, 10, 15)]
    assert max(levels) < 1.1 * min(levels)


def test_a_steady_noise_does_not_hold_the_music_down(tmp_path: Path, folder: Path) -> None:
    hum = np.random.default_rng(2).standard_normal((20 * RATE, 2)) * 0.02
    soundfile.write(tmp_path / "hum.wav", hum, RATE, subtype="FLOAT")
    inputs = [
        MixInput(tmp_path / "hum.wav", 0, 20, is_original=True),
        MixInput(folder / "music.wav", 0, 20, duck_db=12),
    ]
    assert mixdown(inputs, 20, tmp_path / "out.wav").ducked_s < 1.0


def test_an_explosion_ducks(tmp_path: Path, folder: Path) -> None:
    bang = np.random.default_rng(2).standard_normal((20 * RATE, 2)) * 0.001
    bang[10 * RATE : 11 * RATE] *= 400 * np.exp(-np.arange(RATE) / 12_000)[:, None]
    soundfile.write(tmp_path / "bang.wav", np.clip(bang, -1, 1), RATE, subtype="FLOAT")
    inputs = [
        MixInput(tmp_path / "bang.wav", 0, 20, is_original=True),
        MixInput(folder / "music.wav", 0, 20, duck_db=9),
    ]
    report = mixdown(inputs, 20, tmp_path / "out.wav")
    assert 0.4 < report.ducked_s < 3.0
    assert report.duck_db == pytest.approx(9.0, abs=1.5)


@pytest.mark.parametrize("what", ["silent original", "nothing at all"])
def test_silence_stays_silence(folder: Path, tmp_path: Path, what: str) -> None:
    inputs = [MixInput(folder / "silent.wav", 0, 3, is_original=True)] if what == "silent original" else []
    report = mixdown(inputs, 3, tmp_path / "out.wav")
    assert report.silent
    assert report.loudness.integrated_lufs == loudness.SILENCE
    assert not read(tmp_path / "out.wav").any()


@pytest.mark.parametrize(
    ("rate", "layout", "codec", "suffix"),
    [(22_050, "mono", "pcm_s16le", ".wav"), (44_100, "5.1", "aac", ".m4a"), (48_000, "mono", "flac", ".flac")],
)
def test_other_rates_and_channels(
    tmp_path: Path, folder: Path, rate: int, layout: str, codec: str, suffix: str
) -> None:
    odd = tmp_path / f"odd{suffix}"
    source = f"aevalsrc=0.2*sin(2*PI*500*t):s={rate}:d=4,aformat=channel_layouts={layout}"
    if layout == "5.1":
        source = f"aevalsrc={'|'.join(['0.2*sin(2*PI*500*t)'] * 6)}:s={rate}:d=4:c=5.1"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", source, "-c:a", codec, str(odd)]
    subprocess.run(command, check=True)
    report = mixdown([MixInput(odd, 0.5, 3, is_original=True)], 4, tmp_path / "out.wav")
    mix = read(tmp_path / "out.wav")
    assert report.loudness.integrated_lufs == pytest.approx(-14.0, abs=0.5)
    assert not mix[: round(0.45 * RATE)].any()
    assert not mix[round(3.6 * RATE) :].any()
    spectrum = np.abs(np.fft.rfft(mix[RATE : 3 * RATE, 0]))
    assert spectrum.argmax() / 2 == pytest.approx(500, abs=1)
    assert np.corrcoef(mix[RATE : 2 * RATE].T)[0, 1] > 0.99


def test_levels_fades_and_places(folder: Path, tmp_path: Path) -> None:
    inputs = [MixInput(folder / "music.wav", 2, 10, in_s=3, fade_in_s=2, fade_out_s=3)]
    report = mixdown(inputs, 14, tmp_path / "out.wav")
    heard = read(tmp_path / "out.wav") / 10 ** (report.gain_db / 20)
    plain = read(folder / "music.wav")
    assert not heard[: 2 * RATE].any()
    assert not heard[12 * RATE + 1 :].any()
    middle = slice(6 * RATE, 7 * RATE)
    assert np.abs(heard[middle] - plain[7 * RATE : 8 * RATE]).max() < 1e-3
    steps = [np.std(heard[round(t * RATE) : round((t + 0.5) * RATE)]) for t in (2.0, 2.5, 3.0, 3.5)]
    assert steps == sorted(steps)
    steps = [np.std(heard[round(t * RATE) : round((t + 0.5) * RATE)]) for t in (9.0, 10.0, 11.0, 11.5)]
    assert steps == sorted(steps, reverse=True)


def test_a_sound_that_repeats_fills_its_place(tmp_path: Path) -> None:
    t = np.arange(RATE) / RATE
    wave = (0.3 * np.sin(2 * np.pi * 100 * t))[:, None].repeat(2, axis=1)
    soundfile.write(tmp_path / "second.wav", wave, RATE, subtype="FLOAT")
    mixdown([MixInput(tmp_path / "second.wav", 0, 3.5, repeat=True)], 3.5, tmp_path / "out.wav", seamless=True)
    mix = read(tmp_path / "out.wav")
    assert np.abs(mix[: 2 * RATE] - mix[RATE : 3 * RATE]).max() < 1e-4
    assert np.std(mix[3 * RATE :]) == pytest.approx(np.std(mix[:RATE]), rel=0.05)


def test_ends_have_no_click_unless_they_are_to_be_joined(folder: Path, tmp_path: Path) -> None:
    inputs = [MixInput(folder / "music.wav", 0, 5, in_s=1.0)]
    mixdown(inputs, 5, tmp_path / "out.wav")
    mix = read(tmp_path / "out.wav")
    assert np.abs(mix[[0, -1]]).max() < 0.002
    mixdown(inputs, 5, tmp_path / "loop.wav", seamless=True)
    assert np.abs(read(tmp_path / "loop.wav")[0]).max() > 0.01


def test_memory_does_not_grow_with_length(folder: Path, tmp_path: Path) -> None:
    def peak(seconds: int) -> int:
        inputs = [
            MixInput(folder / "talk.wav", 0, seconds, is_original=True, repeat=True),
            MixInput(folder / "music.wav", 0, seconds, duck_db=9, repeat=True),
        ]
        tracemalloc.start()
        try:
            mixdown(inputs, seconds, tmp_path / "long.wav")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    short, long = peak(15), peak(150)
    assert long < short + 8_000_000  # the mix itself would add 52 MB


def test_damaged_sound_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"not a film at all" * 100)
    with pytest.raises(UnsupportedMedia):
        mixdown([MixInput(tmp_path / "bad.mp4", 0, 3, is_original=True)], 3, tmp_path / "out.wav")


def test_progress_rises_and_a_cancel_leaves_no_spool(folder: Path, tmp_path: Path) -> None:
    told: list[float] = []
    inputs = [MixInput(folder / "talk.wav", 0, 20, is_original=True), MixInput(folder / "music.wav", 0, 20)]
    mixdown(inputs, 20, tmp_path / "out.wav", progress=lambda share, stage: told.append(share))
    assert told == sorted(told)
    assert 0 <= told[0] < told[-1] <= 1

    def stop(share: float, stage: str) -> None:
        if share > 0.3:
            raise Cancelled("stopped")

    (tmp_path / "out.wav").unlink()
    with pytest.raises(Cancelled):
        mixdown(inputs, 20, tmp_path / "out.wav", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_mix_of_peaks_still_comes_to_its_loudness(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    peaks = 0.02 * rng.standard_normal((10 * RATE, 2))
    peaks[:: RATE // 5] = 0.9
    soundfile.write(tmp_path / "peaks.wav", peaks, RATE, subtype="FLOAT")
    report = mixdown([MixInput(tmp_path / "peaks.wav", 0, 10)], 10, tmp_path / "out.wav")
    found = loudness.measure(tmp_path / "out.wav")
    assert report.limiting_db < -3
    assert found.integrated_lufs == pytest.approx(-14.0, abs=0.5)
    assert found.true_peak_dbtp <= -2.0


def test_a_ceiling_that_is_lower_in_places_keeps_the_loudness(tmp_path: Path) -> None:
    """What an encoder adds to a peak is taken away beforehand, there; the rest of the mix stays where it is."""
    rng = np.random.default_rng(4)
    bursts = 0.03 * rng.standard_normal((10 * RATE, 2))
    for at in range(0, 10, 2):
        bursts[at * RATE : at * RATE + RATE // 10] *= 12
    soundfile.write(tmp_path / "bursts.wav", bursts, RATE, subtype="FLOAT")
    with mixed([MixInput(tmp_path / "bursts.wav", 0, 10)], 10, tmp_path) as mix:
        before = loudness.measure(mix.save(tmp_path / "before.wav"))
        mix.correct(0.0, [(1.9, 2.2, 1.5)])
        after = loudness.measure(mix.save(tmp_path / "after.wav"))
    assert before.true_peak_dbtp <= -2.0
    second, fourth = (soundfile.read(tmp_path / "after.wav", start=n * RATE - 99, frames=RATE)[0] for n in (2, 4))
    assert loudness.measure(second.astype(np.float32)).true_peak_dbtp <= -3.5
    assert loudness.measure(fourth.astype(np.float32)).true_peak_dbtp == pytest.approx(-2.0, abs=0.2)
    assert after.integrated_lufs == pytest.approx(before.integrated_lufs, abs=0.3)
    assert after.integrated_lufs == pytest.approx(-14.0, abs=0.5)
