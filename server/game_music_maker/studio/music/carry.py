"""What was said about single sections, carried over where a piece is laid out anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf

from ...contract.score import ScorePlan, SectionPlan
from .score import TempoMap


@dataclass(frozen=True, slots=True)
class _Stretch:
    row: SectionPlan
    start: Fraction
    beats: Fraction


def tempo_of(plan: ScorePlan) -> TempoMap:
    points = tuple((Fraction(p.beat).limit_denominator(960), p.bpm) for p in plan.tempo_map or ())
    return TempoMap(points or ((Fraction(0), 100.0),), plan.phase_s or 0.0)


def bar_of(plan: ScorePlan) -> Fraction:
    """Quarter notes of a bar."""
    numerator, denominator = (plan.meter or "4/4").split("/")
    return Fraction(4 * int(numerator), int(denominator))


def carried(old: ScorePlan, new: ScorePlan) -> ScorePlan:
    """`new` with the edits of the sections of `old`: who plays, how busily, how often the tune is varied, from the
    section that stood there; silences at the same seconds, to the end where they went to the end."""
    before, after = _stretches(old), _stretches(new)
    if not before or not after:
        return new
    rests = _rests(before, tempo_of(old))
    tempo = tempo_of(new)
    return new.model_copy(update={"sections": tuple(_edited(one, after, before, rests, tempo) for one in after)})


def _stretches(plan: ScorePlan) -> list[_Stretch]:
    out, at, bar = [], Fraction(0), bar_of(plan)
    for row in plan.sections or ():
        out.append(_Stretch(row, at, (row.bars or 1) * bar))
        at += out[-1].beats
    return out


def _rests(rows: Sequence[_Stretch], tempo: TempoMap) -> list[tuple[str, float, float]]:
    """(role, from, to) in seconds of every silence; inf for one that goes to the end of the piece."""
    end = rows[-1].start + rows[-1].beats
    out = []
    for one in rows:
        for role, (first, last) in (one.row.silent or {}).items():
            until = one.start + Fraction(last).limit_denominator(960)
            begin = one.start + Fraction(first).limit_denominator(960)
            out.append((role, tempo.seconds(begin), inf if until >= end else tempo.seconds(until)))
    return out


def _edited(
    one: _Stretch,
    after: Sequence[_Stretch],
    before: Sequence[_Stretch],
    rests: Sequence[tuple[str, float, float]],
    tempo: TempoMap,
) -> SectionPlan:
    lengths = (after[-1].start + after[-1].beats, before[-1].start + before[-1].beats)
    middle = (one.start + one.beats / 2) / lengths[0] * lengths[1]
    was = next((b.row for b in before if b.start <= middle < b.start + b.beats), before[-1].row)
    silent: dict[str, tuple[float, float]] = {}
    for role, start, end in rests:
        first = max(0.0, float(tempo.beat(start) - one.start))
        last = float(one.beats) if end == inf else min(float(one.beats), float(tempo.beat(end) - one.start))
        if last > first:
            held = silent.get(role, (first, last))
            silent[role] = (round(4 * min(held[0], first)) / 4, round(4 * max(held[1], last)) / 4)
    return one.row.model_copy(
        update={
            "active": {**(one.row.active or {}), **(was.active or {})},
            "density": {**(one.row.density or {}), **(was.density or {})},
            "variation": was.variation or 0,
            "silent": silent or None,
        }
    )
