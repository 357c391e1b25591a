"""Metrics against cases computed by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F
from math import log2

import pytest

from game_music_maker.studio.music import (
    metrics,
    metrics_likeness,
    metrics_lines,
    metrics_parts,
    metrics_picture,
)
from game_music_maker.studio.music.score import Chord, Note, Part, Score, Section, TempoMap


def _score(bars: list[list[tuple[float, int]]], chords: tuple[Chord, ...] = ()) -> Score:
    """A 4/4 lead line: each bar a list of (beat in the bar, pitch), quarter notes."""
    notes = tuple(
        Note("lead", F(4 * i) + F(beat), F(1), pitch, 90) for i, bar in enumerate(bars) for beat, pitch in bar
    )
    return Score(
        parts=(Part("lead", "lead", 73, (40, 100), "high"),),
        notes=notes,
        tempo=TempoMap(((F(0), 120.0),)),
        meter=(4, 4),
        length_s=2.0 * len(bars),
        key=("C", "ionian"),
        sections=(Section("A", "A", F(0), len(bars), F(4 * len(bars)), 0.5, 0.1),),
        chords=chords,
    )


UP = [(0, 60), (1, 62), (2, 64), (3, 65)]
DOWN = [(0, 72), (2, 67)]


def test_entropy_of_four_equal_classes_is_two_bits() -> None:
    assert metrics.pitch_class_entropy(_score([UP, UP]), 1) == pytest.approx(2.0)
    # four classes in one bar, two of them (C, G) in the other: counts C2 D1 E1 F1 G1 of 6
    expected = -(2 / 6 * log2(2 / 6) + 4 * (1 / 6) * log2(1 / 6))
    assert metrics.pitch_class_entropy(_score([UP, DOWN]), 2) == pytest.approx(expected)


def test_grooving_similarity_counts_slots_that_differ() -> None:
    # onsets at 0 4 8 12 against 0 8: two of sixteen differ
    assert metrics.grooving_similarity(metrics.by_bars(_score([UP, DOWN])).groove) == pytest.approx(1 - 2 / 16)
    assert metrics.grooving_similarity(metrics.by_bars(_score([UP, UP])).groove) == 1.0


def test_recall_finds_a_bar_that_comes_back_and_exact_counts_copies() -> None:
    score = _score([UP, DOWN, DOWN, DOWN, UP])
    similarity = metrics.bar_similarity(metrics.by_bars(score))
    assert metrics.recall(similarity) == pytest.approx(2 / 5)
    assert metrics.exact_repeats(score) == pytest.approx(3 / 5)


def test_neighbours_of_unlike_bars() -> None:
    similarity = metrics.bar_similarity(metrics.by_bars(_score([UP, DOWN])))
    # onsets agree in 14/16; lengths C D E F = 1 each against C G = 1 each: cosine 1 / (2 · √2)
    assert metrics.neighbours(similarity) == pytest.approx(0.5 * 14 / 16 + 0.5 / (2 * 2**0.5))


def test_a_long_note_sounds_in_every_bar_that_it_reaches() -> None:
    score = _score([UP, DOWN])
    held = Score(**{**{k: getattr(score, k) for k in score.__slots__}, "notes": (Note("lead", F(2), F(4), 60, 90),)})
    pitch = metrics.by_bars(held).pitch
    assert [row[0] for row in pitch] == [2.0, 2.0]


def _chord(beat: int, rn: str, pcs: tuple[int, ...]) -> Chord:
    return Chord(F(beat), F(4), rn, pcs, pcs[0], (0, 2, 4, 5, 7, 9, 11))


def test_chord_irregularity_is_distinct_trigrams_over_all() -> None:
    chords = [_chord(4 * i, rn, (0, 4, 7)) for i, rn in enumerate(["I", "IV", "V", "I", "IV", "V"])]
    # I IV V · IV V I · V I IV · I IV V: three distinct of four
    assert metrics.chord_irregularity(chords) == pytest.approx(3 / 4)


def test_strong_beats_and_scale() -> None:
    chords = (_chord(0, "I", (0, 4, 7)), _chord(4, "V", (7, 11, 2)))
    score = _score([[(0, 60), (1, 61), (2, 65)], [(0, 67), (2, 71)]], chords)
    assert metrics.strong_chord_tones(score) == pytest.approx(3 / 4)
    assert metrics.scale_consistency(score) == pytest.approx(4 / 5)


def test_melody_profile() -> None:
    line = [Note("lead", F(i), F(1), p, 90) for i, p in enumerate([60, 60, 62, 65, 72, 70])]
    found = metrics_lines.melody(line)
    assert (found.repeat, found.step, found.skip, found.leap) == pytest.approx((0.2, 0.4, 0.2, 0.2))
    assert (found.range, found.recovery) == (12, 1.0)


def test_parallel_fifths_are_found_and_contrary_motion_is_not() -> None:
    assert metrics_lines.voice_leading([[48, 55], [50, 57]])[0] == 100
    assert metrics_lines.voice_leading([[48, 55], [47, 55]])[0] == 0
    assert metrics_lines.voice_leading([[48, 52, 55], [48, 53, 57]])[1] == pytest.approx(1.0)


def test_hit_rate_lift_and_chance() -> None:
    found = metrics_picture.hit_rate([(1.0, 1.0), (5.0, 0.5), (9.0, 0.5)], [1.02, 5.0, 7.0], 10.0)
    assert found.rate == pytest.approx(0.75)
    assert found.chance == pytest.approx(3 * 0.08 / 10)
    assert found.lift == pytest.approx((0.75 - 0.024) / (1 - 0.024))
    assert found.mean_error_s == pytest.approx(0.01)
    # windows that overlap count once
    assert metrics_picture.hit_rate([(1.0, 1.0)], [1.0, 1.02], 10.0).chance == pytest.approx(0.01)


def test_timing_tells_a_drift_from_an_alternation() -> None:
    drift = [Note("p", F(i), F(1), 60, 90, micro_ms=float(i)) for i in range(16)]
    zigzag = [Note("p", F(i), F(1), 60, 90, micro_ms=5.0 * (-1) ** i) for i in range(16)]
    assert metrics_lines.timing(drift).lag1 > 0.5
    assert metrics_lines.timing(zigzag).lag1 < -0.8
    assert metrics_lines.timing(zigzag).sigma_ms == pytest.approx(5.0)
    assert metrics_lines.timing([]).sigma_ms == 0


def test_rank_correlation_with_ties() -> None:
    assert metrics_picture.spearman([1, 2, 3, 4], [10, 20, 30, 25]) == pytest.approx(0.8)
    assert metrics_picture.spearman([1, 1, 2], [3, 3, 9]) == pytest.approx(1.0)
    assert metrics_picture.spearman([1, 1, 1], [3, 4, 9]) == 0


def test_empty_beats_and_pitch_entropy() -> None:
    score = _score([UP, [(0, 60)]])
    assert metrics.empty_beats(score) == pytest.approx(3 / 8)
    # C twice, D, E, F: −(0.4 log2 0.4 + 3 · 0.2 log2 0.2)
    assert metrics.pitch_entropy(score) == pytest.approx(-(0.4 * log2(0.4) + 0.6 * log2(0.2)))


def test_likeness_is_the_mean_bar_similarity_after_transposing() -> None:
    one = _score([UP, DOWN])
    up = replace(_score([[(b, p + 2) for b, p in UP], [(b, p + 2) for b, p in DOWN]]), key=("D", "ionian"))
    first = metrics_likeness.fingerprint(one)
    assert metrics_likeness.likeness(first, metrics_likeness.fingerprint(up)) == pytest.approx(1.0)
    # bars UP–DOWN against DOWN–UP: both pairs are unlike in the same measure
    turned = metrics_likeness.fingerprint(_score([DOWN, UP]))
    expected = 0.5 * 14 / 16 + 0.5 / (2 * 2**0.5)
    assert metrics_likeness.likeness(first, turned) == pytest.approx(expected)
    cue = metrics_likeness.fingerprint(_score([UP]))  # compared over the one bar that both have
    assert metrics_likeness.likeness(cue, first) == metrics_likeness.likeness(first, cue) == pytest.approx(1.0)
    left = [{**mark.to_json(), "seed": i, "palette": "p", "notes_hash": "h"} for i, mark in enumerate([turned, first])]
    found = metrics_likeness.nearest(first, [left[0], {"onsets": [[1]], "pitch": "?"}])
    assert (found["compared"], found["seed"], found["distinct"]) == (1, 0, True)
    assert found["similarity"] == pytest.approx(expected, abs=1e-4)
    assert metrics_likeness.nearest(first, left)["distinct"] is False
    assert metrics_likeness.nearest(first, []) == {"compared": 0, "limit": 0.92}


def _pair(lead: list[Note], under: list[Note], *, tension: float = 0.1, role: str = "pad") -> Score:
    score = _score([UP, UP, UP, UP], tuple(_chord(4 * i, "I", (0, 4, 7)) for i in range(4)))
    sections = (replace(score.sections[0], tension=tension),)
    parts = (*score.parts, Part("pad", role, 48, (36, 90), "base"))
    return replace(score, parts=parts, notes=(*lead, *under), sections=sections)


def test_a_note_held_against_a_chord_tone_a_semitone_away_clashes() -> None:
    pad = [Note("pad", F(0), F(4), p, 70) for p in (48, 52, 55)]
    f, b, e = (Note("lead", F(0), F(1), p, 90) for p in (77, 71, 76))
    assert metrics_lines.clashes(_pair([f], pad)) == 1.0  # F over E: a minor ninth
    assert metrics_lines.clashes(_pair([b], pad)) == 1.0  # B over C: a major seventh
    assert metrics_lines.clashes(_pair([e, replace(b, beat=F(2))], pad)) == 0.5
    assert metrics_lines.clashes(_pair([replace(f, dur_beats=F(1, 2))], pad)) == 0.0  # an eighth passes
    assert metrics_lines.clashes(_pair([f], pad, tension=0.8)) == 0.0
    assert metrics_lines.clashes(_pair([f], [])) == 0.0


def test_phrases_end_long_or_with_a_rest_and_in_the_chord() -> None:
    def ends(final: Note) -> float:
        return metrics_lines.phrase_ends(_pair([Note("lead", F(0), F(1), 62, 90), final], []))

    assert ends(Note("lead", F(14), F(1), 64, 90)) == 1.0
    assert ends(Note("lead", F(14), F(1), 65, 90)) == 0.0  # F is not of C E G
    two = _pair([Note("lead", F(15), F(1, 2), 64, 90), Note("lead", F(31, 2), F(1, 4), 64, 90)], [])
    longer = replace(two, notes=(*two.notes, Note("lead", F(16), F(1), 67, 90)),
                     sections=(two.sections[0], replace(two.sections[0], id="B", start_beat=F(16))))  # fmt: skip
    assert metrics_lines.phrase_ends(longer) == 0.5  # the first runs into the second after a quarter of a beat


@pytest.mark.parametrize(
    ("before", "last", "name"),
    [("V7", "I", "authentic"), ("IV", "i", "plagal"), ("bVII", "i", "modal"), ("IV", "V", "half"),
     ("V", "vi", "deceptive"), ("I", "I", "static"), ("I", "bVI", "open")],
)  # fmt: skip
def test_cadence_classes(before: str, last: str, name: str) -> None:
    assert metrics_lines.cadence(before, last) == name


def test_cadences_stand_at_the_ends_of_four_bars() -> None:
    rows = [_chord(4 * i, rn, (0, 4, 7)) for i, rn in enumerate(["I", "IV", "V", "I", "I", "IV", "I", "V"])]
    assert metrics_lines.cadences(_score([UP] * 8, tuple(rows))) == ["authentic", "half"]


def test_who_plays_when() -> None:
    pad = [Note("pad", F(4 * i), F(4), 60, 70) for i in range(3)]
    score = _pair([Note("lead", F(4), F(5), 72, 90)], pad)
    assert metrics_parts.active_bars(score) == {"lead": {1, 2}, "pad": {0, 1, 2}}
    assert metrics_parts.levels(score, metrics_parts.active_bars(score)) == 2  # one part or two; the silent bar is none
    assert metrics_parts.busiest(score, metrics_parts.active_bars(score)) == pytest.approx(3 / 4)
    drone = _pair([Note("lead", F(4), F(5), 72, 90)], pad, role="drone")
    assert metrics_parts.busiest(drone, metrics_parts.active_bars(drone)) == pytest.approx(2 / 4)


def test_a_run_of_identical_bars_is_counted_in_bars() -> None:
    assert metrics_parts.identical_run(_score([UP, DOWN, DOWN, DOWN, UP])) == 3
    assert metrics_parts.identical_run(_score([UP, DOWN])) == 1


def test_two_held_parts_in_one_low_octave_crowd_it() -> None:
    pad = [Note("pad", F(0), F(8), 50, 70)]
    drone = Part("drone", "drone", 95, (26, 60), "base")
    score = _pair([], [*pad, Note("drone", F(4), F(8), 46, 70)])
    score = replace(score, parts=(*score.parts, drone))
    assert metrics_parts.crowded(score) == pytest.approx(4 / 16)
    apart = replace(score, notes=(*pad, Note("drone", F(4), F(8), 38, 70)))
    assert metrics_parts.crowded(apart) == 0.0


def test_density_ratio_is_fullest_over_emptiest_section() -> None:
    score = _score([UP, UP, DOWN, DOWN])
    halves = tuple(
        replace(score.sections[0], id=i, start_beat=F(b), bars=2, beats=F(8)) for i, b in (("A", 0), ("B", 8))
    )
    assert metrics_parts.density_ratio(replace(score, sections=halves)) == pytest.approx(2.0)


def test_bars_with_one_pitched_part_are_thin_outside_intros() -> None:
    lead = [Note("lead", F(4 * i), F(4), 72, 90) for i in range(4)]
    score = _pair(lead, [Note("pad", F(0), F(8), 60, 70)])
    active = metrics_parts.active_bars(score)
    assert metrics_parts.thin_bars(score, active) == pytest.approx(2 / 4)
    intro = replace(score, sections=tuple(replace(s, role="intro") for s in score.sections))
    assert metrics_parts.thin_bars(intro, active) == 0.0


def test_time_without_a_low_note_counts_where_drums_drive() -> None:
    drums = Part("perc", "perc", 0, (0, 127), "mid", True)
    kicks = [Note("perc", F(2 * i), F(1, 4), 36, 90) for i in range(6)]  # bars 0 to 2, two a bar
    low = [Note("pad", F(0), F(4), 45, 70)]  # bar 0
    score = _pair([Note("lead", F(0), F(16), 72, 90)], low)
    score = replace(score, parts=(*score.parts, drums), notes=(*score.notes, *kicks))
    assert metrics_parts.floorless(score) == pytest.approx(4.0)  # bars 1 and 2 at 120: 2 s each
    assert metrics_parts.floorless(replace(score, notes=score.notes[:-1])) == pytest.approx(4.0)
    assert metrics_parts.floorless(replace(score, notes=score.notes[:-2])) == pytest.approx(2.0)  # bar 1 alone
