"""The lead in each section: which theme, how it comes back, and where it is silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from ...contract.score import ScorePlan, SectionPlan
from .band import Band
from .chance import chance
from .figure import Line
from .melody import LeadNote, Room, adapt, vary, write_theme
from .motif import Bar
from .score import Chord, Section

THEME_BARS = 8


@dataclass
class Lead:
    """The themes written so far in one run of the composer; `themes` fills as sections ask."""

    seed: int
    bar: Fraction
    band: Band
    plan: ScorePlan
    themes: dict[str, list[LeadNote]] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)

    def room(self) -> Room | None:
        voice = self.band.voice("lead")
        if voice is None:
            return None
        plan = self.plan
        arousal = 0.5 if plan.arousal is None else plan.arousal
        tension = 0.3 if plan.tension is None else plan.tension
        low, high = voice.part.range
        # Moods file, register_semitones: bright and lively moods sing higher, dark ones lower.
        shift = 1.6 * (5 * (plan.valence or 0.0) + 3 * (arousal - 0.5))
        span = (low, high)
        centre = min(high - 7.0, max(low + 6.0, low + 0.46 * (high - low) + shift))
        rest = min(0.5, max(0.03, 0.28 - 0.22 * arousal + 0.18 * tension + 0.25 * (0.9 - voice.spec.density)))
        palette = self.band.scene if self.band.scene.melody else self.band.style
        busy = min(1.0, max(0.0, 0.15 + 0.55 * arousal + 0.2 * (voice.spec.density - 0.8)))
        return Room(self.bar, int(self.bar * 4), span, centre, palette, busy, rest)


def lead_lines(lead: Lead, section: Section, spec: SectionPlan, chords: Sequence[Chord]) -> list[Line]:
    """The lead's notes in one section, beats relative to it; empty where there is no lead voice or no chord."""
    room = lead.room()
    if room is None or not chords:
        return []
    name = "B" if section.role in ("B", "build") else "A"
    if name not in lead.themes:
        size = min(THEME_BARS, section.bars)
        row = _first(chords, size * lead.bar)
        lead.themes[name] = write_theme(name, size, row, room, lead.seed, _given(lead.plan, room))
        lead.heard[name] = 0
    theme = lead.themes[name]
    length = THEME_BARS * lead.bar
    generator = chance(lead.seed, section.id, "lead", spec.seed_offset or 0)
    lines: list[Line] = []
    at = Fraction(0)
    while at < section.beats:
        here = [replace(c, beat=c.beat - at) for c in chords if c.beat + c.beats > at]
        notes = [n for n in theme if at + n.beat < section.beats]
        again = lead.heard[name] > 0
        notes = adapt(notes, here, room)
        if again or section.role == "A'":
            notes = vary(notes, here, room, generator)
        lines += [
            Line(at + n.beat, min(n.dur, section.beats - at - n.beat), n.pitch, 0.35 if n.beat % lead.bar == 0 else 0.1)
            for n in notes
        ]
        lead.heard[name] += 1
        at += min(length, max(lead.bar, _size(theme, lead.bar)))
    return lines


def _size(theme: Sequence[LeadNote], bar: Fraction) -> Fraction:
    """The length of a theme in whole bars, as beats."""
    end = max((n.beat + n.dur for n in theme), default=bar)
    return -(-end // bar) * bar


def _first(chords: Sequence[Chord], end: Fraction) -> list[Chord]:
    return [c for c in chords if c.beat < end]


def _given(plan: ScorePlan, room: Room) -> tuple[Bar, Bar] | None:
    """The plan's own motif as two bars of shape, where it names one."""
    motif = plan.motif
    if motif is None or not motif.rhythm:
        return None
    bars: list[tuple[int, ...]] = []
    row: list[int] = []
    left = room.slots
    for value in motif.rhythm:
        size = min(abs(value), left)
        row.append(size if value > 0 else -size)
        left -= size
        if left == 0:
            bars.append(tuple(row))
            row, left = [], room.slots
    if row:
        row[-1] += left if row[-1] > 0 else -left
        bars.append(tuple(row))
    steps = [b - a for a, b in zip(motif.intervals or (), (motif.intervals or ())[1:], strict=False)]
    shapes, used = [], 0
    for bar in bars[:2]:
        count = sum(1 for v in bar if v > 0)
        shapes.append(Bar(bar, tuple(steps[used : used + max(0, count - 1)])))
        used += count
    return shapes[0], shapes[1] if len(shapes) > 1 else shapes[0]
