"""Metrics of sound, against sounds made so that the answer is known."""

from __future__ import annotations

from fractions import Fraction as F
from itertools import pairwise

import numpy as np
import pytest

from game_music_maker.studio.footage import VideoMap
from game_music_maker.studio.music import gates, metrics_form, metrics_sound
from game_music_maker.studio.music.score import Note, Part, Score, Section, TempoMap

RATE = 12_000
"""Low: nothing here lies above 4 kHz, and the arithmetic is quicker."""


def tone(hz: float, seconds: float, level: float = 0.1) -> np.ndarray:
    wave = level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)
    return np.stack([wave, wave], axis=1).astype(np.float32)


def test_fitness_of_three_equal_parts() -> None:
    # twelve rows, a part of four comes three times without a fault: score 12, cells 12, rows 12
    similar = np.full((12, 12), -2.0)
    for a in range(0, 12, 4):
        for b in range(0, 12, 4):
            similar[range(a, a + 4), range(b, b + 4)] = 1.0
    found = metrics_form.fitness(similar, 4)
    assert found[0] == pytest.approx(2 / 3)  # quality (12 − 4) / 12, cover (12 − 4) / 12
    # a segment across two parts has its only whole copy between the second and the third: (8 − 4) / 8, (8 − 4) / 12
    assert found[2] == pytest.approx(2 * 0.5 * (4 / 12) / (0.5 + 4 / 12))
    assert not metrics_form.fitness(np.where(np.eye(12), 1.0, -2.0), 4).any()


def test_of_a_self_similarity_the_highest_quarter_is_kept_and_the_rest_is_a_penalty() -> None:
    rows = np.tile(np.random.default_rng(2).random((8, 12)), (5, 1))
    found = metrics_form.self_similarity(rows)
    assert (np.diag(found) == 1).all()
    kept = found[found >= 0]
    assert len(kept) / found.size == pytest.approx(0.25, abs=0.02)
    assert kept.max() == 1.0
    assert set(found[found < 0].tolist()) == {-2.0}
    assert found[0, 8] > 0.5, "the row comes again eight rows later"


def test_structureness_knows_a_form_from_chance() -> None:
    rng = np.random.default_rng(1)
    chords = [rng.choice(12, 3, replace=False) for _ in range(40)]

    def piece(order: list[int]) -> np.ndarray:
        fade = np.exp(-2 * np.arange(RATE) / RATE)[:, None]
        return np.concatenate([
            sum(tone(261.6 * 2 ** (p / 12), 1.0) for p in chords[i]) * fade for i in order
        ]).astype(np.float32)  # fmt: skip

    form = metrics_form.structureness(piece([*range(8)] * 5), RATE)
    chance = metrics_form.structureness(piece([*range(40)]), RATE)
    assert form["SI 8-15"] == pytest.approx(0.8, abs=0.02)  # eight seconds of forty come five times: (40 − 8) / 40
    assert form["SI 3-8"] > 0.6
    assert chance["SI 8-15"] < 0.2
    assert "SI 15+" not in metrics_form.structureness(piece([0] * 20), RATE)


def test_low_end_counts_what_both_channels_share() -> None:
    both = tone(60, 2.0)
    assert metrics_sound.low_end_mono(both, RATE) == pytest.approx(1.0)
    # left alone is half middle, half side
    assert metrics_sound.low_end_mono(both * np.array([1, 0], np.float32), RATE) == pytest.approx(0.5)
    assert metrics_sound.low_end_mono(tone(2_000, 2.0), RATE) is None


def test_lead_over_pads_is_measured_where_both_play() -> None:
    lead, pads = tone(2_000, 4.0, 0.2), tone(1_500, 4.0, 0.1)
    pads[2 * RATE :] = 0
    lead[: RATE // 2] = 0
    assert metrics_sound.over(lead, pads, RATE) == pytest.approx(6.02, abs=0.1)
    assert metrics_sound.over(lead, np.zeros_like(pads), RATE) is None


def test_a_tail_that_dies_and_one_that_is_cut() -> None:
    ring = tone(440, 3.0) * np.exp(-3 * np.arange(3 * RATE) / RATE)[:, None].astype(np.float32)
    # e^(−3·t): 26.06 dB a second; the last 50 ms are 2.95 s behind the first
    assert metrics_sound.tail(ring, RATE, 0.0) == pytest.approx(26.06 * 2.95, abs=0.3)
    assert metrics_sound.tail(ring[: RATE // 2], RATE, 0.0) == pytest.approx(26.06 * 0.45, abs=0.3)


def test_stems_null_and_what_is_missing_shows() -> None:
    first, second = tone(200, 1.0), tone(300, 1.0)
    assert metrics_sound.null_db(first + second, [first, second]) < -120
    assert metrics_sound.null_db(first + second, [first]) == pytest.approx(-3.01, abs=0.05)  # half of the power is left


def test_duck_depth_and_speech_over_music() -> None:
    music, under = tone(500, 6.0, 0.1), tone(500, 6.0, 0.1)
    under[2 * RATE : 4 * RATE] *= np.float32(10 ** (-8 / 20))
    spans = [(2.2, 3.8)]
    assert metrics_sound.ducked(music, under, spans, RATE) == pytest.approx(8.0, abs=0.05)
    assert metrics_sound.speech_over(tone(500, 6.0, 0.1), under, spans, RATE) == pytest.approx(8.0, abs=0.05)


def _score(**changes: object) -> Score:
    sections = (
        Section("A", "A", F(0), 3, F(12), 0.3, 0.1),
        Section("B", "B", F(12), 3, F(12), 0.8, 0.1),
    )
    notes = tuple(Note("x", F(k), F(1), 60, 80) for k in range(20))
    whole = {"parts": (Part("x", "lead", 0, (0, 127), "mid"),), "notes": notes, "tempo": TempoMap(((F(0), 120.0),)),
             "meter": (4, 4), "length_s": 12.0, "key": ("C", "ionian"), "sections": sections}  # fmt: skip
    return Score(**(whole | changes))  # type: ignore[arg-type]


def test_contrast_is_loudest_less_softest_section() -> None:
    mix = np.concatenate([tone(500, 6.0, 0.05), tone(500, 6.0, 0.1)])
    power = metrics_sound.powers(mix, RATE)
    assert metrics_sound.contrast(_score(), power) == pytest.approx(6.02, abs=0.1)
    bars = metrics_sound.bar_loudness(_score(), power)
    assert bars[-1] - bars[0] == pytest.approx(6.02, abs=0.1)


def test_music_that_changes_with_the_scene_follows_the_picture() -> None:
    # twenty chords, of irregular lengths, and scenes that change with them or 3 s later
    rng = np.random.default_rng(3)
    lengths = rng.uniform(1.5, 4.0, 14)
    mix = np.concatenate([tone(200 * 2 ** (k * 5 % 12 / 12), s) for k, s in enumerate(lengths)])
    marks = [0.0, *np.cumsum(lengths).tolist()]
    scenes = tuple(pairwise(marks))
    video = VideoMap(duration=marks[-1], flow=(0.5,) * 10, scenes=scenes)
    late = video.model_copy(update={"scenes": tuple((a + 3, b + 3) for a, b in scenes)})
    assert metrics_sound.event_curve(mix, RATE, video) > 0.35
    assert metrics_sound.event_curve(mix, RATE, late) < 0.15


def test_brightness_is_where_the_tone_is() -> None:
    assert metrics_sound.brightness(tone(1_000, 2.0), RATE) == pytest.approx(1_000, rel=0.02)


def test_a_finished_sound_is_judged_by_the_table() -> None:
    ring = np.linspace(1, 0, 2 * RATE, dtype=np.float32)[:, None] ** 4
    mix = np.concatenate([tone(500, 6.0, 0.05), tone(500, 4.0, 0.1), tone(500, 2.0, 0.1) * ring])
    level = metrics_sound.loudness.measure(mix, RATE).integrated_lufs
    score = _score(lufs=level + 0.2)
    found = metrics_sound.measures(score, mix, RATE)
    assert found["loudness error LU"] == pytest.approx(0.2, abs=0.01)
    assert found["length error ms"] == 0.0
    judged = gates.judge(score, found)
    assert judged["tail dB"]
    assert judged["loudness error LU"]
    assert not gates.judge(score, metrics_sound.measures(_score(lufs=level + 1), mix[:-RATE], RATE))["length error ms"]
    assert not gates.judge(score, metrics_sound.measures(score, mix[: -2 * RATE], RATE))["tail dB"]


def test_a_note_that_opens_moves_its_centroid_and_a_raw_wave_does_not() -> None:
    still = sum(tone(200.0 * k, 1.0, 0.1 / k) for k in range(1, 20))
    fade = np.linspace(0, 1, RATE, dtype=np.float32)[:, None]
    opening = tone(200.0, 1.0) + fade * sum(tone(200.0 * k, 1.0, 0.1 / k) for k in range(2, 20))
    raw, moved = (metrics_sound.centroid_moves(sound, RATE, [(0.0, 1.0)]) for sound in (still, opening))
    assert raw is not None
    assert raw < 0.01
    assert moved is not None
    assert moved > 0.2
    assert metrics_sound.centroid_moves(still, RATE, [(0.0, 0.2)]) is None
