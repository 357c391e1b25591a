"""How a piece ends: the last chord of one that ends, the turn of one that loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from ...contract.score import ScorePlan
from .accents import SOFT_LEVEL, level
from .carry import bar_of
from .drums import CRASH, KICK, RIDE_BELL
from .metrics import chord_at
from .score import Chord, LoopSpan, Note, Part
from .theory import ladder, nearest
from .voicing import voice

_CARRIERS = ("pad", "choir", "keys", "comp", "arp", "brass", "low_brass")
"""Roles that can hold the last chord of a loop over into its first, those that blend best first."""
_BREATH, _UNDER = Fraction(1, 2), 8
"""Beats before the end of a loop within which a note counts as held to it; by how much softer the carried chord is than
what plays around it."""
_CYMBAL = 0.5
"""Energy of a section from which a crash opens it."""


def close_piece(
    parts: Sequence[Part], notes: dict[str, list[Note]], end: Fraction, tonic: Chord | None, plan: ScorePlan
) -> dict[str, list[Note]]:
    """The ending: everything stops at `end`, and the tonic chord sounds there, ringing or short."""
    out: dict[str, list[Note]] = {}
    length = Fraction(1) if plan.ending == "hard" else min(Fraction(4), bar_of(plan))
    for part in parts:
        row = sorted((n for n in notes.get(part.id, []) if n.beat < end), key=lambda n: n.beat)
        row = [replace(n, dur_beats=min(n.dur_beats, end - n.beat)) for n in row]
        if row and tonic is not None and plan.ending != "fade":
            row += _last(part, row, end, length, tonic)
        out[part.id] = row
    return out


def close_loop(
    parts: Sequence[Part],
    notes: dict[str, list[Note]],
    loop: LoopSpan,
    chords: Sequence[Chord],
    plan: ScorePlan,
    *,
    soft: bool,
) -> dict[str, list[Note]]:
    """The turn of a loop: the last chord is held into the first, and where the first beat is thin the drums land on
    it, so that a full last bar leads somewhere.

    Each end is decided by what plays around it alone, so that an edit of the last section leaves the first as it was.
    """
    start, bar = loop.start_beat, bar_of(plan)
    out = _carried(parts, notes, start + loop.len_beats, chords, plan)
    drums = next((part for part in parts if part.drums and notes.get(part.id)), None)
    opens = {part for part, row in notes.items() for n in row if n.beat == start}
    if drums is None or drums.id in opens or len(opens) >= 3:
        return out
    at_work = any(start < n.beat < start + bar for n in notes[drums.id])
    if soft and not at_work:
        return out  # a soft style calls nobody back who lays out there
    loud = round(level(notes, start, bar))
    energy = next((s.energy for s in plan.sections or () if (s.start_beat or 0) >= start), None) or 0.0
    gentle = soft or not at_work or loud < SOFT_LEVEL or energy < _CYMBAL
    keys = (KICK, RIDE_BELL) if gentle else (KICK, CRASH)
    return out | {drums.id: [Note(drums.id, start, Fraction(1, 2), k, loud) for k in keys] + out[drums.id]}


def _carried(
    parts: Sequence[Part], notes: dict[str, list[Note]], end: Fraction, chords: Sequence[Chord], plan: ScorePlan
) -> dict[str, list[Note]]:
    """The last bar of a loop is not let fall: where fewer than two pitched parts sound at its end, one that can hold a
    chord holds the last one to the end, from where the chord begins or the bar does."""
    bar = bar_of(plan)
    pitched = [p for p in parts if not p.drums and p.role not in ("perc", "fx")]
    sounding = {n.part for p in pitched for n in notes.get(p.id, ()) if n.beat < end <= n.beat + n.dur_beats + _BREATH}
    chord = chord_at(chords, end - Fraction(1, 4))
    spec = (plan.sections or (None,))[-1]
    silent = {role for role, plays in (spec.active or {}).items() if not plays} if spec else set()
    able = [
        p for p in pitched if p.role in _CARRIERS and p.role not in silent and p.id not in sounding and notes.get(p.id)
    ]
    if len(sounding) >= 2 or chord is None or not able:
        return notes
    part = min(able, key=lambda p: _CARRIERS.index(p.role))
    since = max(chord.beat, end - bar)
    row = [n for n in notes[part.id] if n.beat < since]
    row = [replace(n, dur_beats=min(n.dur_beats, since - n.beat)) for n in row]
    loud = max(30, round(level(notes, end, bar)) - _UNDER)
    held = [Note(part.id, since, end - since, pitch, loud) for pitch in voice([chord.pcs], part.range, 3)[0]]
    later = [n for n in notes[part.id] if n.beat >= end]
    return notes | {part.id: [*row, *held, *later]}


def _last(part: Part, row: Sequence[Note], end: Fraction, length: Fraction, tonic: Chord) -> list[Note]:
    level = max(40, round(sum(n.vel for n in row[-12:]) / len(row[-12:])))
    if part.drums:
        return [Note(part.id, end, Fraction(2), key, level) for key in (KICK, CRASH)]
    if part.id == "taiko":
        return [Note(part.id, end, Fraction(2), 41, level)]
    if part.role == "fx" or row[-1].beat < end - 16:
        return []  # a part that has been silent for long does not come back for the last chord
    low, high = part.range
    if part.role in ("bass", "drone", "low_brass", "pulse", "riff"):
        pitches = [nearest(ladder((tonic.pcs[0],), low, high) or [low], row[-1].pitch)]
    elif part.role in ("lead", "counter"):
        pitches = [nearest(ladder(tonic.pcs[:1], low, high) or [row[-1].pitch], row[-1].pitch)]
    else:
        pitches = list(voice([tonic.pcs], part.range, 3)[0])
    return [Note(part.id, end, length, pitch, level) for pitch in pitches]
