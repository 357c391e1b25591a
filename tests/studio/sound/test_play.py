"""A score played: what a listener hears of notes, balance, space and endings."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from game_music_maker.errors import Cancelled
from game_music_maker.studio.music.score import LAYERS, Note, Part, Reverb, Score, TempoMap
from game_music_maker.studio.sound import loudness
from game_music_maker.studio.sound import play as module
from game_music_maker.studio.sound.play import play

RATE = 48_000


def band_rms(sound: np.ndarray, low: float, high: float) -> float:
    spectrum = np.abs(np.fft.rfft(sound, axis=0)) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    return float(np.sqrt(spectrum[(hz >= low) & (hz <= high)].sum()) / len(sound))


def centroid(sound: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float((power * np.fft.rfftfreq(len(sound), 1 / RATE)).sum() / power.sum())


@pytest.fixture(scope="module")
def piece(bank, band) -> tuple[Score, object]:
    score = band()
    return score, play(score, bank)


def test_length_loudness_and_peak_are_as_asked(piece) -> None:
    score, played = piece
    assert played.mix.dtype == np.float32
    assert played.mix.shape == (round(score.length_s * RATE), 2)
    found = loudness.measure(played.mix)
    assert found.integrated_lufs == pytest.approx(score.lufs, abs=0.5)
    assert found.true_peak_dbtp <= -1.0
    assert found.integrated_lufs == pytest.approx(played.mastered.loudness.integrated_lufs, abs=0.01)


def test_a_loud_target_is_met_under_the_ceiling(bank, band) -> None:
    played = play(replace(band(), lufs=-9.0), bank)
    found = loudness.measure(played.mix)
    assert found.integrated_lufs == pytest.approx(-9.0, abs=0.5)
    assert found.true_peak_dbtp <= -1.0
    assert played.mastered.limiting_db < 0


def test_equal_scores_give_equal_samples_and_other_seeds_others(bank, band, piece) -> None:
    again = play(band(), bank)
    assert np.array_equal(again.mix, piece[1].mix)
    assert not np.array_equal(play(band(seed=2), bank).mix, piece[1].mix)


def test_each_layer_is_its_own_stem(bank, piece) -> None:
    score, played = piece
    assert set(played.stems) == set(LAYERS)
    assert not played.stems["peak"].any()
    quiet = replace(score, notes=tuple(note for note in score.notes if note.part != "perc"))
    without = play(quiet, bank)
    assert np.array_equal(without.stems["high"], played.stems["high"])
    assert not np.array_equal(without.stems["mid"], played.stems["mid"])


def test_notes_start_when_they_are_written(bank, one_part) -> None:
    beats = [0.5, 1.25, 2.0, 3.5, 5.75]
    score = one_part([(b, 0.25, 37, 110) for b in beats], drums=True, role="perc")
    played = play(score, bank)
    level = np.abs(played.mix).max(axis=1)
    for beat, onset in zip(beats, played.onsets, strict=True):
        assert onset == pytest.approx(beat / 2)
        around = level[round((beat / 2 - 0.03) * RATE) : round((beat / 2 + 0.05) * RATE)]
        heard = int(np.argmax(around > 0.2 * around.max())) / RATE - 0.03
        assert abs(heard) < 0.008


def test_a_harder_touch_is_louder_and_brighter(bank, one_part) -> None:
    sounds = [play(one_part([(0, 2, 60, 50), (4, 2, 60, 110)]), bank).mix[:, 0]]
    soft, hard = sounds[0][2_400:40_000], sounds[0][98_400:136_000]
    assert np.sqrt((hard**2).mean()) > 3 * np.sqrt((soft**2).mean())
    assert centroid(hard) > 1.1 * centroid(soft)


def test_the_spectrum_moves_within_a_note(bank, one_part) -> None:
    sound = play(one_part([(0, 6, 48, 110)]), bank).mix[:, 0]
    assert centroid(sound[2_400:10_592]) > 1.1 * centroid(sound[96_000:104_192])


def test_repeated_notes_are_not_copies_but_a_sound_chip_repeats_exactly(bank, one_part) -> None:
    notes = [(b / 4, 0.2, 60, 90) for b in range(8)]
    for synth, same in ((None, False), ("pulse25", True)):
        sound = play(one_part(notes, synth=synth), bank).stems["high"][:, 0]
        hits = [sound[round(k * 0.125 * RATE) : round(k * 0.125 * RATE) + 4_000] for k in range(1, 6)]
        equal = all(np.abs(hit - hits[0]).max() < 1e-4 * np.abs(hits[0]).max() for hit in hits[1:])
        assert equal is same, synth


def test_a_closed_hat_ends_an_open_one(bank, one_part) -> None:
    def left(notes: list[tuple[float, float, int, int]]) -> float:
        sound = play(one_part(notes, drums=True, role="perc"), bank).stems["high"]
        return float(np.square(sound[60_000:90_000]).sum())

    assert left([(0, 1, 46, 100), (1, 0.25, 42, 20)]) < 0.05 * left([(0, 1, 46, 100)])


def test_a_part_stands_where_it_was_put(bank, one_part) -> None:
    left = play(one_part([(0, 2, 64, 90)], pan=-1.0), bank).mix
    assert np.abs(left[:, 1]).max() < 0.1 * np.abs(left[:, 0]).max()
    middle = play(one_part([(0, 2, 64, 90)], pan=0.0), bank).mix
    assert np.abs(middle[:, 0] - middle[:, 1]).max() < 0.02 * np.abs(middle).max()


def test_bass_is_mono_and_the_low_mids_are_clear(piece) -> None:
    mix = piece[1].mix
    middle, side = mix.sum(axis=1), mix[:, 0] - mix[:, 1]
    assert band_rms(side, 20, 120) < 0.1 * band_rms(middle, 20, 120)
    assert band_rms(middle, 200, 400) < 1.2 * band_rms(middle, 50, 200)


def test_the_lead_stands_over_the_pads(bank, piece) -> None:
    score, _ = piece
    without = replace(score, parts=tuple(p for p in score.parts if p.id in ("lead", "pad")))
    without = replace(without, notes=tuple(n for n in score.notes if n.part in ("lead", "pad")))
    stems = play(replace(without, reverb=Reverb("none", 0, 0)), bank).stems
    lead, pad = (stems[layer][:240_000].sum(axis=1) for layer in ("high", "base"))
    assert 20 * np.log10(band_rms(lead, 1_000, 4_000) / band_rms(pad, 1_000, 4_000)) >= 3.0


def test_nothing_is_cut_at_the_end_and_nothing_clicks_at_the_start(piece) -> None:
    _, played = piece
    level = np.sqrt(np.square(played.mix).mean(axis=1))
    loud = np.sqrt(np.square(level[:48_000]).mean())
    assert np.sqrt(np.square(level[-960:]).mean()) < 0.01 * loud
    assert np.abs(played.mix[0]).max() < 1e-4
    assert np.abs(np.diff(played.mix[:, 0]))[-960:].max() < 1e-3


def test_a_held_last_note_is_held(bank, one_part) -> None:
    sound = play(one_part([(0, 6, 60, 90)], program=48), bank).mix[:, 0]
    early, late = (np.sqrt(np.square(sound[a : a + 12_000]).mean()) for a in (60_000, 125_000))
    assert late > 0.5 * early


def test_a_fade_out_is_smooth(bank, band) -> None:
    faded = play(replace(band(), ending="fade"), bank)
    level = [float(np.square(faded.mix[at : at + RATE]).mean()) for at in range(4 * RATE, 8 * RATE, RATE)]
    assert level == sorted(level, reverse=True)


def test_a_darker_score_has_less_treble(bank, one_part) -> None:
    notes = [(0, 4, 60, 110)]
    bright, dark = (play(one_part(notes, program=81, lowpass_hz=hz), bank).mix[:48_000, 0] for hz in (18_000, 3_000))
    assert band_rms(dark, 6_000, 16_000) < 0.3 * band_rms(bright, 6_000, 16_000)


def test_the_room_is_heard_and_its_share_can_be_set(bank, one_part) -> None:
    notes = [(0, 0.5, 72, 110)]
    tails = [
        np.square(
            play(one_part(notes, reverb=Reverb("hall", 3.0, 0.3), send=send, program=12), bank).mix[72_000:120_000]
        ).mean()
        for send in (0.0, 0.3, 0.6)
    ]
    assert tails[0] < 0.1 * tails[1] < 0.1 * tails[2]


def test_tempo_changes_move_the_notes(bank) -> None:
    tempo = TempoMap(((Fraction(0), 60.0), (Fraction(1), 120.0)), phase_s=0.25)
    notes = tuple(Note("p", Fraction(b), Fraction(1, 2), 37, 110) for b in range(3))
    part = Part("p", "perc", 0, (0, 127), "mid", drums=True)
    score = Score((part,), notes, tempo, (4, 4), 3.0, ("C", "ionian"), reverb=Reverb("none", 0, 0))
    played = play(score, bank)
    assert played.onsets == pytest.approx([0.25, 1.25, 1.75])
    level = np.abs(played.mix).max(axis=1)
    for t in played.onsets:
        assert level[round((t + 0.001) * RATE) : round((t + 0.02) * RATE)].max() > 0.2
        assert level[round((t - 0.1) * RATE) : round((t - 0.03) * RATE)].max() < 0.15


def test_drum_notes_numbered_as_percussive_programs_play_them(bank, one_part) -> None:
    taiko = play(one_part([(0, 1, 116, 110)], drums=True, role="perc"), bank).mix
    assert band_rms(taiko[:24_000].sum(axis=1), 40, 250) > band_rms(taiko[:24_000].sum(axis=1), 1_000, 8_000)


def test_a_score_without_notes_is_silence_of_its_length(bank, one_part) -> None:
    played = play(one_part([], seconds=2.0), bank)
    assert played.mix.shape == (2 * RATE, 2)
    assert not played.mix.any()


def test_progress_rises_to_one_and_a_cancel_gets_through(bank, one_part) -> None:
    told: list[float] = []
    play(one_part([(0, 1, 60, 90)]), bank, progress=lambda share, stage: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0

    def stop(share: float, stage: str) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        play(one_part([(0, 1, 60, 90)]), bank, progress=stop)


def test_without_stems_the_mix_is_the_same_but_for_rounding(piece, bank) -> None:
    score, played = piece
    alone = play(score, bank, stems=False)
    assert alone.stems == {}
    assert np.abs(alone.mix - played.mix).max() < 1e-5
    assert alone.levels == pytest.approx(played.levels, abs=1e-6)


def test_a_long_piece_needs_half_the_memory_and_sounds_the_same(piece, bank, monkeypatch: pytest.MonkeyPatch) -> None:
    score, usual = piece[0], play(piece[0], bank, stems=False)

    def peak() -> tuple[int, Any]:
        tracemalloc.start()
        made = play(score, bank, stems=False)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest, made

    before, _ = peak()
    monkeypatch.setattr(module, "_LONG_FRAMES", 48_000)
    after, made = peak()
    assert np.abs(made.mix - usual.mix).max() < 1e-4
    bus = usual.mix.size * 4 * 3 // 2
    assert after < before - 0.7 * bus


def test_articulations_are_heard(bank, one_part) -> None:
    def second(artic: str) -> np.ndarray:
        """The second of two equal notes, a second each, played so."""
        score = one_part([(0, 2, 60, 80), (4, 2, 67, 80)], program=48)
        notes = (score.notes[0], replace(score.notes[1], artic=artic))
        return play(replace(score, notes=notes), bank).stems["high"][96_000:144_000, 0]

    sounds = {artic: second(artic) for artic in ("", "staccato", "accent", "tremolo")}

    def swing(sound: np.ndarray) -> float:
        powers = [float(np.square(sound[at : at + 900]).mean()) for at in range(9_600, 40_000, 900)]
        return float(np.abs(np.diff(powers)).mean() / np.mean(powers))

    late = slice(36_000, 47_000)
    assert np.square(sounds["staccato"][late]).sum() < 0.3 * np.square(sounds[""][late]).sum()
    assert np.abs(sounds["accent"]).max() > 1.1 * np.abs(sounds[""]).max()
    assert swing(sounds["tremolo"]) > 1.5 * swing(sounds[""])


def test_a_palette_with_a_delay_answers_its_notes(bank, one_part) -> None:
    score = one_part([(0, 0.25, 72, 100)], synth="pulse25")
    dry = play(score, bank).stems["high"]
    echoed = play(replace(score, palette="chiptune_platformer"), bank).stems["high"]
    at = slice(round(0.376 * RATE), round(0.45 * RATE))
    assert not np.abs(dry[at]).max() > 1e-3 * np.abs(dry).max()
    fall = 20 * np.log10(np.abs(echoed[at]).max() / np.abs(echoed[: round(0.07 * RATE)]).max())
    assert fall == pytest.approx(-9, abs=1)


def test_a_shimmering_room_adds_the_octave(bank, one_part) -> None:
    def octave(kind: str) -> float:
        score = one_part([(0, 1, 69, 100)], program=73, role="pad", reverb=Reverb(kind, 4.0, 0.5))
        tail = play(score, bank).mix[60_000:150_000].sum(axis=1)
        return band_rms(tail, 1_700, 1_800) / band_rms(tail, 430, 450)

    assert octave("shimmer") > 1.5 * octave("hall")


def test_even_a_bright_loud_pad_stays_under_the_lead(bank, band) -> None:
    score = band()
    parts = tuple(
        replace(p, program=81, gain_db=9.0) if p.id == "pad" else p for p in score.parts if p.id in ("lead", "pad")
    )
    notes = tuple(n for n in score.notes if n.part in ("lead", "pad"))
    stems = play(replace(score, parts=parts, notes=notes, reverb=Reverb("none", 0, 0)), bank).stems
    lead, pad = (stems[layer][:240_000].sum(axis=1) for layer in ("high", "base"))
    assert 20 * np.log10(band_rms(lead, 1_000, 4_000) / band_rms(pad, 1_000, 4_000)) >= 3.0


def test_a_pad_stays_under_a_lead_that_is_soft_only_where_it_plays(bank, band) -> None:
    score = band()
    parts = tuple(replace(p, program=81) if p.id == "pad" else p for p in score.parts if p.id in ("lead", "pad"))
    lead = [Note("lead", Fraction(k), Fraction(1), 74, 120 if k >= 4 else 60) for k in range(8)]
    pad = [Note("pad", Fraction(at), Fraction(4), pitch, 100) for at in (0, 10) for pitch in (60, 64, 67)]
    stems = play(replace(score, parts=parts, notes=(*lead, *pad), reverb=Reverb("none", 0, 0)), bank).stems
    until = round(score.tempo.seconds(Fraction(4)) * RATE)
    tune, held = (stems[layer][:until].sum(axis=1) for layer in ("high", "base"))
    assert 20 * np.log10(band_rms(tune, 1_000, 4_000) / band_rms(held, 1_000, 4_000)) >= 3.0
    first = round(score.tempo.seconds(Fraction(10)) * RATE)
    alone = stems["base"][first : first + until].sum(axis=1)
    assert band_rms(alone, 1_000, 4_000) > 1.5 * band_rms(held, 1_000, 4_000), "where the lead rests the pad does not"


def test_a_long_room_dies_away_before_the_end(bank, one_part) -> None:
    score = one_part([(0, 4, 60, 100)], program=48, reverb=Reverb("cavern", 6.0, 0.5))
    mix = play(score, bank).mix
    held, end = (np.sqrt(np.square(mix[a : a + 960]).mean()) for a in (72_000, len(mix) - 960 - 1_440))
    assert 20 * np.log10(held / end) >= 40


def test_a_chord_that_comes_early_is_held_to_its_end(bank, one_part) -> None:
    score = one_part([(1, 2, 60, 90)], synth="pulse25")
    early = replace(score, notes=(replace(score.notes[0], micro_ms=-40.0),))
    sounds = [np.abs(play(s, bank).stems["high"]).max(axis=1) for s in (score, early)]
    first, last = zip(*((int(np.argmax(s > 0.01)), int(np.flatnonzero(s > 0.01)[-1])) for s in sounds), strict=True)
    assert first[0] - first[1] == pytest.approx(0.04 * RATE, abs=20)
    assert abs(last[0] - last[1]) < 480
