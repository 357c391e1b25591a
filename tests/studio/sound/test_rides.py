"""Sections stand apart in loudness as their energies do; the tune steps back under speech."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from game_music_maker.studio.music.score import Score, Section
from game_music_maker.studio.sound import loudness
from game_music_maker.studio.sound.play import play
from game_music_maker.studio.sound.rides import Rides

RATE = 48_000


def in_two(score: Score, energies: tuple[float, float]) -> Score:
    """Two sections of half the score each."""
    beats = Fraction(score.length_s * 2 / 2).limit_denominator(96)
    sections = tuple(Section(f"S{i}", "A", i * beats, 4, beats, energy, 0.2) for i, energy in enumerate(energies))
    return replace(score, sections=sections)


def levels(score: Score, bank) -> tuple[float, float]:
    mix = play(score, bank, stems=False).mix
    half = len(mix) // 2
    first, second = (loudness.measure(np.ascontiguousarray(piece), RATE) for piece in (mix[:half], mix[half:]))
    return first.integrated_lufs, second.integrated_lufs


@pytest.mark.parametrize(("energies", "sign"), [((0.3, 0.8), 1), ((0.9, 0.4), -1)])
def test_equal_notes_of_other_energy_are_three_units_apart(bank, band, energies, sign: int) -> None:
    """By 6.2 dB of the faders (3.8 in styles that are even), of which the bus compressor takes back less than one."""
    score = in_two(band(bars=8, loop=True), energies)
    first, second = levels(score, bank)
    assert 5.2 <= sign * (second - first) <= 6.0
    quiet, loud = levels(replace(score, palette="lofi_chill"), bank)
    assert 2.8 <= sign * (loud - quiet) <= 3.8


def test_a_section_between_stands_between(band) -> None:
    score = band(bars=12, loop=True)
    rows = ((0, 0.3), (16, 0.55), (32, 0.8))
    sections = tuple(Section(f"S{at}", "A", Fraction(at), 4, Fraction(16), energy, 0.2) for at, energy in rows)
    rides = Rides(replace(score, sections=sections))
    calm, middle, lively = (20 * np.log10(rides.at(Fraction(beat), "pad")) for beat in (0, 16, 32))
    assert lively == 0
    assert middle == pytest.approx(calm / 2)


def test_what_stands_apart_by_itself_stays_as_it_is(band) -> None:
    score = in_two(band(bars=8, loop=True), (0.3, 0.8))
    softer = tuple(replace(n, vel=n.vel // 2) if n.beat < score.sections[1].start_beat else n for n in score.notes)
    rides = Rides(replace(score, notes=softer))
    assert {rides.at(note.beat, "pad") for note in score.notes} == {1.0}
    assert Rides(in_two(score, (0.5, 0.5))).at(Fraction(0), "pad") == 1.0


def test_the_tune_steps_back_while_the_footage_speaks_and_nothing_else_does(bank, band) -> None:
    score = band(bars=8, loop=True)
    spoken = replace(score, speech=((4.0, 8.0),))
    plain, under = play(score, bank).stems, play(spoken, bank).stems

    def moved(layer: str, start: float, end: float) -> float:
        cut = slice(round(start * RATE), round(end * RATE))
        return float(20 * np.log10(np.std(under[layer][cut]) / np.std(plain[layer][cut])))

    assert moved("high", 5.0, 8.0) == pytest.approx(-5.0, abs=1.2)
    assert moved("high", 10.0, 15.0) == pytest.approx(0.0, abs=0.6)
    assert moved("mid", 5.0, 8.0) == pytest.approx(0.0, abs=0.1)
