"""Gestures that lead somewhere: risers before reveals, what announces the B section, deep impacts.

Film and trailer practice (Karlin and Wright, "On the Track"): the ear is told that something comes. What announces a
section depends on its role alone, so that an edit of one section leaves the bar before it as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from .band import Band, sounds
from .chance import dealt
from .drums import SNARE
from .metrics import chord_at
from .score import Chord, Hit, Note, Part, Section
from .theory import ladder, nearest

RISER, IMPACT = "riser", "impact"
_REVERSE_CYMBAL, _TAIKO = 119, 116
"""General MIDI programs that stand for the two where a MIDI file is played elsewhere."""


def lead_ins(
    band: Band, notes: dict[str, list[Note]], sections: Sequence[Section], chords: Sequence[Chord], hits: Sequence[Hit]
) -> tuple[list[Part], dict[str, list[Note]]]:
    """Further parts and their notes; rolls and runs go to the parts that play them."""
    made: list[Part] = []
    out = {part: list(row) for part, row in notes.items()}
    how = "" if band.chip else band.style.lead_in
    rise = Part(RISER, "fx", _REVERSE_CYMBAL, (24, 60), "peak", False, RISER, 0.0, -7.0, 0.30)
    boom = Part(IMPACT, "fx", _TAIKO, (21, 40), "peak", False, IMPACT, 0.0, -4.0, 0.30)
    risers: list[Note] = []
    for before, section in pairwise(sections):
        if section.role != "B" and not (section.role == "A'" and before.role in ("break", "build", "intro")):
            continue
        bar = before.beats / before.bars
        at = section.start_beat
        if how == RISER and before.bars >= 3:
            risers.append(_riser(at, (2 if before.bars >= 8 else 1) * bar, chords, rise, _force(sections, at, 56)))
        elif how == "roll":
            _roll(out, band, at)
        elif how == "run":
            _run(out, band, at, chords)
    reveals = [hit for hit in hits if hit.planned and hit.kind == "reveal" and not band.chip]
    for hit in reveals:
        bar = sections[0].beats / sections[0].bars if sections else Fraction(4)
        length = min(2 * bar if hit.weight >= 0.9 else bar, hit.beat)
        if length >= 1:
            risers.append(_riser(hit.beat, length, chords, rise, _force(sections, hit.beat, 62)))
    if risers and sounds(band, RISER):
        made.append(rise)
        out[RISER] = risers
    struck = [hit for hit in hits if hit.planned and hit.kind == "impact" and hit.weight >= 0.9]
    if struck and sounds(band, IMPACT) and not band.chip and how == RISER:
        made.append(boom)
        out[IMPACT] = [
            Note(IMPACT, hit.beat, Fraction(2), _low(chords, hit.beat, boom), _force(sections, hit.beat, 70))
            for hit in struck
        ]
    return made, out


def _force(sections: Sequence[Section], at: Fraction, least: int) -> int:
    """Velocity of a gesture that arrives at `at`: `least` in a section without energy, 40 more in the fullest."""
    energy = next((s.energy for s in reversed(sections) if s.start_beat <= at), 0.5)
    return round(least + 40 * energy)


_STROKES: tuple[tuple[Fraction, ...], ...] = (
    (), (Fraction(3, 2),), (Fraction(1, 2),), (Fraction(1), Fraction(2)), (Fraction(3, 4), Fraction(3, 2)),
    (Fraction(2),),
)  # fmt: skip
"""Beats after the last chord of a cue at which it is struck again."""
_STEPS = (Fraction(0), Fraction(1, 4), Fraction(1, 2))
"""Beats from voice to voice of the last chord: together, or spread."""
_ADDED = (0, 2, 0, 9)
"""Semitones over the root of a tone that the last chord has besides: none, a ninth, a sixth (major chords alone)."""
_WAYS: tuple[tuple[tuple[int, Fraction], ...], ...] = (
    (), ((3, Fraction(1, 2)),), ((3, Fraction(1, 4)), (2, Fraction(1, 4)), (1, Fraction(1, 4))),
    ((0, Fraction(1, 3)), (0, Fraction(1, 3))), ((2, Fraction(1, 2)), (1, Fraction(1, 2))), ((1, Fraction(1)),),
    ((0, Fraction(1)), (1, Fraction(1, 2))),
)  # fmt: skip
"""How the tune comes to its last note: notes before it, as (chord tones away from it, beats)."""


def flourish(
    parts: Sequence[Part], notes: dict[str, list[Note]], end: Fraction, seed: int, chord: Chord | None, *, rises: bool
) -> dict[str, list[Note]]:
    """The last chord of a cue, at `end`, in its own way: together or spread, struck once or again; the tune reaches its
    last note at once or over other tones of `chord`, from below where it `rises`, else from above. Each is drawn by
    itself, in turn for seeds that follow each other."""
    strokes = _STROKES[dealt(seed, len(_STROKES), "flourish", "strokes")]
    added = _ADDED[dealt(seed, len(_ADDED), "flourish", "added")]
    step = _STEPS[dealt(seed, len(_STEPS), "flourish", "spread")]
    way = _WAYS[dealt(seed, len(_WAYS), "flourish", "tune")]
    out = dict(notes)
    for part in parts:
        last = sorted((n for n in out.get(part.id, ()) if n.beat == end), key=lambda n: n.pitch)
        rest = [n for n in out.get(part.id, ()) if n.beat != end]
        if not last or chord is None:
            continue
        if len(last) > 2 and not part.drums and added and (added == 2 or rises):
            tones = ladder(((chord.pcs[0] + added) % 12,), *part.range)
            last.append(replace(last[-1], pitch=nearest(tones, last[-1].pitch)))
        if part.role == "lead":
            out[part.id] = [*rest, *_reached(last[-1], part, chord, way, -1 if rises else 1)]
        elif part.drums or not step or len(last) < 3:
            out[part.id] = [*rest, *_struck(last, strokes)]
        else:
            row = last if rises else last[::-1]
            out[part.id] = rest + [
                replace(n, beat=end + i * step, dur_beats=n.dur_beats - i * step) for i, n in enumerate(row)
            ]
    return out


def _struck(last: Sequence[Note], again: Sequence[Fraction]) -> list[Note]:
    """The chord, and the chord again so many beats after it, each as long as there is time for."""
    out: list[Note] = []
    marks = (Fraction(0), *again)
    for n in last:
        edges = [*(at for at in marks if at < n.dur_beats), n.dur_beats]
        out += [replace(n, beat=n.beat + a, dur_beats=(b - a) * (1 if b == edges[-1] else Fraction(3, 4)))
                for a, b in pairwise(edges)]  # fmt: skip
    return out


def _reached(last: Note, part: Part, chord: Chord, way: Sequence[tuple[int, Fraction]], side: int) -> list[Note]:
    """The last note of the tune, with the notes of `way` before it in its time."""
    tones = ladder(chord.pcs, *part.range)
    if last.pitch not in tones:
        return [last]
    at, home, out = last.beat, tones.index(last.pitch), []
    for away, beats in way:
        place = home + side * away
        if 0 <= place < len(tones):
            out.append(replace(last, beat=at, dur_beats=beats, pitch=tones[place]))
            at += beats
    return [*out, replace(last, beat=at, dur_beats=last.beat + last.dur_beats - at)]


def _riser(at: Fraction, length: Fraction, chords: Sequence[Chord], part: Part, vel: int) -> Note:
    return Note(part.id, at - length, length, _low(chords, at, part), vel)


def _low(chords: Sequence[Chord], at: Fraction, part: Part) -> int:
    chord = chord_at(chords, at)
    row = ladder((chord.pcs[0],), *part.range) if chord is not None else []
    return nearest(row or [part.range[0]], part.range[0] + 7)


def _roll(notes: dict[str, list[Note]], band: Band, at: Fraction) -> None:
    """A snare roll over the last two beats, growing; it takes the place of what the drums had there."""
    drums = next((v.part for v in band.voices if v.part.drums), None)
    row = notes.get(drums.id, []) if drums is not None else []
    if drums is None or not any(at - 4 <= n.beat < at for n in row):
        return
    start = at - 2
    kept = [n for n in row if not start <= n.beat < at or n.pitch in (35, 36)]
    strokes = [
        Note(drums.id, start + Fraction(i, 8), Fraction(1, 8), SNARE, 34 + 3 * i + (4 if i % 4 == 0 else 0))
        for i in range(16)
    ]
    notes[drums.id] = kept + strokes


def _run(notes: dict[str, list[Note]], band: Band, at: Fraction, chords: Sequence[Chord]) -> None:
    """A scale upwards in the last beat, to the root of the section that begins."""
    voice = next((v for v in band.voices if v.part.role in ("pluck", "arp", "piano", "keys")), None)
    chord = chord_at(chords, at - Fraction(1, 8))
    goal = chord_at(chords, at)
    if voice is None or chord is None or goal is None or not any(at - 4 <= n.beat < at for n in notes[voice.part.id]):
        return
    low, high = voice.part.range
    top = nearest(ladder((goal.pcs[0],), low, high) or [high], low + 0.75 * (high - low))
    degrees = [p for p in ladder(chord.scale, low, high) if p < top][-8:]
    part = voice.part.id
    notes[part] = [n for n in notes[part] if not at - 1 <= n.beat < at]
    start = at - Fraction(len(degrees), 8)
    notes[part] += [
        Note(part, start + Fraction(i, 8), Fraction(1, 2), pitch, 46 + 5 * i) for i, pitch in enumerate(degrees)
    ]
