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
from .score import Section

LAYER_FROM = {"base": 0.0, "mid": 0.44, "high": 0.50, "peak": 0.72}
"""Energy from which a layer plays where the plan does not say."""

_STAGGER = {"base": 1, "mid": 2, "high": 2, "peak": 4}
"""Bars after which a layer comes in where the piece begins."""

_FREE = frozenset(
    {"arp", "ostinato", "pluck", "comp", "keys", "piano", "pad", "stabs", "choir", "riff", "chant", "brass"}
)
_FLOOR = frozenset({"bass", "drone", "riff"})
_ANSWERS = frozenset({"counter", "color", "sparkle", "bell"})
_INSTRUMENTAL = ("intro", "break", "outro")
"""Roles of sections without a tune."""
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
    if not out and band.voices:
        out.add(band.voices[0].part.id)
    return out


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
    """The accompaniments that this section leaves out: one in turn where three and more play, most in a break."""
    section = sections[index]
    free = sorted(v.part.id for v in band.voices if v.part.role in _FREE and v.part.id in playing)
    floor = {v.part.id for v in band.voices if v.part.role in _FLOOR and v.part.id in playing}
    if len(free) < 2:
        return set()
    start = int(chance(seed, "rotation").integers(len(free)))
    turn = free[(start + index) % len(free)]
    if section.role in ("intro", "break", "outro"):
        kept = free[(start + index) % len(free)]
        return {part for part in free if part != kept} | (
            floor if section.role == "intro" and len(playing) > 2 else set()
        )
    return {turn} if len(free) >= 3 or section.role == "B" else set()


def _anchors(band: Band, sections: Sequence[Section], seed: int) -> list[str]:
    """By section the voice that carries it and never waits there: the drone where there is one, else the low layers in
    turn."""
    rows = [v.part for v in band.voices if not v.part.drums and v.part.role not in (*_ANSWERS, *_COLOURS)]
    drones = [p.id for p in rows if p.role == "drone"]
    base = drones or [p.id for p in rows if p.layer == "base"]
    if len(base) < 2 and not drones:
        base += [p.id for p in rows if p.layer == "mid"][:1]
    start = int(chance(seed, "anchor").integers(max(1, len(base))))
    return [base[(start + i) % len(base)] if base else "" for i in range(len(sections))]


def entrance(
    voice: Voice, index: int, sections: Sequence[Section], band: Band, playing: set[str], seed: int
) -> Fraction:
    """Beats that a voice waits at the start of a section: in the first one the layers come in one after another; later
    each part lays out for a while in some sections, so that nobody plays all the time."""
    section = sections[index]
    bar = section.beats / section.bars
    part = voice.part
    carries = _anchors(band, sections, seed)[index]
    if section.bars < 4 or part.id == carries or (carries not in playing and part.layer == "base"):
        return Fraction(0)
    wait = Fraction(_laid_out(band, sections, seed).get((part.id, index), 0)) * bar
    if index == 0 and part.role != "lead":
        return max(wait, _STAGGER[part.layer] * bar)
    if part.layer == "peak" and section.bars >= 8 and chance(seed, section.id, part.role, "entrance").random() < 0.5:
        return max(wait, 4 * bar)
    return wait


def _laid_out(band: Band, sections: Sequence[Section], seed: int) -> dict[tuple[str, int], int]:
    """(part, section) → bars at the section's start in which it lays out: about a sixth of the piece for every part
    but drums and drones, spread over the sections, by the form alone."""
    count, total = len(sections), sum(s.bars for s in sections)
    out: dict[tuple[str, int], int] = {}
    crowd = [0] * count
    anchors = _anchors(band, sections, seed)
    # Where the theme returns only once, its return is kept full and B is where parts rest; else B is spared.
    once = sum(s.role in ("A", "A'") for s in sections) <= 2
    spare = [1.5 * once if s.role in ("A", "A'") else 1.0 * (not once) for s in sections]
    for voice in band.voices:
        part = voice.part
        if part.drums or part.role in ("drone", "fx"):
            continue
        singing = part.role != "lead"
        free = [
            i
            for i, s in enumerate(sections)
            if s.bars >= 4 and anchors[i] != part.id and (singing or (i and s.role not in _INSTRUMENTAL))
        ]
        rest = sum(s.bars for s in sections if s.role in _INSTRUMENTAL) if not singing else 0
        if singing and 0 in free:
            rest = out[part.id, 0] = _STAGGER[part.layer]
        start = int(chance(seed, "lays out", part.role).integers(count))
        order = sorted((i for i in free if i), key=lambda i: (crowd[i] + spare[i], (i - start) % count))
        for i in order:
            if rest < 0.21 * total:
                out[part.id, i] = 4 if sections[i].bars >= 7 else sections[i].bars // 2
                rest += out[part.id, i]
                crowd[i] += 1
        for i in [*order, *(i for i in free if i == 0)]:  # too few sections to rest in: longer there
            if rest < 0.18 * total:
                more = min(sections[i].bars - 2 - out.get((part.id, i), 0), math.ceil(0.18 * total - rest))
                out[part.id, i] = out.get((part.id, i), 0) + max(0, more)
                rest += max(0, more)
    return out


def waited(lines: Sequence[Line], wait: Fraction) -> list[Line]:
    """The lines without what comes before beat `wait`; held notes begin there."""
    if wait <= 0:
        return list(lines)
    out = []
    for line in lines:
        if line.beat >= wait:
            out.append(line)
        elif line.beat + line.dur - wait >= 1:
            out.append(replace(line, beat=wait, dur=line.beat + line.dur - wait))
    return out
