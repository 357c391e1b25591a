"""Where the music answers the picture, and how it ends.

At a hit the notes that start there are accented, a stroke or chord is added, and for heavy ones the beat before is
thinned (film scoring practice: Karlin and Wright, "On the Track"). The last chord rings from the final beat on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from ...contract.score import ScorePlan
from .drums import CRASH, KICK, RIDE_BELL, SNARE, SPLASH, TOM_LOW
from .metrics import chord_at
from .score import Chord, Hit, Note, Part
from .theory import ladder, nearest
from .voicing import voice

_KNEE, _HEADROOM = 72, 112
"""Of what is no accent in a piece that answers a picture: the velocity from which it is held back, and the highest one
that is left. At full strength nothing would stand out."""

_CALM = 0.42
"""Energy of a section below which a cymbal would stand apart from the music."""
_RING_S = 2.0
"""A crash rings so long that a hit within this time would be lost in it: of a row of hits the last one gets it."""

SOFT_LEVEL = 58
"""Mean velocity of what sounds around a hit below which a crash would stand apart from the music."""

_STABBERS = ("stabs", "hit", "brass", "low_brass", "arp", "ostinato", "pluck", "pad", "keys", "comp", "piano", "riff")


def answer_hits(
    parts: Sequence[Part],
    notes: dict[str, list[Note]],
    hits: Sequence[Hit],
    chords: Sequence[Chord],
    plan: ScorePlan,
    *,
    soft: bool = False,
) -> tuple[list[Part], dict[str, list[Note]]]:
    """Give each planned hit an onset that is heard: a stroke of the drums, else a chord of a sharp instrument.

    Its strength stands a step above what sounds around it. `soft` styles, soft places of others and places without
    drums get no cymbal: a bell, the harmony struck again, the groove's own drum. By kind: cuts and flashes an accent,
    impacts a low stroke and a beat of room before it, reveals the chord opened over the whole band, silences stop-time
    (everybody strikes once and is still up to the next bar line).
    """
    planned = [hit for hit in hits if hit.planned]
    if not planned:
        return list(parts), notes
    levels = {hit.beat: _level(notes, hit.beat, _bar(plan)) for hit in planned}
    out = _made_room({part: list(row) for part, row in notes.items()}, parts, planned, levels)
    drums = next((part for part in parts if part.drums), None)
    bass = next((part for part in parts if part.role in ("bass", "drone", "low_brass", "pulse")), None)
    sharp = sorted((p for p in parts if p.role in _STABBERS and not p.drums), key=lambda p: _STABBERS.index(p.role))
    open_to = [p for p in parts if p.role in ("pad", "choir", "brass", "low_brass") and not p.drums]
    apart, crashed = 4 * _bar(plan), None  # at most one big stroke in four bars
    for hit, after in zip(planned, [*planned[1:], None], strict=True):
        chord = chord_at(chords, hit.beat)
        kit = drums is not None and any(abs(n.beat - hit.beat) <= _bar(plan) for n in notes[drums.id])
        gentle = soft or not kit or levels[hit.beat] < SOFT_LEVEL or _energy(plan, hit.beat) < _CALM
        loud = min(127, round(levels[hit.beat] + 16 + 16 * hit.weight))
        free = after is None or after.t - hit.t >= _RING_S
        big = hit.weight >= 0.9 and free and (crashed is None or hit.beat - crashed >= apart)
        crashed = hit.beat if big else crashed
        here = [p for p in sharp if _plays(notes[p.id], hit.beat, _bar(plan))]
        stabs = chord is not None and bool(here or (sharp and (gentle or drums is None)))
        if drums is not None:
            if not free:
                out[drums.id] = [n for n in out[drums.id] if (n.beat, n.pitch) != (hit.beat, CRASH)]
            beaten = any(n.pitch == KICK and abs(n.beat - hit.beat) <= _bar(plan) for n in notes[drums.id])
            keys = _gentle_keys(hit.weight >= 0.45 or not stabs, beaten) if gentle else _hard_keys(hit, big)
            _strike(out, drums, hit, loud, keys)
        if chord is not None and stabs:
            _stab(out, (here or sharp)[0], hit, chord, loud, rings=gentle)
        if chord is not None and bass is not None and _plays(notes[bass.id], hit.beat, _bar(plan)):
            _ground(out, bass, hit, chord, loud)
        if chord is not None and hit.kind == "reveal":
            for part in open_to:
                _opened(out, part, hit, chord, loud, 2 * _bar(plan))
    for hit in planned:
        if hit.kind == "silence":
            out = _stopped(out, hit.beat, _bar(plan))
    return list(parts), out


def _level(notes: Mapping[str, Sequence[Note]], beat: Fraction, bar: Fraction) -> float:
    """Mean velocity of the notes that begin within a bar of `beat`, or, where none does, of those within four."""
    for reach in (bar, 4 * bar):
        near = [n.vel for row in notes.values() for n in row if abs(n.beat - beat) <= reach]
        if near:
            return sum(near) / len(near)
    return SOFT_LEVEL


def _energy(plan: ScorePlan, beat: Fraction) -> float:
    """Energy of the section that `beat` lies in."""
    found = [s.energy for s in plan.sections or () if (s.start_beat or 0) <= beat and s.energy is not None]
    return found[-1] if found else 0.5


def _plays(row: Sequence[Note], beat: Fraction, bar: Fraction) -> bool:
    """Whether a part is at work around `beat`; one that lays out is not called back for an accent."""
    before = any(beat - bar <= n.beat <= beat or n.beat <= beat < n.beat + n.dur_beats for n in row)
    return before and any(beat <= n.beat < beat + bar or n.beat <= beat < n.beat + n.dur_beats for n in row)


def _bar(plan: ScorePlan) -> Fraction:
    numerator, denominator = (plan.meter or "4/4").split("/")
    return Fraction(4 * int(numerator), int(denominator))


def _made_room(
    notes: dict[str, list[Note]], parts: Sequence[Part], hits: Sequence[Hit], levels: Mapping[Fraction, float]
) -> dict[str, list[Note]]:
    """Notes on a hit are accented; before a heavy one percussion and figures stop, held notes go on. Where none is
    held nothing stops: a breath is not a hole."""
    movers = {p.id for p in parts if p.drums or p.role in ("ostinato", "arp", "riff", "comp", "pulse", "harmony")}
    boost = {hit.beat: round((18 if hit.weight >= 0.9 else 14) * min(1.0, levels[hit.beat] / 80)) for hit in hits}
    held = [(n.beat, n.beat + n.dur_beats) for part, row in notes.items() if part not in movers for n in row]
    rooms = []
    for hit in hits:
        size = Fraction(1) if hit.weight >= 0.9 or hit.kind == "impact" else Fraction(1, 2)
        start, middle = hit.beat - size, hit.beat - size / 2
        if hit.weight >= 0.45 and any(a <= middle < b for a, b in held):
            rooms.append((float(start), float(hit.beat)))
    starts, ends = [a for a, _ in rooms], [b for _, b in rooms]

    def thinned(note: Note) -> bool:
        at = float(note.beat)
        i = bisect_right(ends, at)  # the first room that ends after the note
        return i < len(rooms) and starts[i] < at < ends[i]

    out = {}
    for part, row in notes.items():
        kept = [n for n in row if not thinned(n)] if part in movers else row
        out[part] = [
            replace(n, vel=min(127, n.vel + boost[n.beat]) if n.beat in boost else _held_back(n.vel)) for n in kept
        ]
    return out


def _held_back(vel: int) -> int:
    return vel if vel <= _KNEE else round(_KNEE + (vel - _KNEE) * (_HEADROOM - _KNEE) / (127 - _KNEE))


def _hard_keys(hit: Hit, big: bool) -> tuple[int, ...]:
    """A cymbal over kick and snare together: a band's accent, as broad as its back beat and broader."""
    keys = (CRASH, KICK, SNARE) if big else (SPLASH, KICK, SNARE) if hit.weight >= 0.45 else (KICK,)
    return (*keys, TOM_LOW) if hit.kind == "impact" else keys


def _gentle_keys(rung: bool, beaten: bool) -> tuple[int, ...]:
    """The groove's own drum where there is one; a bell where the moment weighs or nothing else answers."""
    return (*((RIDE_BELL,) if rung else ()), *((KICK,) if beaten else ()))


def _strike(notes: dict[str, list[Note]], drums: Part, hit: Hit, loud: int, keys: Sequence[int]) -> None:
    have = {n.pitch for n in notes[drums.id] if n.beat == hit.beat}
    notes[drums.id] += [
        Note(drums.id, hit.beat, Fraction(1, 2), key, loud - 8 * (key in (CRASH, SPLASH)))
        for key in keys
        if key not in have
    ]


def _stab(notes: dict[str, list[Note]], part: Part, hit: Hit, chord: Chord, loud: int, *, rings: bool) -> None:
    if sum(1 for n in notes[part.id] if n.beat == hit.beat) >= 2:
        return
    held = [n for n in notes[part.id] if n.beat < hit.beat < n.beat + n.dur_beats]
    if rings and len(held) > 1:  # its own voicing is struck again: another on top of it would be a second part
        again = [replace(n, beat=hit.beat, dur_beats=n.beat + n.dur_beats - hit.beat, vel=loud - 8) for n in held]
        notes[part.id] = [*_cut(notes[part.id], hit.beat), *again]
        return
    tones = ladder(chord.pcs, *part.range)
    middle = sum(part.range) / 2
    row = sorted(sorted(tones, key=lambda p: abs(p - middle))[:3])
    have = {n.pitch for n in notes[part.id] if n.beat == hit.beat}
    length, how = (min(Fraction(2), chord.beat + chord.beats - hit.beat), "") if rings else (Fraction(1), "stab")
    notes[part.id] += [Note(part.id, hit.beat, length, p, loud - 8, 0.0, how) for p in row if p not in have]


def _ground(notes: dict[str, list[Note]], bass: Part, hit: Hit, chord: Chord, loud: int) -> None:
    """The bass under a hit: what it holds is struck again, else its root comes in."""
    if any(n.beat == hit.beat for n in notes[bass.id]):
        return
    pitch = nearest(ladder((chord.bass_pc,), *bass.range) or [bass.range[0]], sum(bass.range) / 2 - 4)
    held = [n for n in notes[bass.id] if n.beat < hit.beat < n.beat + n.dur_beats]
    notes[bass.id] = _cut(notes[bass.id], hit.beat)
    again = [replace(n, beat=hit.beat, dur_beats=n.beat + n.dur_beats - hit.beat, vel=loud - 6) for n in held]
    notes[bass.id] += again or [Note(bass.id, hit.beat, Fraction(1), pitch, loud - 6)]


def _opened(notes: dict[str, list[Note]], part: Part, hit: Hit, chord: Chord, loud: int, longest: Fraction) -> None:
    """The chord spread over the part's whole range, held to the chord's end."""
    length = min(longest, chord.beat + chord.beats - hit.beat)
    later = [n for n in notes[part.id] if n.beat >= hit.beat + length or n.beat < hit.beat]
    wide = voice([chord.pcs], part.range, 4)[0]
    notes[part.id] = _cut(later, hit.beat) + [Note(part.id, hit.beat, length, p, loud - 12) for p in wide]


def _stopped(notes: dict[str, list[Note]], beat: Fraction, bar: Fraction) -> dict[str, list[Note]]:
    """Stop-time: what sounds at `beat` is short, nothing follows before the next bar line that is a beat away."""
    until = (beat // bar + 1) * bar
    until += bar if until - beat < 1 else 0
    short = Fraction(1, 2)
    out = {}
    for part, row in notes.items():
        kept = [n for n in _cut(row, beat) if not beat < n.beat < until]
        out[part] = [replace(n, dur_beats=min(n.dur_beats, short)) if n.beat == beat else n for n in kept]
    return out


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


def close_loop(
    parts: Sequence[Part], notes: dict[str, list[Note]], start: Fraction, plan: ScorePlan, *, soft: bool
) -> dict[str, list[Note]]:
    """The turn of a loop: where its first beat is thin, the drums land on it, so that a full last bar leads somewhere.

    Only what plays around that beat decides, so that an edit of the last section leaves the first as it was.
    """
    drums = next((part for part in parts if part.drums and notes.get(part.id)), None)
    opens = {part for part, row in notes.items() for n in row if n.beat == start}
    if drums is None or drums.id in opens or len(opens) >= 3:
        return notes
    level = round(_level(notes, start, _bar(plan)))
    keys = (KICK, RIDE_BELL) if soft or level < SOFT_LEVEL else (KICK, CRASH)
    return notes | {drums.id: [Note(drums.id, start, Fraction(1, 2), k, level) for k in keys] + notes[drums.id]}


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
