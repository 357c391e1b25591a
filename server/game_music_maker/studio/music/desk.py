"""A plan on the desk while it is edited: which sections a change means, and laying the piece out anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ...contract.score import LoopPlan, ScorePlan, SectionPlan
from ..footage import VideoMap
from ..replies import Said, say
from .band import palettes_of
from .brief import ArcPoint, Brief
from .carry import bar_of, carried, tempo_of
from .change import Change
from .complete import make_plan
from .score import TempoMap


@dataclass
class Desk:
    """A plan on the desk: `plan` changes edit by edit, `notes` tell what was done."""

    plan: ScorePlan
    video: VideoMap | None
    notes: list[Said]
    keep_theme: bool

    def set(self, **fields: Any) -> None:
        self.plan = self.plan.model_copy(update=fields)

    @property
    def sections(self) -> tuple[SectionPlan, ...]:
        return self.plan.sections or ()

    def tempo(self) -> TempoMap:
        return tempo_of(self.plan)

    def bar(self) -> Fraction:
        return bar_of(self.plan)

    def update(self, where: Sequence[int], change: Callable[[SectionPlan], dict[str, Any]]) -> list[str]:
        """Apply `change` to the sections of `where` that are not locked; their ids."""
        rows = list(self.sections)
        done = []
        for i in where:
            if rows[i].lock:
                self.notes.append(say("revise.locked", section=rows[i].id))
                continue
            rows[i] = rows[i].model_copy(update=change(rows[i]))
            done.append(str(rows[i].id))
        self.set(sections=tuple(rows))
        return done

    def span(self, change: Change) -> tuple[float, float]:
        """Named seconds of the music (negative starts count from the end)."""
        length = self.plan.length_s or 0.0
        start = change.start_s or 0.0
        start = max(0.0, length + start) if start < 0 else start
        return start, length if change.end_s is None else change.end_s

    def where(self, change: Change) -> list[int]:
        """Indices of the sections that a change means; empty where its section does not exist."""
        rows = self.sections
        if change.section is not None:
            return self._named(change.section)
        if change.start_s is None and change.end_s is None:
            return list(range(len(rows)))
        start, end = self.span(change)
        tempo, bar = self.tempo(), self.bar()
        out = []
        for i, row in enumerate(rows):
            a = tempo.seconds(Fraction(row.start_beat or 0).limit_denominator(960))
            b = a + tempo.seconds(Fraction(row.start_beat or 0).limit_denominator(960) + (row.bars or 1) * bar) - a
            if min(b, end) - max(a, start) > 0.5 * min(b - a, end - start):
                out.append(i)
        return out

    def _named(self, name: str) -> list[int]:
        rows = self.sections
        if name.lstrip("-").isdigit():
            number = int(name)
            index = number - 1 if number > 0 else len(rows) + number
            return [index] if 0 <= index < len(rows) else []
        if name == "middle":
            return list(range(len(rows)))[1:-1] or [len(rows) // 2]
        found = [i for i, row in enumerate(rows) if row.role == name]
        if not found and name == "intro" and rows:
            return [0]
        if not found and name == "outro" and rows:
            return [len(rows) - 1]
        if not found and name == "A":
            return [i for i, row in enumerate(rows) if row.role == "A'"]
        return found

    def relaid(
        self, *, bpm: float | None = None, free: bool = False, requests: frozenset[str] = frozenset(), **fields: Any
    ) -> None:
        """Lay the piece out anew with the given fields, keeping theme, key, wishes, the course of intensity and
        what was said about single sections."""
        old = self.plan
        total = sum(s.bars or 0 for s in self.sections) or 1
        arc, at = [], 0
        for row in self.sections:
            arc.append(ArcPoint(level=row.energy or 0.5, share=(at + (row.bars or 0) / 2) / total))
            at += row.bars or 0
        footage = self.video is not None and self.video.duration > 0
        locked = tuple(h.model_copy(update={"beat": None}) for h in old.hits or () if h.locked)
        keep: dict[str, Any] = {
            "sections": None, "tempo_map": None, "hits": locked or None,
            "length_s": None if footage or old.loop else old.length_s,
            "loop": LoopPlan(start_beat=old.loop.start_beat) if isinstance(old.loop, LoopPlan) else bool(old.loop),
        }  # fmt: skip
        given = old.model_copy(update={**keep, **fields})
        current = None if free else bpm or (old.tempo_map[0].bpm if old.tempo_map else None)
        beat_unit = 1.5 if palettes_of(old)[0].bpm_unit == "dq" and (given.meter or "4/4").endswith("8") else 1.0
        bars = total if old.loop and not footage else None
        brief = Brief(bpm=current / beat_unit if current else None, arc=tuple(arc), bars=bars, requests=requests)
        made, notes = make_plan(brief, self.video, given=given)
        self.plan = carried(old, made)
        self.notes += [n for n in notes if n.ids[0] in ("plan.tempo_follows", "plan.loop_tempo")]


def clip(value: float, low: float = 0.0, high: float = 1.0) -> float:
    return round(min(high, max(low, value)), 4)


def targeted(change: Change) -> bool:
    return change.section is not None or change.start_s is not None or change.end_s is not None
