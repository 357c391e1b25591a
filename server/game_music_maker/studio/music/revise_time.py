"""Edits at moments of the music."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from ...contract.score import HitPlan
from ..replies import say
from .change import Change
from .desk import Desk
from .tempo import Event, placed

_WINDOW_S = 0.035
_APART_S = 0.25
"""A hit of the picture so near to one that was asked for is the same to an ear."""


def strike(desk: Desk, change: Change) -> None:
    """A hit at a moment that the user names, on the nearest place that notes can have; all else stays where it is."""
    at = change.start_s or 0.0
    tempo, total = desk.tempo(), sum((row.bars or 0 for row in desk.sections), Fraction(0)) * desk.bar()
    event = Event(at, 1.0, change.word or "impact", locked=True)
    beat = placed([event], tempo, total, _WINDOW_S)[0][1]
    if beat is None:
        desk.notes.append(say("revise.no_moment", at=at, s=tempo.seconds(total)))
        return
    kind: Literal["accent", "silence", "impact"] = "impact"
    if change.word in ("accent", "silence"):
        kind = "accent" if change.word == "accent" else "silence"
    hit = HitPlan(t=at, beat=float(beat), kind=kind, weight=1.0, locked=True)
    kept = [h for h in desk.plan.hits or () if h.locked or abs(h.t - at) > _APART_S]
    kept = [h for h in kept if abs(h.t - at) > 0.001]
    desk.set(hits=tuple(sorted([*kept, hit], key=lambda h: h.t)))
    desk.notes.append(say("revise.stops" if kind == "silence" else "revise.strikes", at=at))


def drop(desk: Desk, change: Change) -> None:
    """A strike at a moment, from which on the music is at its fullest; what leads there holds back."""
    strike(desk, change.model_copy(update={"word": "impact"}))
    after = desk.where(change)
    if not after:
        return
    desk.update(after, lambda row: {"energy": max(row.energy or 0.5, 0.9)})
    desk.update(range(max(0, after[0] - 1), after[0]), lambda row: {"energy": min(row.energy or 0.5, 0.4)})
    desk.notes.append(say("revise.drops", at=change.start_s or 0.0))
