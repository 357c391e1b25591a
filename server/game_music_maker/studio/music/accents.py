"""Where the music answers the picture, and how it ends.

At a hit the notes that start there are accented, a stroke or chord is added, and for heavy ones the beat before is
thinned (film scoring practice: Karlin and Wright, "On the Track"). The last chord rings from the final beat on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from ...contract.score import ScorePlan
from .drums import CRASH, KICK, SPLASH
from .metrics import chord_at
from .score import Chord, Hit, Note, Part
from .theory import ladder, nearest
from .voicing import voice

_STABBERS = ("stabs", "hit", "brass", "low_brass", "arp", "ostinato", "pluck", "pad", "keys", "comp", "piano", "riff")


def answer_hits(
    parts: Sequence[Part],
    notes: dict[str, list[Note]],
    hits: Sequence[Hit],
    chords: Sequence[Chord],
    plan: ScorePlan,
) -> tuple[list[Part], dict[str, list[Note]]]:
    """Give each planned hit an onset that is heard: a stroke of the drums, else a chord of a sharp instrument."""
    out = {part: list(row) for part, row in notes.items()}
    drums = next((part for part in parts if part.drums), None)
    bass = next((part for part in parts if part.role in ("bass", "drone", "low_brass", "pulse")), None)
    sharp = sorted((p for p in parts if p.role in _STABBERS and not p.drums), key=lambda p: _STABBERS.index(p.role))
    apart, crashed = 4 * _bar(plan), None  # at most one big stroke in four bars
    for hit in hits:
        if not hit.planned:
            continue
        for part, row in out.items():
            boosted = 18 if hit.weight >= 0.9 else 14
            out[part] = [replace(n, vel=min(127, n.vel + boosted)) if n.beat == hit.beat else n for n in row]
        if hit.weight >= 0.45:
            _thin(out, parts, hit.beat, Fraction(1) if hit.weight >= 0.9 else Fraction(1, 2))
        chord = chord_at(chords, hit.beat)
        loud = min(127, round(104 + 20 * hit.weight))
        if drums is not None:
            big = hit.weight >= 0.9 and (crashed is None or hit.beat - crashed >= apart)
            crashed = hit.beat if big else crashed
            keys = (CRASH, KICK) if big else (SPLASH, KICK) if hit.weight >= 0.45 else (KICK,)
            have = {n.pitch for n in out[drums.id] if n.beat == hit.beat}
            out[drums.id] += [
                Note(drums.id, hit.beat, Fraction(1, 2), key, loud - 14 * (key in (CRASH, SPLASH)))
                for key in keys
                if key not in have
            ]
        if chord is not None and sharp:
            _stab(out, sharp[0], hit, chord, loud)
        if chord is not None and bass is not None and not any(n.beat == hit.beat for n in out[bass.id]):
            pitch = nearest(ladder((chord.bass_pc,), *bass.range) or [bass.range[0]], sum(bass.range) / 2 - 4)
            held = [n for n in out[bass.id] if n.beat < hit.beat < n.beat + n.dur_beats]
            out[bass.id] = _cut(out[bass.id], hit.beat)
            again = [replace(n, beat=hit.beat, dur_beats=n.beat + n.dur_beats - hit.beat, vel=loud - 6) for n in held]
            out[bass.id] += again or [Note(bass.id, hit.beat, Fraction(1), pitch, loud - 6)]
    return list(parts), out


def _bar(plan: ScorePlan) -> Fraction:
    numerator, denominator = (plan.meter or "4/4").split("/")
    return Fraction(4 * int(numerator), int(denominator))


def _thin(notes: dict[str, list[Note]], parts: Sequence[Part], beat: Fraction, room: Fraction) -> None:
    """Room before a hit: percussion and figures stop, held notes go on."""
    movers = {p.id for p in parts if p.drums or p.role in ("ostinato", "arp", "riff", "comp", "pulse", "harmony")}
    for part in movers & notes.keys():
        notes[part] = [n for n in notes[part] if not beat - room < n.beat < beat]


def _stab(notes: dict[str, list[Note]], part: Part, hit: Hit, chord: Chord, loud: int) -> None:
    if sum(1 for n in notes[part.id] if n.beat == hit.beat) >= 2:
        return
    tones = ladder(chord.pcs, *part.range)
    middle = sum(part.range) / 2
    row = sorted(sorted(tones, key=lambda p: abs(p - middle))[:3])
    have = {n.pitch for n in notes[part.id] if n.beat == hit.beat}
    notes[part.id] += [
        Note(part.id, hit.beat, Fraction(1), pitch, loud - 8, 0.0, "stab") for pitch in row if pitch not in have
    ]


def _cut(row: Sequence[Note], beat: Fraction) -> list[Note]:
    """Notes that hold over `beat` end there."""
    return [replace(n, dur_beats=beat - n.beat) if n.beat < beat < n.beat + n.dur_beats else n for n in row]


def close_piece(
    parts: Sequence[Part], notes: dict[str, list[Note]], end: Fraction, tonic: Chord | None, plan: ScorePlan
) -> dict[str, list[Note]]:
    """The ending: everything stops at `end`, and the tonic chord sounds there, ringing or short."""
    out: dict[str, list[Note]] = {}
    length = Fraction(1) if plan.ending == "hard" else Fraction(4)
    for part in parts:
        row = [n for n in notes.get(part.id, []) if n.beat < end]
        row = [replace(n, dur_beats=min(n.dur_beats, end - n.beat)) for n in row]
        if row and tonic is not None and plan.ending != "fade":
            row += _last(part, row, end, length, tonic)
        out[part.id] = row
    return out


def _last(part: Part, row: Sequence[Note], end: Fraction, length: Fraction, tonic: Chord) -> list[Note]:
    level = max(40, round(sum(n.vel for n in row[-12:]) / len(row[-12:])))
    if part.drums:
        return [Note(part.id, end, Fraction(2), key, level) for key in (KICK, CRASH)]
    if part.id == "taiko":
        return [Note(part.id, end, Fraction(2), 41, level)]
    if row[-1].beat < end - 16:
        return []  # a part that has been silent for long does not come back for the last chord
    low, high = part.range
    if part.role in ("bass", "drone", "low_brass", "pulse", "riff"):
        pitches = [nearest(ladder((tonic.pcs[0],), low, high) or [low], row[-1].pitch)]
    elif part.role in ("lead", "counter"):
        pitches = [nearest(ladder(tonic.pcs[:1], low, high) or [row[-1].pitch], row[-1].pitch)]
    else:
        pitches = list(voice([tonic.pcs], part.range, 3)[0])
    return [Note(part.id, end, length, pitch, level) for pitch in pitches]
