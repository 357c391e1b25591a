"""Tempo from the picture."""

from __future__ import annotations

from fractions import Fraction

import pytest

from game_music_maker.studio.music.score import TempoMap
from game_music_maker.studio.music.tempo import Event, Limits, constant, loop_fit, map_fit, merged, placed

BAR = Fraction(4)


def test_constant_tempo_finds_the_beat_of_the_cuts() -> None:
    events = [Event(k * 60 / 117.3 * 4, 1.0) for k in range(1, 9)]
    assert constant(events, Limits(112, 90, 140), BAR) == pytest.approx(117.3, abs=0.05)


def test_a_fixed_tempo_is_never_moved() -> None:
    fit = map_fit([Event(5.13, 1.0), Event(9.77, 1.0)], 30, Limits(100, 80, 120, 0.03, fixed=True), BAR)
    assert fit.points == ((Fraction(0), 100),)


def test_map_meets_chosen_events_exactly_and_stays_near_the_tempo() -> None:
    events = [Event(t, 1.0) for t in (4.21, 9.5, 13.3, 19.9, 26.4)]
    fit = map_fit(events, 34, Limits(110, 90, 130, 0.06), BAR)
    assert len(fit.met) >= 4
    for event, beat in fit.met:
        assert fit.tempo.seconds(beat) == pytest.approx(event.t, abs=1e-6)
    tempi = [bpm for _, bpm in fit.points]
    assert max(tempi) / min(tempi) < 1.17
    assert 0.3 < 34 - fit.tempo.seconds(fit.beats) < 4


def test_a_locked_event_is_always_met() -> None:
    events = [Event(5.0, 1.0), Event(5.61, 0.5, locked=True), Event(11.0, 1.0)]
    fit = map_fit(events, 20, Limits(120, 100, 140, 0.03), BAR)
    assert 5.61 in [e.t for e, _ in fit.met]


def test_loop_of_a_clip_is_whole_bars_and_whole_samples() -> None:
    fit = loop_fit(47.37, None, Limits(88, 72, 104), BAR, [])
    samples = 60 * 48_000 / fit.points[0][1]
    assert samples == pytest.approx(round(samples), abs=1e-6)
    assert fit.beats % BAR == 0
    assert fit.tempo.seconds(fit.beats) == pytest.approx(47.37, abs=0.002)


def test_events_close_together_are_one() -> None:
    assert [e.w for e in merged([Event(1.0, 0.5), Event(1.1, 1.0), Event(2.0, 0.25)])] == [1.0, 0.25]


def test_an_accent_moves_between_the_beats_where_hits_are_asked_for() -> None:
    tempo = TempoMap(((Fraction(0), 90.0),))
    cut = [Event(tempo.seconds(Fraction(25, 3)), 0.5)]
    assert placed(cut, tempo, Fraction(40), 0.035)[0][1] is None
    assert placed(cut, tempo, Fraction(40), 0.035, free=True)[0][1] == Fraction(25, 3)
