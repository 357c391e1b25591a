"""The Standard MIDI File of a score, read back by an independent library."""

from __future__ import annotations

import io
from fractions import Fraction as F

import mido

from game_music_maker.studio.music.midi import TICKS, write_midi
from game_music_maker.studio.music.score import LoopSpan, Note, Part, Score, Section, TempoMap


def _score(**changes: object) -> Score:
    parts = (
        Part("lead", "lead", 73, (60, 90), "high"),
        Part("drums", "perc", 0, (0, 127), "mid", drums=True),
    )
    notes = (
        Note("lead", F(0), F(1), 72, 90),
        Note("lead", F(1), F(1), 72, 80),
        Note("lead", F(7), F(4), 76, 80),
        Note("drums", F(0), F(1, 4), 36, 100),
    )
    base: dict[str, object] = {
        "parts": parts,
        "notes": notes,
        "tempo": TempoMap(((F(0), 120.0), (F(4), 90.0))),
        "meter": (6, 8),
        "length_s": 6.0,
        "key": ("D", "dorian"),
        "sections": (Section("A1", "A", F(0), 2, F(8), 0.5, 0.2),),
        "loop": LoopSpan(F(0), F(8)),
    }
    return Score(**{**base, **changes})  # type: ignore[arg-type]


def _read(score: Score) -> mido.MidiFile:
    return mido.MidiFile(file=io.BytesIO(write_midi(score)))


def test_tempo_metre_and_markers_are_read_back() -> None:
    midi = _read(_score())
    assert midi.type == 1
    assert midi.ticks_per_beat == TICKS
    conductor = list(midi.tracks[0])
    tempos = [round(mido.tempo2bpm(m.tempo)) for m in conductor if m.type == "set_tempo"]
    assert tempos == [120, 90]
    metre = next(m for m in conductor if m.type == "time_signature")
    assert (metre.numerator, metre.denominator) == (6, 8)
    assert [m.text for m in conductor if m.type == "marker"] == ["A1", "loopStart", "loopEnd"]


def test_parts_have_their_programs_and_drums_their_channel() -> None:
    midi = _read(_score())
    lead = [m for m in midi.tracks[1] if m.type == "program_change"]
    assert [m.program for m in lead] == [73]
    assert {m.channel for m in midi.tracks[2] if m.type == "note_on"} == {9}


def test_a_repeated_key_is_released_before_it_sounds_again() -> None:
    kinds = [m.type for m in _read(_score()).tracks[1] if m.type in ("note_on", "note_off") and m.note == 72]
    assert kinds == ["note_on", "note_off", "note_on", "note_off"]


def test_no_note_crosses_the_end_of_a_loop() -> None:
    assert max(sum(m.time for m in track) for track in _read(_score()).tracks) == 8 * TICKS
    assert max(sum(m.time for m in track) for track in _read(_score(loop=None)).tracks) == 11 * TICKS
