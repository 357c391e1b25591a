"""The lead in each section: which theme, how it comes back, and where it is silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import tanh

from ...contract.score import ScorePlan, SectionPlan
from .band import Band
from .chance import chance
from .figure import Line
from .melody import B_HIGHER, LeadNote, Room, adapt, settled, vary, write_theme
from .motif import Bar
from .score import Chord, Section

THEME_BARS = 8
Spans = Sequence[tuple[Fraction, Fraction]]


def theme_of(role: str) -> str:
    """The theme that a section of `role` plays."""
    return "B" if role in ("B", "build") else "A"


@dataclass
class Lead:
    """The themes of one run of the composer; `themes` fills as sections ask.

    A theme is written over the chords of the first section that is its own, whether or not that section plays it, so
    that an edit of who plays leaves the tune as it was.
    """

    seed: int
    bar: Fraction
    band: Band
    plan: ScorePlan
    sections: Sequence[Section]
    chords: Sequence[Sequence[Chord]]
    """By section, beats relative to it."""
    speech: Spans = ()
    """Beats in which somebody speaks."""
    themes: dict[str, list[LeadNote]] = field(default_factory=dict)

    def room(self, tension: float) -> Room | None:
        voice = self.band.voice("lead")
        if voice is None:
            return None
        plan = self.plan
        arousal = 0.5 if plan.arousal is None else plan.arousal
        low, high = voice.part.range
        # Moods file, register_semitones: bright and lively moods sing higher, dark ones lower; the ends of the range
        # are neared, never reached, so that a brighter mood is always the higher one.
        shift = 3.2 * (5 * (plan.valence or 0.0) + 3 * (arousal - 0.5))
        middle, reach = low + 0.47 * (high - low), max(1.0, 0.5 * (high - low) - 4.5)
        # B stands higher by its own account; the piece as a whole keeps its register, however long its B sections are.
        sung = [s for s in self.sections if s.role not in _SILENT]
        share = sum(s.bars for s in sung if theme_of(s.role) == "B") / max(1, sum(s.bars for s in sung))
        centre = middle + reach * tanh(shift / (1.8 * reach)) - B_HIGHER * share
        rest = min(0.5, max(0.03, 0.28 - 0.22 * arousal + 0.18 * tension + 0.25 * (0.9 - voice.spec.density)))
        palette = self.band.scene if self.band.scene.melody else self.band.style
        busy = min(1.0, max(0.0, 0.15 + 0.55 * arousal + 0.2 * (voice.spec.density - 0.8)))
        return Room(self.bar, int(self.bar * 4), (low, high), centre, palette, busy, rest, tension)

    def theme(self, name: str, room: Room) -> list[LeadNote]:
        if name not in self.themes:
            first = next(i for i, s in enumerate(self.sections) if theme_of(s.role) == name)
            size = min(THEME_BARS, self.sections[first].bars)
            row = [c for c in self.chords[first] if c.beat < size * self.bar]
            end = (
                self.theme("A", room)[-1:]
                if name == "B" and any(theme_of(s.role) == "A" for s in self.sections)
                else []
            )
            self.themes[name] = (
                write_theme(
                    name, size, row, room, self.seed, _given(self.plan, room), before=end[0].pitch if end else None
                )
                if row
                else []
            )
        return self.themes[name]

    def returns(self, index: int) -> int:
        """How many sections before `index` have the same theme."""
        name = theme_of(self.sections[index].role)
        return sum(theme_of(s.role) == name and s.role not in _SILENT for s in self.sections[:index])


_SILENT = ("intro", "break", "outro")


def lead_lines(lead: Lead, index: int, spec: SectionPlan) -> list[Line]:
    """The lead's notes in section `index`, beats relative to it; empty where there is no lead voice or no chord."""
    section, chords = lead.sections[index], lead.chords[index]
    room = lead.room(0.3 if lead.plan.tension is None else lead.plan.tension)
    if room is None or not chords:
        return []
    theme = lead.theme(theme_of(section.role), room)
    if not theme:
        return []
    room = replace(room, tension=section.tension)
    generator = chance(lead.seed, section.id, "lead", spec.seed_offset or 0)
    again = lead.returns(index)
    length = _size(theme, lead.bar)
    centre = room.centre + B_HIGHER * (theme_of(section.role) == "B")
    notes: list[LeadNote] = []
    at = Fraction(0)
    while at < section.beats:
        here = [replace(c, beat=c.beat - at) for c in chords if c.beat + c.beats > at]
        left = section.beats - at
        row = [n for n in theme if n.beat < left]
        before = notes[-1].pitch if notes else _came_from(lead, index, room)
        row = _entered(row, here, room, spec.lift or 0, before)
        row = settled(row, here, room, centre + (spec.lift or 0), before)
        if again or at or section.role == "A'":
            row = vary(row, here, room, generator)
        for number in range(spec.variation or 0):
            row = vary(row, here, room, chance(lead.seed, section.id, "variation", number, int(at)))
        if left < length:
            row = _closed(row, left, here, lead.bar)
        notes += [replace(n, beat=at + n.beat, dur=min(n.dur, left - n.beat)) for n in row]
        at += length
    lines = [Line(n.beat, n.dur, n.pitch, 0.35 if n.beat % lead.bar == 0 else 0.1) for n in notes]
    spans = [(a - section.start_beat, b - section.start_beat) for a, b in lead.speech]
    return under_speech(lines, spans, room)


def _entered(theme: list[LeadNote], chords: Sequence[Chord], room: Room, up: int, before: int | None) -> list[LeadNote]:
    """The theme as it was stated; where it would begin with a leap from `before` that goes on, led from there."""
    row = adapt(theme, chords, room, up=up)
    leap = row[0].pitch - before if row and before is not None else 0
    if abs(leap) >= 5 and len(row) > 1 and (row[1].pitch - row[0].pitch) * leap >= 0:
        return adapt(theme, chords, room, up=up, before=before)
    return row


def _came_from(lead: Lead, index: int, room: Room) -> int | None:
    """Where the line comes from: the end of the theme before, as it was written, so that an edit of that section
    changes nothing here."""
    if index == 0 or lead.sections[index - 1].role in _SILENT:
        return None
    before = lead.theme(theme_of(lead.sections[index - 1].role), room)
    length = _size(before, lead.bar)
    left = lead.sections[index - 1].beats % length or length
    return next((n.pitch for n in reversed(before) if n.beat < left), None)


def _closed(row: list[LeadNote], left: Fraction, chords: Sequence[Chord], bar: Fraction) -> list[LeadNote]:
    """A theme that the section cuts short ends all the same: its last bar holds one note and breathes."""
    last = left - bar
    inside = [n for n in row if n.beat >= last]
    if not inside or last <= 0:
        return row
    first = inside[0]
    chord = next((c for c in chords if c.beat <= first.beat < c.beat + c.beats), None)
    if chord is None or first.pitch % 12 not in chord.pcs:
        return row
    return [*(n for n in row if n.beat < last), replace(first, dur=max(first.dur, min(bar * 3 / 4, left - first.beat)))]


def under_speech(lines: Sequence[Line], spans: Spans, room: Room) -> list[Line]:
    """The lead while somebody speaks: only the notes on strong places, longer, and an octave lower where it can."""
    if not spans:
        return list(lines)
    half = room.bar / 2 if room.slots % 2 == 0 else room.bar
    out: list[Line] = []
    for line in lines:
        if not any(a <= line.beat < b for a, b in spans):
            out.append(line)
        elif line.beat % half == 0:
            pitch = line.pitch - 12 if line.pitch - 12 >= room.span[0] else line.pitch
            out.append(Line(line.beat, line.dur, pitch, line.accent - 0.5, line.artic))
    return out


def _size(theme: Sequence[LeadNote], bar: Fraction) -> Fraction:
    """The length of a theme in whole bars, as beats."""
    end = max((n.beat + n.dur for n in theme), default=bar)
    return -(-end // bar) * bar


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
