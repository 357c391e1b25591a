"""The old record and the tape: a bed of noise and a wobble that fit a loop exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from game_music_maker.studio.sound import dsp, medium
from game_music_maker.studio.sound.play import play

RATE = 48_000


def test_a_bed_differs_by_seed_and_between_the_ears() -> None:
    bed = medium.bed(3 * RATE + 17, RATE, 1)
    assert np.sqrt(np.square(bed).mean()) == pytest.approx(1.0, abs=1e-3)
    assert abs(np.corrcoef(bed)[0, 1]) < 0.1
    assert not np.array_equal(bed, medium.bed(3 * RATE + 17, RATE, 2))


def test_a_filter_of_the_bed_has_no_start() -> None:
    noise = np.random.default_rng(1).standard_normal(2 * RATE + 5).astype(np.float32)
    rumble = dsp.biquad("lowpass", RATE, 120)
    endless = dsp.run(rumble, np.tile(noise, 3))[-len(noise) :]
    assert np.abs(medium.periodic(rumble, noise, RATE) - endless).max() < 2e-4


def test_the_tape_swings_a_whole_number_of_times() -> None:
    n = 4 * RATE + 31
    t = np.arange(n)
    tone = np.sin(2 * np.pi * 1_000 * t / n * 4).astype(np.float32)[None, :].repeat(2, axis=0)
    swung = medium.wobble(tone, ((0.5, 6.0),), RATE)
    doubled = medium.wobble(np.concatenate([tone, tone], axis=1), ((0.5, 6.0),), RATE)
    assert np.abs(doubled[:, :n] - swung).max() < 1e-4
    assert np.abs(doubled[:, n:] - swung).max() < 1e-4
    phase = np.unwrap(np.angle(np.fft.ifft(np.where(np.fft.fftfreq(n) > 0, np.fft.fft(swung[0]), 0))))
    cents = 1_200 * np.log2(np.diff(phase)[1_000:-1_000] / np.median(np.diff(phase)))
    smooth = np.convolve(cents, np.ones(2_400) / 2_400, mode="valid")
    assert 5.0 < smooth.max() < 7.0
    assert -7.0 < smooth.min() < -5.0


def test_lofi_lies_on_a_bed_that_is_there_in_the_rests_and_gone_at_the_end(bank, one_part) -> None:
    score = one_part([(0, 1, 60, 90), (6, 1, 60, 90), (8, 1, 60, 90)], seconds=7.0)
    plain, old = (play(replace(score, palette=name), bank) for name in ("", "lofi_chill"))

    def level(sound: np.ndarray, start: float, end: float) -> float:
        return 20 * np.log10(np.sqrt(np.square(sound[round(start * RATE) : round(end * RATE)]).mean()) + 1e-9)

    assert level(plain.mix, 2.5, 2.9) < -75
    assert -60 < level(old.mix, 2.5, 2.9) < -42
    assert level(old.mix, 6.96, 7.0) < -70
    assert np.array_equal(old.mix, play(replace(score, palette="lofi_chill"), bank, stems=False).mix)
