"""Metrics of music against its picture, against cases computed by hand."""

from __future__ import annotations

from fractions import Fraction as F
from math import exp

import numpy as np
import pytest

from game_music_maker.studio.footage import Cut, VideoMap
from game_music_maker.studio.music import metrics_picture as picture
from game_music_maker.studio.music.score import Note, Part, Score, Section, TempoMap


def test_beat_alignment_is_the_mean_of_gaussians_and_chance_is_taken_off() -> None:
    # one event on an onset, one 50 ms away: (1 + e^(-1/2)) / 2
    found, above = picture.beat_alignment([1.0, 3.0], [1.0, 3.05], 10.0)
    assert found == pytest.approx((1 + exp(-0.5)) / 2)
    # two onsets of width about 0.05·√(2π) in ten seconds are met by chance in about 2.5 % of the places
    assert found - above == pytest.approx(2 * 0.05 * (2 * np.pi) ** 0.5 / 10, abs=0.02)
    dense = [k / 50 for k in range(500)]
    assert abs(picture.beat_alignment([1.0, 3.3], dense, 10.0)[1]) < 0.03


def test_five_percent_points_come_from_the_table() -> None:
    assert picture.five_percent(8) == 0.62
    assert picture.five_percent(14) == pytest.approx((0.50 + 0.43) / 2)
    assert picture.five_percent(4) == 1.0
    assert picture.five_percent(101) == pytest.approx(0.1645)


def test_sign_test_is_the_binomial_tail() -> None:
    # 4 of 5 above zero: (5 + 1) / 32
    assert picture.sign_test([0.1, 0.2, 0.3, 0.4, -0.1, 0.0]) == pytest.approx(6 / 32)
    assert picture.sign_test([]) == 1.0


def test_motion_varies_from_a_coefficient_of_035_on() -> None:
    assert picture.varies([1.0, 2.3, 1.0, 2.3])  # 0.65 / 1.65 = 0.39
    assert not picture.varies([1.0, 2.0, 1.0, 2.0])  # 0.5 / 1.5 = 0.33


def test_cmt_classes_and_match() -> None:
    assert [picture.flow_class(f) for f in (0.0, 0.01, 0.2, 3.0)] == [0, 1, 8, 16]
    assert [picture.beat_class(w) for w in (0.0, 0.2, 0.5, 1.0)] == [0, 1, 3, 10]
    # densities 4 and 8 against 5 and 8: mean square 0.5. Strengths: one visual beat of class 3 on a chord of two notes
    # among four slots: 1 / 4; the note without a visual beat does not count.
    match = picture.cmt_match([4, 8], [5, 8], [[3, 0], [0, 0]], [[2, 5], [0, 0]])
    assert match == pytest.approx(1 / (0.5 + 0.25))


def test_boundaries_are_met_once() -> None:
    # starts 10 and 10.3 compete for the scene at 10.1, 30 has none: 1 met of 3 and of 2
    assert picture.boundary_f([10.0, 10.3, 30.0], [10.1, 50.0]) == pytest.approx(2 * 1 / 5)
    assert picture.boundary_f([10.0], [10.5]) == 1.0
    assert picture.boundary_f([10.0], [10.6]) == 0.0


def test_novelty_is_one_where_nothing_is_kept() -> None:
    rows = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    assert picture.novelty(rows, 1) == pytest.approx([0.0, 1.0, 1 - 0.5**0.5])
    assert picture.novelty(np.zeros((2, 2)), 1).tolist() == [0.0]


def test_event_curves_that_change_together_correlate_and_shifted_ones_do_not() -> None:
    changes = np.zeros(600)
    changes[[53, 170, 301, 448, 533]] = 1.0
    assert picture.event_correlation(changes, changes) == pytest.approx(1.0, abs=0.03)
    assert picture.event_correlation(changes, np.roll(changes, 40)) < 0.0
    assert picture.event_correlation(changes, np.ones(600)) == 0.0


def _score(per_bar: list[int]) -> Score:
    notes = tuple(Note("x", F(4 * i) + F(k, 4), F(1, 4), 60, 80) for i, n in enumerate(per_bar) for k in range(n))
    count = len(per_bar)
    half = count // 2
    sections = (
        Section("A", "A", F(0), half, F(4 * half), 0.3, 0.1),
        Section("B", "B", F(4 * half), count - half, F(4 * (count - half)), 0.8, 0.1),
    )
    return Score((Part("x", "lead", 0, (0, 127), "mid"),), notes, TempoMap(((F(0), 120.0),)), (4, 4), 2.0 * count,
                 ("C", "ionian"), sections)  # fmt: skip


def test_pace_is_held_against_the_motion_bar_by_bar() -> None:
    score = _score([1, 1, 2, 2, 8, 8, 12, 12])
    flow = tuple(level for level in (0.1, 0.1, 0.2, 0.2, 0.6, 0.6, 0.9, 0.9) for _ in range(20))
    video = VideoMap(duration=16.0, flow=flow, cuts=(Cut(t=8.1, w=1.0), Cut(t=3.0, w=0.5)))
    found = picture.measures(score, video)
    assert found["pace rank"] == pytest.approx(1.0)
    assert found["pace rank over 5 %"] == pytest.approx(1 - 0.62)
    assert found["boundary F"] == 1.0
    still = picture.measures(score, video.model_copy(update={"flow": (0.5,) * 160}))
    assert still["pace rank"] == 0.0
    assert "pace rank over 5 %" not in still
