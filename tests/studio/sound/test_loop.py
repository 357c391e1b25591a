"""Exact loops: the folded pass is the endless repetition, and the seam test knows a bad loop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from game_music_maker.errors import InvalidArgument
from game_music_maker.studio.sound import seam
from game_music_maker.studio.sound.play import later_pass, play
from game_music_maker.studio.sound.stage import fold

RATE = 48_000


@pytest.mark.parametrize(
    ("bpm", "intro", "palette"),
    [(120.0, 0, ""), (97.3, 0, ""), (120.0, 4, ""), (97.3, 4, "lofi_chill")],
    ids=["even", "odd tempo", "with intro", "on an old record"],
)
def test_a_pass_equals_a_later_pass_of_the_endless_loop(bank, band, bpm: float, intro: int, palette: str) -> None:
    score = replace(band(loop=True, bpm=bpm, intro=intro), palette=palette)
    played = play(score, bank)
    assert played.loop is not None
    assert played.steady is not None
    first, length = played.loop
    assert length == round(60 * RATE / bpm) * 16
    assert played.mix.shape == (first + length, 2)
    assert played.steady.shape == (length, 2)
    folded = sum(stem[first:] for stem in played.stems.values())
    third = later_pass(score, bank, passes=3)
    assert np.abs(folded - third).max() <= 1e-6
    found = seam.of_played(score, played, next_pass=third)
    assert found is not None
    assert found.failures == ()
    assert found.apart <= 1e-6
    assert found.to_dict()["passed"] is True
    third[length // 2] += 1e-3
    assert seam.of_played(score, played, next_pass=third).failures == ("identity",)


def test_a_chip_loop_and_an_ambient_loop_pass_too(bank, one_part, band) -> None:
    chip = band(loop=True)
    voices = {"lead": "pulse25", "arp": "pulse50", "bass": "triangle", "perc": "noise", "pad": "super_pad"}
    chip = replace(chip, parts=tuple(replace(part, synth=voices[part.id]) for part in chip.parts))
    drone = replace(band(loop=True), notes=tuple(n for n in band(loop=True).notes if n.part == "pad"))
    for score in (chip, drone):
        played = play(score, bank)
        assert seam.of_played(score, played).failures == ()


def test_mastering_a_loop_treats_both_ends_alike(bank, band) -> None:
    loud = replace(band(loop=True), lufs=-9.0)
    played = play(loud, bank)
    assert played.mastered.limiting_db < -0.5
    gain = played.steady[:, 0] / np.where(
        np.abs(stem := sum(s for s in played.stems.values())[:, 0]) > 0.02, stem, np.nan
    )
    ends = np.concatenate([gain[-480:], gain[:480]])
    ends = 20 * np.log10(ends[np.isfinite(ends) & (ends > 0)])
    assert ends.size > 50
    assert np.ptp(ends) < 1.0


def test_bad_loops_are_found_out(bank, band) -> None:
    score = band(loop=True)
    played = play(score, bank)
    loop, (_, n) = played.steady, played.loop
    places = {
        "bars": [k * n // 4 for k in (1, 2, 3)],
        "onsets": [round(t * RATE) for t in played.onsets],
        "expected": n,
    }
    assert seam.examine(loop, RATE, **places).failures == ()

    short = seam.examine(loop[:-1_000], RATE, **places)
    assert "length" in short.failures

    ramp = np.linspace(0, 1, 2_400, dtype=np.float32)[:, None]
    faded = loop.copy()
    faded[:2_400] *= ramp
    faded[-2_400:] *= ramp[::-1]
    assert "hole" in seam.examine(faded, RATE, **places).failures

    gap = loop.copy()
    gap[-1_105:] = 0
    assert "gap" in seam.examine(gap, RATE, **places).failures

    soft = np.sin(2 * np.pi * 110.3 * np.arange(n) / RATE).astype(np.float32)[:, None] * np.array(
        [[0.5, 0.5]], np.float32
    )
    assert "click" in seam.examine(soft, RATE, **places).failures

    quiet_head = seam.examine(loop, RATE, **places, head_db=-0.6)
    assert quiet_head.failures == ("head",)
    assert seam.examine(loop, RATE, **places, apart=1e-4).failures == ("identity",)


def test_a_seam_where_held_parts_enter_alone_may_be_soft_and_a_lost_attack_may_not(bank, band) -> None:
    struck = band(loop=True)
    soft = replace(struck, notes=tuple(n for n in struck.notes if n.beat > 0 or n.part == "pad"))
    for score, passes in ((struck, False), (soft, True)):
        found = seam.of_played(score, play(score, bank))
        assert found.soft is passes
        quiet = replace(found, flux_z=-3.0)
        assert ("flux" not in quiet.failures) is passes
        assert "flux" in replace(found, flux_z=3.0, flux_over_db=12.0).failures


def test_a_rest_at_the_seam_is_no_gap(bank, one_part) -> None:
    from fractions import Fraction

    from game_music_maker.studio.music.score import LoopSpan

    score = one_part([(2, 1, 60, 90), (4, 1, 64, 90)], synth="pulse25", loop=LoopSpan(Fraction(0), Fraction(8)))
    found = seam.of_played(score, play(score, bank))
    assert found.gap_ms > 500
    assert found.rests
    assert "gap" not in found.failures


def test_folding_adds_every_pass() -> None:
    sound = np.zeros((2, 25), np.float32)
    sound[:, [2, 3, 13, 24]] = (1.0, 2.0, 4.0, 8.0)  # three frames of run-up, loop of ten
    fold(sound, 10, 3)
    folded = sound[0, 3:13]
    expected = np.zeros(10)
    for at, value in ((2, 1.0), (3, 2.0), (13, 4.0), (24, 8.0)):
        expected[(at - 3) % 10] += value
    assert folded.tolist() == expected.tolist()


def test_an_intro_rings_into_the_first_pass_but_not_into_the_loop(bank, band) -> None:
    played = play(band(loop=True, intro=4), bank)
    first, length = played.loop
    difference = played.mix[first:] - played.steady
    assert np.abs(difference[:4_800]).max() > 1e-3
    k = min(len(played.intro_tail), length)
    assert np.allclose(difference[:k], played.intro_tail[:k], atol=1e-6)
    jump = np.abs(np.diff(played.mix[:, 0]))
    assert jump[first - 3 : first + 3].max() <= jump[: 2 * first].max()


def test_a_score_without_a_loop_has_no_later_pass_and_no_seam(bank, band) -> None:
    score = band()
    with pytest.raises(InvalidArgument):
        later_pass(score, bank)
    assert seam.of_played(score, play(score, bank)) is None


@pytest.mark.parametrize(("level_db", "missed"), [(-70.0, True), (-105.0, False)])
def test_treble_that_nobody_hears_leaves_no_hole(level_db: float, missed: bool) -> None:
    n = 4 * RATE
    at = np.arange(n) / RATE
    hiss = 2**0.5 * 10 ** (level_db / 20) * np.sin(2 * np.pi * 11_000 * at) * (np.minimum(at, at[::-1]) > 0.1)
    loop = np.repeat((0.2 * np.sin(2 * np.pi * 110 * at) + hiss).astype(np.float32)[:, None], 2, axis=1)
    found = seam.examine(loop, RATE, bars=[RATE, 2 * RATE, 3 * RATE], onsets=[], expected=n)
    # With the dither's −95 dB on both sides: 10 log10(10^-9.5 / (10^-7 + 10^-9.5)) = −25.0, with 10^-10.5 −0.4.
    assert found.hole_db == pytest.approx(-25.0 if missed else -0.4, abs=0.2)
    assert ("hole" in found.failures) is missed
