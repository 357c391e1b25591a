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
from .carry import bar_of
from .drums import CRASH, KICK, NOISE, RIDE_BELL, SNARE, SPLASH, TOM_LOW
from .gestures import IMPACT, RISER
from .metrics import chord_at
from .score import Chord, Hit, Note, Part
from .theory import ladder, nearest
from .voicing import voice

_KNEE, _HEADROOM = 50, 106
"""Of what is no accent in a piece that answers a picture: the velocity from which it is held back, and the highest one
that is left. At full strength nothing would stand out."""

_CALM = 0.42
"""Energy of a section below which a cymbal would stand apart from the music."""
_RING_S = 2.0
"""A crash rings so long that a hit within this time would be lost in it: of a row of hits the last one gets it."""

_PUSH = Fraction(1, 4)
"""Beats before a chord within which a hit takes it along."""
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
    levels = {hit.beat: level(notes, hit.beat, bar_of(plan)) for hit in planned}
    marks = [Fraction(s.start_beat or 0).limit_denominator(960) for s in plan.sections or ()]
    out = _made_room({part: list(row) for part, row in notes.items()}, parts, planned, levels, marks)
    drums = next((part for part in parts if part.drums), None)
    bass = next((part for part in parts if part.role in ("bass", "drone", "low_brass", "pulse")), None)
    sharp = sorted((p for p in parts if p.role in _STABBERS and not p.drums), key=lambda p: _STABBERS.index(p.role))
    open_to = [p for p in parts if p.role in ("pad", "choir", "brass", "low_brass") and not p.drums]
    starts = frozenset(marks)
    apart, crashed = 4 * bar_of(plan), None  # at most one big stroke in four bars
    if drums is not None:
        out[drums.id] = _spared(out[drums.id], planned, bar_of(plan))
    for hit, after in zip(planned, [*planned[1:], None], strict=True):
        chord = _pushed(out, parts, hit.beat, chords, starts)
        kit = drums is not None and any(abs(n.beat - hit.beat) <= bar_of(plan) for n in notes[drums.id])
        gentle = soft or not kit or levels[hit.beat] < SOFT_LEVEL or _energy(plan, hit.beat) < _CALM
        loud = min(127, round(levels[hit.beat] + 16 + 16 * hit.weight))
        free = after is None or after.t - hit.t >= _RING_S or after.weight < hit.weight
        big = hit.weight >= 0.9 and free and (crashed is None or hit.beat - crashed >= apart)
        crashed = hit.beat if big else crashed
        here = [p for p in sharp if _plays(notes[p.id], hit.beat, bar_of(plan))]
        stabs = chord is not None and bool(here or (sharp and (gentle or drums is None)))
        if drums is not None:
            if not free:
                out[drums.id] = [n for n in out[drums.id] if (n.beat, n.pitch) != (hit.beat, CRASH)]
            beaten = any(n.pitch == KICK and abs(n.beat - hit.beat) <= bar_of(plan) for n in notes[drums.id])
            keys = _gentle_keys(hit.weight >= 0.45 or not stabs, beaten) if gentle else _hard_keys(hit, big)
            _strike(out, drums, hit, loud, keys)
        if chord is not None and stabs:
            _stab(out, (here or sharp)[0], hit, chord, loud, rings=gentle)
        if chord is not None and bass is not None and _plays(notes[bass.id], hit.beat, bar_of(plan)):
            _ground(out, bass, hit, chord, loud, starts)
        if chord is not None and hit.kind == "reveal":
            for part in open_to:
                _opened(out, part, hit, chord, loud, 2 * bar_of(plan))
    for hit in planned:
        if hit.kind == "silence":
            out = _stopped(out, hit.beat, bar_of(plan))
    return list(parts), out


def level(notes: Mapping[str, Sequence[Note]], beat: Fraction, bar: Fraction) -> float:
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


def _made_room(
    notes: dict[str, list[Note]],
    parts: Sequence[Part],
    hits: Sequence[Hit],
    levels: Mapping[Fraction, float],
    marks: Sequence[Fraction],
) -> dict[str, list[Note]]:
    """Notes on a hit are accented; before a heavy one percussion and figures stop, held notes go on. Where none is
    held nothing stops: a breath is not a hole. What is no accent is held back: in the whole piece where it answers a
    picture, in the sections (`marks`: where they start) of the hits where all of them were asked for one by one, so
    that the others stay as they are."""
    asked = {bisect_right(marks, hit.beat) for hit in hits} if all(hit.locked for hit in hits) else None
    console = any(p.synth == NOISE for p in parts)
    movers = {p.id for p in parts if p.role in ("perc", "ostinato", "arp", "riff", "comp", "pulse", "harmony")}
    boost = {hit.beat: round((18 if hit.weight >= 0.9 else 14) * min(1.0, levels[hit.beat] / 80)) for hit in hits}
    held = [(n.beat, n.beat + n.dur_beats) for part, row in notes.items() if part not in movers for n in row]
    rooms = []
    for hit in hits:
        size = Fraction(1) if hit.weight >= 0.9 or hit.kind == "impact" else Fraction(1, 2)
        start, middle = hit.beat - size, hit.beat - size / 2
        if hit.weight >= 0.45 and (console or any(a <= middle < b for a, b in held)):
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
            replace(n, vel=min(127, n.vel + boost[n.beat])) if n.beat in boost else
            n if part in (RISER, IMPACT) or (asked is not None and bisect_right(marks, n.beat) not in asked)
            else replace(n, vel=_held_back(n.vel))
            for n in kept
        ]  # fmt: skip
    return out


def _spared(row: Sequence[Note], hits: Sequence[Hit], bar: Fraction) -> list[Note]:
    """The groove's crashes less those that would still ring over a hit: a cymbal is kept for the moment it marks."""
    marked = sorted(hit.beat for hit in hits if hit.weight >= 0.45)

    def over(beat: Fraction) -> bool:
        i = bisect_right(marked, beat)
        return beat not in marked and i < len(marked) and marked[i] - beat < bar

    return [n for n in row if n.pitch != CRASH or not over(n.beat)]


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
    """Strokes of `keys`; where the groove has one of them there, it is struck as hard."""
    wanted = {key: loud - 8 * (key in (CRASH, SPLASH)) for key in keys}
    have = {n.pitch: n.vel for n in notes[drums.id] if n.beat == hit.beat}
    notes[drums.id] = [n for n in notes[drums.id] if n.beat != hit.beat or n.pitch not in wanted]
    notes[drums.id] += [
        Note(drums.id, hit.beat, Fraction(1, 2), key, max(vel, have.get(key, 0))) for key, vel in wanted.items()
    ]


def _pushed(
    notes: dict[str, list[Note]],
    parts: Sequence[Part],
    beat: Fraction,
    chords: Sequence[Chord],
    starts: frozenset[Fraction],
) -> Chord | None:
    """The chord of a hit. One that is to come less than a sixteenth later comes with the hit, as a push: everybody who
    would strike it strikes it there. The first chord of a section (`starts`) waits, so that sections stay apart."""
    soon = chord_at(chords, beat + _PUSH)
    if soon is None or not beat < soon.beat < beat + _PUSH or soon.beat in starts:
        return chord_at(chords, beat)
    for part in parts:
        row = notes.get(part.id, [])
        if not part.drums and any(n.beat == soon.beat for n in row):
            notes[part.id] = _brought([n for n in row if not beat <= n.beat < soon.beat], beat, soon.beat)
    return replace(soon, beat=beat, beats=soon.beats + soon.beat - beat)


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


def _ground(
    notes: dict[str, list[Note]], bass: Part, hit: Hit, chord: Chord, loud: int, starts: frozenset[Fraction]
) -> None:
    """The bass under a hit: its next note comes with it where that is near, what it holds is struck again, else the
    root comes in. A drone goes on: struck at every cut it would stutter."""
    row = notes[bass.id]
    held = [n for n in row if n.beat < hit.beat < n.beat + n.dur_beats]
    if any(n.beat == hit.beat for n in row) or (held and bass.role == "drone"):
        return
    after = min((n.beat for n in row if n.beat > hit.beat), default=hit.beat + 4)
    if after - hit.beat < _PUSH and not any(hit.beat < start <= after for start in starts):
        notes[bass.id] = _brought(row, hit.beat, after)
        return
    pitch = nearest(ladder((chord.bass_pc,), *bass.range) or [bass.range[0]], sum(bass.range) / 2 - 4)
    again = [
        replace(n, beat=hit.beat, dur_beats=n.beat + n.dur_beats - hit.beat, vel=loud - 6)
        for n in held
        if n.beat + n.dur_beats - hit.beat >= _PUSH
    ]
    root = Note(bass.id, hit.beat, min(Fraction(1), after - hit.beat), pitch, loud - 6)
    notes[bass.id] = _cut(row, hit.beat) + (again or [root])


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


def _brought(row: Sequence[Note], beat: Fraction, since: Fraction) -> list[Note]:
    """The notes that begin at `since` begin at `beat`, which is earlier; what holds over it ends there."""
    taken = [n for n in row if n.beat == since]
    kept = _cut([n for n in row if n.beat != since], beat)
    return kept + [replace(n, beat=beat, dur_beats=n.dur_beats + since - beat) for n in taken]


def _cut(row: Sequence[Note], beat: Fraction) -> list[Note]:
    """Notes that hold over `beat` end there."""
    return [replace(n, dur_beats=beat - n.beat) if n.beat < beat < n.beat + n.dur_beats else n for n in row]
