"""The mood is heard in the sound itself: tense music swings wider in level, a bright mood has more top."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from game_music_maker.contract.score import PaletteChoice, ScorePlan
from game_music_maker.studio.music.brief import Brief
from game_music_maker.studio.music.compose import compose
from game_music_maker.studio.music.library import library
from game_music_maker.studio.music.plan import make_plan
from game_music_maker.studio.music.score import Score, Section
from game_music_maker.studio.sound import seam, swing
from game_music_maker.studio.sound.play import later_pass, play

RATE = 48_000


def in_parts(score: Score, tension: float) -> Score:
    """Four sections of one energy, two of them played softly."""
    beats = Fraction(12)
    sections = tuple(Section(f"S{i}", "A", i * beats, 3, beats, 0.5, tension) for i in range(4))
    notes = tuple(replace(n, vel=n.vel - 22) if n.beat // beats % 2 else n for n in score.notes)
    return replace(score, sections=sections, notes=notes)


def test_tension_widens_the_loudness_range_and_the_loop_stays_exact(bank, band) -> None:
    calm, tense = (in_parts(band(bars=12, loop=True), tension) for tension in (0.05, 0.9))
    ranges = []
    for score in (calm, tense):
        played = play(score, bank)
        ranges.append(played.mastered.loudness.range_lu)
        assert played.mastered.loudness.range_lu - swing.wanted(score) < 1.0
        found = seam.of_played(score, played, next_pass=later_pass(score, bank))
        assert found.failures == ()
    assert ranges[1] > ranges[0] + 4


def test_moods_that_are_both_slack_are_told_apart_where_they_are_named() -> None:
    def asked(mood: str) -> float:
        given = ScorePlan(seed=1, palette=PaletteChoice(scene="town_village"), moods=(mood,), length_s=40.0)
        return swing.wanted(compose(make_plan(Brief(), None, given=given)[0])) or 0.0

    assert asked("sad") > asked("happy") + 1.0
    assert asked("tense") > asked("sad") + 2.0


def test_gains_move_slowly_and_wrap_around_a_loop() -> None:
    energy = np.repeat([1.0, 0.05, 1.0, 0.05], 80)
    gains = swing.moves(energy, 4.0, wrap=True)
    assert np.abs(np.diff(np.append(gains, gains[0]))).max() < 0.5  # dB in a tenth of a second
    assert gains[120] > gains[40] + 2
    assert not swing.moves(energy[:100], 4.0, wrap=False).any()  # ten seconds have no range


def test_a_mood_brighter_than_its_palette_has_more_top(bank, band) -> None:
    def top(lowpass: float) -> float:
        score = replace(band(), palette="fantasy_exploration", lowpass_hz=lowpass)
        power = np.abs(np.fft.rfft(play(score, bank).mix.mean(axis=1))) ** 2
        hertz = np.fft.rfftfreq(2 * (len(power) - 1), 1 / RATE)
        return float(10 * np.log10(power[(hertz > 2_500) & (hertz < 6_000)].sum() / power[hertz < 1_000].sum()))

    va = library().palettes["fantasy_exploration"].va
    base = 2_800 + 13_000 * (0.6 * va.arousal + 0.2 * va.valence + 0.2)
    own, bright, dark = top(base), top(base + 1_500), top(base - 1_500)
    assert bright > own + 3
    assert dark < own - 2
