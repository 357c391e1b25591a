"""The arrangement: who plays in which section, and from which bar.

Layers follow the energy (base, mid, high, peak), as vertical layers of a game do; beyond that the parts take turns, so
that no two sections sound alike: the intro holds back, the second voice comes with the theme's return, each section
leaves out one accompaniment in rotation, and nobody starts together (Adler, "The Study of Orchestration": contrast of
weight and colour between phrases).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from ...contract.score import SectionPlan
from .band import Band, Voice
from .chance import chance
from .figure import Line
from .knit import INSTRUMENTAL, SILENT, knit, turn_of, waits
from .score import Chord, Section

LAYER_FROM = {"base": 0.0, "mid": 0.44, "high": 0.50, "peak": 0.72}
"""Energy from which a layer plays where the plan does not say."""

_STAGGER = {"base": 1, "mid": 2, "high": 2, "peak": 4}
"""Bars after which a layer comes in where the piece begins."""

_FREE = frozenset(
    {"arp", "ostinato", "pluck", "comp", "keys", "piano", "pad", "stabs", "choir", "riff", "chant", "brass"}
)
_FLOOR = frozenset({"bass", "drone", "riff"})
_LOW = ("bass", "drone", "low_brass", "pulse", "riff")
_ANSWERS = frozenset({"counter", "color", "sparkle", "bell"})
_ABLE = _FREE | _FLOOR | {"harmony", "cluster", "low_brass", "pulse"}
"""Roles that carry harmony or the low end."""
_COLOURS = frozenset({"lead", "stabs", "hit", "fx"})


def active(
    index: int, sections: Sequence[Section], spec: SectionPlan, band: Band, arousal: float, seed: int
) -> set[str]:
    """Part ids that play in section `index`: the plan's word, else by layer, energy and turn."""
    section = sections[index]
    said: Mapping[str, bool] = spec.active or {}
    out = {v.part.id for v in band.voices if said.get(v.part.role, _wants(v, section, arousal))}
    rests = _resting(index, sections, band, out, seed) - {_anchors(band, sections, seed)[index]}
    out -= {part for part in rests if not said.get(_role(band, part), False)}
    if section.role not in INSTRUMENTAL:
        out |= _grounded(band, out, said)
        out |= _company(band, out, said)
    if not out and band.voices:
        out.add(band.voices[0].part.id)
    return out


def _grounded(band: Band, playing: set[str], said: Mapping[str, bool]) -> set[str]:
    """The low part that drums do not go without."""
    floor = [v.part for v in band.voices if v.part.role in _LOW]
    drummed = any(v.part.drums and v.part.id in playing for v in band.voices)
    if not drummed or any(p.id in playing for p in floor):
        return set()
    return {p.id for p in floor if said.get(p.role, True)} and {next(p.id for p in floor if said.get(p.role, True))}


def _company(band: Band, playing: set[str], said: Mapping[str, bool]) -> set[str]:
    """Who joins so that two parts are there besides the tune: held chords before figures, the lower layers first."""
    able = [v for v in band.voices if v.part.role in _ABLE and said.get(v.part.role, True)]
    missing = 2 - sum(v.part.id in playing for v in able)
    free = sorted(
        (v for v in able if v.part.id not in playing), key=lambda v: (LAYER_FROM[v.part.layer], v.spec.density)
    )
    return {v.part.id for v in free[: max(0, missing)]}


def _role(band: Band, part: str) -> str:
    return next(v.part.role for v in band.voices if v.part.id == part)


def _wants(voice: Voice, section: Section, arousal: float) -> bool:
    part = voice.part
    limit = LAYER_FROM[part.layer]
    if part.role == "lead":
        limit = 2.0 if section.role in ("intro", "break", "outro") else 0.0
    elif part.role == "perc":
        limit = 0.60 - 0.40 * arousal  # lively styles keep their drums where they are quiet
    elif part.role in _ANSWERS and section.role in ("A'", "B"):
        limit -= 0.17  # the second voice belongs to the return of the theme
    return section.energy >= limit


def _resting(index: int, sections: Sequence[Section], band: Band, playing: set[str], seed: int) -> set[str]:
    """The accompaniments that this section leaves out: one in turn where three and more play, all but one in a break
    and all but two in an intro."""
    section = sections[index]
    free = sorted(v.part.id for v in band.voices if v.part.role in _FREE and v.part.id in playing)
    floor = {v.part.id for v in band.voices if v.part.role in _FLOOR and v.part.id in playing}
    if len(free) < 2:
        return set()
    start = int(chance(seed, "rotation").integers(len(free)))
    at = turn_of(index, sections)
    turn = free[(start + at) % len(free)]
    if section.role in ("intro", "break", "outro"):
        kept = {free[(start + at + i) % len(free)] for i in range(2 if section.role == "intro" else 1)}
        return {part for part in free if part not in kept} | (
            floor if section.role == "intro" and len(playing) > 2 else set()
        )
    full = section.energy >= 0.75  # everybody plays where it is fullest
    alone = section.role == "B" and knit(sections) < 0.5
    return {turn} if (len(free) >= 3 or alone) and not full else set()


def _anchors(band: Band, sections: Sequence[Section], seed: int) -> list[str]:
    """By section the voice that carries it and never waits there: the drone where there is one, else the low layers in
    turn."""
    rows = [v.part for v in band.voices if not v.part.drums and v.part.role not in (*_ANSWERS, *_COLOURS)]
    drones = [p.id for p in rows if p.role == "drone"]
    base = drones or [p.id for p in rows if p.layer == "base"]
    if len(base) < 2 and not drones:
        base += [p.id for p in rows if p.layer == "mid"][:1]
    start = int(chance(seed, "anchor").integers(max(1, len(base))))
    return [base[(start + turn_of(i, sections)) % len(base)] if base else "" for i in range(len(sections))]


def resting(
    voice: Voice, index: int, sections: Sequence[Section], band: Band, playing: set[str], seed: int
) -> frozenset[int]:
    """Bars of section `index` in which a voice lays out: in the first section the layers come in one after another;
    later each part rests for some bars in some sections, so that nobody plays all the time."""
    section = sections[index]
    part = voice.part
    carries = _anchors(band, sections, seed)[index]
    if section.bars < 4 or (carries not in playing and part.layer == "base" and knit(sections) < 0.5):
        return frozenset()
    out = set(_laid_out(band, sections, seed).get((part.id, index), ()))
    if part.id == carries:
        return frozenset(out)
    if index == 0 and part.role != "lead":
        out |= set(range(_STAGGER[part.layer]))
    if part.layer == "peak" and section.bars >= 8 and chance(seed, section.id, part.role, "entrance").random() < 0.5:
        out |= set(range(4))
    return frozenset(out)


def tune_waits(band: Band, sections: Sequence[Section], seed: int) -> list[int]:
    """By section the bars for which the tune waits at its beginning."""
    voice = band.voice("lead")
    out = _laid_out(band, sections, seed) if voice else {}
    return [len(out.get((voice.part.id, i), ())) if voice else 0 for i in range(len(sections))]


def _laid_out(band: Band, sections: Sequence[Section], seed: int) -> dict[tuple[str, int], tuple[int, ...]]:
    """(part, section) → bars of the section in which it lays out: about a sixth of the piece for every part but drums
    and drones, in blocks of a phrase (two bars for what carries the low end), spread so that as few as can be rest at
    once; by the form alone."""
    total = sum(s.bars for s in sections)
    first = [sum(s.bars for s in sections[:i]) for i in range(len(sections))]
    crowd = [0] * total
    out: dict[tuple[str, int], tuple[int, ...]] = {}
    anchors = _anchors(band, sections, seed)
    # Where the theme returns only once, its return is kept full and B is where parts rest; else B is spared.
    once = sum(s.role in ("A", "A'") for s in sections) <= 2
    close = knit(sections)
    spare = [max(0.5 * once, 2.0 * close * (i > 0)) if s.role in ("A", "A'") else 0.4 for i, s in enumerate(sections)]
    summits = [i for i, s in enumerate(sections) if s.role == "B"]
    if len(summits) > 1:  # of several B the last is the piece's summit
        spare[summits[-1]] += 0.5
    voices = [v.part for v in band.voices if not v.part.drums and v.part.role not in ("drone", "fx")]
    # In a short piece two of many may rest in its contrast together, so that the theme keeps all of them.
    apart = 2.5 - 1.7 * close if sum(p.role in _ABLE for p in voices) >= 4 else 2.5
    for part in sorted(voices, key=lambda p: (p.role != "lead", p.role not in _FLOOR)):
        sings = part.role == "lead"
        rest = sum(s.bars for s in sections if s.role in INSTRUMENTAL) if sings else 0
        if not sings and sections[0].bars >= 4 and anchors[0] != part.id:
            rest = _STAGGER[part.layer]
            for b in range(rest):
                crowd[b] += 1
        size = 2 if part.role in _FLOOR or close >= 0.5 else 4
        start = int(chance(seed, "lays out", part.role).integers(len(sections)))
        blocks = [
            (i, range(at, at + size))
            for i, s in enumerate(sections)
            if s.bars >= 4
            for at in range(0, s.bars - size + 1, size)
            if i or at
        ]
        if sings:
            blocks = [(i, range(waits(i, sections))) for i in range(len(sections)) if waits(i, sections)]
        if size == 4 and not sings:  # where a section is about as long as the rest, the part leaves out all of it
            blocks += [
                (i, range(s.bars))
                for i, s in enumerate(sections)
                if i and s.role != "B" and 0.12 <= s.bars / total <= 0.22
            ]
        while rest < (SILENT if sings else SILENT + 0.02) * total and blocks:
            i, bars = min(
                blocks,
                key=lambda x: (
                    apart * max(crowd[first[x[0]] + b] for b in x[1]) + spare[x[0]] + 0.8 * (not x[0])
                    + 0.6 * (anchors[x[0]] == part.id) + _awkward(x[1], out.get((part.id, x[0]), ()), size),
                    (x[0] - start) % len(sections),
                    x[1].start,
                ),
            )  # fmt: skip
            taken = {*out.get((part.id, i), ())}
            blocks = [b for b in blocks if b[0] != i or not {*b[1]} & {*bars}]
            out[part.id, i] = tuple(sorted(taken | {*bars}))
            rest += len(bars)
            for b in bars:
                crowd[first[i] + b] += 1
    return out


def _awkward(bars: range, taken: Sequence[int], size: int) -> float:
    """How little a rest of `bars` suits: the low end rests at a phrase's end, the others at its beginning; two rests
    that touch are one long one."""
    if size == 2:
        place = 0.0 if bars.start % 4 == 2 else 0.3
    else:
        place = 0.3 * (bars.start > 0) - 0.3 * (len(bars) > size)
    return place + 0.6 * bool(taken) + 1.5 * any(b in taken for b in (bars.start - 1, bars.stop))


def covers(band: Band, playing: set[str], section: Section, spec: SectionPlan) -> list[Voice]:
    """Voices that may step in where those that play rest: held chords and figures that the section leaves out."""
    if section.role in INSTRUMENTAL:
        return []
    said: Mapping[str, bool] = spec.active or {}
    free = [v for v in band.voices if v.part.role in _ABLE - set(_LOW) and v.part.id not in playing]
    return [v for v in free if said.get(v.part.role, True) and v.part.layer != "peak"]


_FILLED, _WHOLE = 0.3, 0.9
"""Share of a bar that a part sounds for, from which on it is company (a plucked note now and then is none); that all
parts together sound for, added up."""
_OPENING = 2
"""Bars at the beginning of a piece that one part may have for itself."""


def joined(
    rows: Mapping[str, Sequence[Line]],
    rests: Mapping[str, frozenset[int]],
    due: Mapping[str, frozenset[int]],
    section: Section,
    band: Band,
) -> dict[str, frozenset[int]]:
    """The rests, shortened where fewer than two pitched parts would fill a bar of a section with a tune, and taken
    where three do instead. Parts that rest all through come in for a phrase before another's rest is cut.

    Args:
        rows: what each part would play in the section without rests, beats relative to it. rests: where each rests.
            due: the rests that each is to have here by its turn: they are cut only where one part would be alone.
    """
    out = dict(rests)
    if section.role in INSTRUMENTAL:
        return out
    bar = float(section.beats / section.bars)
    role = {v.part.id: v.part.role for v in band.voices}
    filled = {v.part.id: _shares(rows[v.part.id], bar, section.bars) for v in band.voices
              if not v.part.drums and v.part.id in rows}  # fmt: skip

    def playing(index: int, least: float) -> list[float]:
        return [share[index] for p, share in filled.items() if index not in out[p] and share[index] > least]

    def thin(index: int) -> bool:
        opens = section.start_beat == 0 and index < _OPENING
        here = playing(index, _FILLED)
        return len(here) < (1 if opens else 2) or (not opens and sum(here) < _WHOLE)

    bare = [thin(index) for index in range(section.bars)]
    for index in range(section.bars):
        alone = not any(bare[max(0, index - 1) : index]) and not any(bare[index + 1 : index + 2])
        if not thin(index) or (alone and index % 4 == 3):
            continue  # a phrase may end with a bar in which one part plays alone: a breath
        solo = len(playing(index, 0.0)) < 2
        away = sorted(
            (
                part for part, share in filled.items()
                if index in out[part] and share[index] > 0
                and (solo or index not in due[part])
            ),
            key=lambda part: (role[part] == "lead", len(rests[part]) < section.bars, role[part] in _FLOOR, part),
        )  # fmt: skip
        for part in away:
            if not thin(index):
                break
            until = next(b for b in range(index, section.bars + 1) if b not in out[part])
            until = min(until, 4 * (index // 4 + 1))
            out[part] = out[part] - set(range(index, until))
    return _made_up(out, rests, role, filled, section.bars)


def _made_up(
    out: dict[str, frozenset[int]], rests: Mapping[str, frozenset[int]], role: Mapping[str, str],
    filled: Mapping[str, Sequence[float]], bars: int,
) -> dict[str, frozenset[int]]:  # fmt: skip
    """Rests that were cut, taken where three parts and more play."""
    for part, share in filled.items():
        missing = len(rests[part]) - len(out[part]) if len(rests[part]) < bars else 0
        for at in range(0, bars, 2):
            block = set(range(at, min(at + 2, bars)))
            if missing <= 0 or role[part] == "lead":
                break
            full = all(sum(b not in out[p] and row[b] > _FILLED for p, row in filled.items()) > 2 for b in block)
            if full and all(share[b] > 0 for b in block) and not block & (out[part] | rests[part]):
                out[part] |= block
                missing -= len(block)
    return out


def _shares(lines: Sequence[Line], bar: float, bars: int) -> list[float]:
    """By bar the share of it that a part sounds for."""
    held = [0.0] * bars
    until = 0.0
    for start, end in sorted((float(x.beat), float(x.beat + x.dur)) for x in lines):
        at = max(start, until)
        while at < end and at < bars * bar:
            stop = min(end, (int(at // bar) + 1) * bar)
            held[int(at // bar)] += stop - at
            at = stop
        until = max(until, end)
    return [beats / bar for beats in held]


_RINGS = frozenset({"keys", "piano", "comp", "arp", "pluck", "pad", "harmony"})
"""Roles whose tones may go on where nothing else sounds; the bass where none of them is there."""
_HOLE = Fraction(1, 2)
"""Beats without a tone that are heard as a hole in a section with a tune."""


def rung(
    rows: Mapping[str, Sequence[Line]], chords: Sequence[Chord], section: Section, band: Band
) -> dict[str, list[Line]]:
    """The lines, with tones of the accompaniment held on over places in which no pitched part would sound: up to the
    next tone of any part, inside their chord.

    Args:
        rows: what the parts play in the section, rests taken; `chords` with beats relative to the section, too.
    """
    out = {part: list(row) for part, row in rows.items()}
    if section.role in INSTRUMENTAL:
        return out
    pitched = [v.part for v in band.voices if not v.part.drums and v.part.id in out]
    spans = sorted((x.beat, x.beat + x.dur) for part in pitched for x in out[part.id])
    until = Fraction(0)
    for start, end in [*spans, (section.beats, section.beats)]:
        if until and start - until >= _HOLE:
            stop = min([start, *(c.beat for c in chords if c.beat >= until)])
            able = sorted((p for p in pitched if p.role in _RINGS or p.role == "bass"), key=lambda p: p.role == "bass")
            last = {p.id: _before(out[p.id], until) for p in able}
            part = next((p for p, tones in last.items() if tones), None)
            if part is not None:
                out[part] = [replace(x, dur=stop - x.beat) if x in last[part] else x for x in out[part]]
        until = max(until, end)
    return out


def _before(row: Sequence[Line], at: Fraction) -> list[Line]:
    """The tones struck last before `at`, where they ended less than a beat before it."""
    last = max((x.beat for x in row if x.beat < at), default=at)
    return [x for x in row if x.beat == last and at - 1 < x.beat + x.dur <= at and x.artic != "stab"]


def rested(lines: Sequence[Line], bars: frozenset[int], bar: Fraction) -> list[Line]:
    """The lines without what begins in `bars`; held notes end there, and begin where the rest ends."""
    if not bars:
        return list(lines)
    out = []
    for line in lines:
        first = int(line.beat // bar)
        end = line.beat + line.dur
        if first in bars:
            back = next(b for b in range(first, first + len(bars) + 1) if b not in bars) * bar
            if end - back >= 1:
                out.append(replace(line, beat=back, dur=end - back))
            continue
        stop = next((b * bar for b in range(first + 1, math.ceil(end / bar)) if b in bars), None)
        out.append(line if stop is None else replace(line, dur=stop - line.beat))
    return out
