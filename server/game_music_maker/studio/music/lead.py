"""The lead in each section: which theme, how it comes back, and where it is silent."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import tanh

from ...contract.score import ScorePlan, SectionPlan
from .arrange import rested
from .band import Band
from .chance import chance
from .figure import Line
from .knit import breathes, knit
from .library import known_moods
from .melody import B_HIGHER, LeadNote, Room, adapt, alike, head_of, settled, vary, write_theme
from .motif import Bar
from .score import Chord, Section

THEME_BARS, PHRASE_BARS = 8, 4
Spans = Sequence[tuple[Fraction, Fraction]]


def theme_of(role: str) -> str:
    """The theme that a section of `role` plays."""
    return "B" if role in ("B", "build") else "A"


@dataclass
class Lead:
    """The themes of one run of the composer; `themes` and `grounds` fill as sections ask.

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
    waits: Sequence[int]
    """By section the bars for which the tune waits at its beginning."""
    speech: Spans = ()
    """Beats in which somebody speaks."""
    themes: dict[str, list[LeadNote]] = field(default_factory=dict)
    grounds: dict[str, list[Chord]] = field(default_factory=dict)
    """The chords under each theme, beats relative to its start."""

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
        centre = middle + reach * tanh(shift / (1.8 * reach)) - B_HIGHER * share + _named(plan.moods or ())
        rest = min(0.5, max(0.03, 0.28 - 0.22 * arousal + 0.18 * tension + 0.25 * (0.9 - voice.spec.density)))
        palette = self.band.scene if self.band.scene.melody else self.band.style
        busy = min(1.0, max(0.0, 0.15 + 0.55 * arousal + 0.2 * (voice.spec.density - 0.8)))
        return Room(self.bar, int(self.bar * 4), (low, high), centre, palette, busy, rest, tension)

    def theme(self, name: str, room: Room) -> list[LeadNote]:
        if name not in self.themes:
            size, row = self._ground(name)
            self.grounds[name] = row
            if knit(self.sections) >= 0.5:  # in a few bars every one of its bars is needed to say the idea
                room = replace(room, rest=0.0)
            if name == "A":
                room = replace(room, breath=breathes(self.sections))
            stated = name == "B" and any(theme_of(s.role) == "A" for s in self.sections)
            other = self.theme("A", room) if stated else []
            self.themes[name] = (
                write_theme(
                    name,
                    size,
                    row,
                    room,
                    self.seed,
                    _given(self.plan, room),
                    before=other[-1].pitch if other and size >= PHRASE_BARS else None,
                    other=other,
                )
                if row
                else []
            )
        return self.themes[name]

    def _ground(self, name: str) -> tuple[int, list[Chord]]:
        """Bars of a theme and the chords under it, those of the first section that sings it.

        Where that has no room for a second phrase, the phrase is written over the section in which it is heard: the
        theme's return answers its statement."""
        every = [i for i, s in enumerate(self.sections) if theme_of(s.role) == name]
        own = [i for i in every if self.sections[i].role not in _SILENT] or every
        first, late = self.sections[own[0]], self.late(own[0])
        size = min(THEME_BARS, first.bars - late)
        row = [
            replace(c, beat=c.beat - late * self.bar) for c in self.chords[own[0]] if c.beat + c.beats > late * self.bar
        ]
        row = [c for c in row if c.beat < size * self.bar]
        later = next((i for i in own[1:] if self.sections[i].bars >= PHRASE_BARS and first.bars >= PHRASE_BARS), None)
        if size == THEME_BARS or later is None or late:
            return size, row
        begun = size * self.bar
        shift = PHRASE_BARS * self.bar if self.sections[later].bars < THEME_BARS else Fraction(0)
        for c in self.chords[later]:
            start, end = max(c.beat + shift, begun), min(c.beat + c.beats + shift, THEME_BARS * self.bar)
            if start < end:
                row.append(replace(c, beat=start, beats=end - start))
        return THEME_BARS, row

    def late(self, index: int) -> int:
        """Bars after which a section that has no room for a phrase beside the wait begins its theme."""
        return self.waits[index] if self.sections[index].bars < THEME_BARS else 0

    def returns(self, index: int) -> int:
        """How many sections before `index` have the same theme."""
        name = theme_of(self.sections[index].role)
        return sum(theme_of(s.role) == name and s.role not in _SILENT for s in self.sections[:index])


_SILENT = ("intro", "break", "outro")


def _named(moods: Sequence[str]) -> float:
    """Semitones by which moods that were named move the tune beyond what they do to the piece as a whole, −2 to 2: two
    lively moods that differ in brightness alone would else lie less than a semitone apart."""
    known = known_moods(moods)
    if not known:
        return 0.0
    mean = sum(5 * m.v + 3 * (m.a - 0.5) for m in known) / len(known)
    return max(-2.0, min(2.0, 0.55 * mean))


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
    centre = room.centre + B_HIGHER * (theme_of(section.role) == "B")
    notes: list[LeadNote] = []
    at = begin = lead.late(index) * lead.bar
    while at < section.beats:
        here = [replace(c, beat=c.beat - at) for c in chords if c.beat + c.beats > at]
        left = section.beats - at
        if at > begin and left < 2 * lead.bar:
            break  # no idea begins that cannot end
        length, answer = _size(theme, lead.bar), Fraction(0)
        if again and at == begin and PHRASE_BARS <= section.bars < THEME_BARS and length == THEME_BARS * lead.bar:
            length = answer = PHRASE_BARS * lead.bar
        row = [replace(n, beat=n.beat - answer) for n in theme if answer <= n.beat < answer + left]
        before = notes[-1].pitch if notes else _came_from(lead, index, room)
        if knit(lead.sections) >= 0.5 and not spec.lift:
            ground = [replace(c, beat=c.beat - answer) for c in lead.grounds[theme_of(section.role)]]
            row = _known(row, ground, here, room, centre, before)
        else:
            row = _fitted(row, here, room, spec.lift or 0, centre, before)
            row = vary(row, here, room, generator) if again or at > begin or section.role == "A'" else row
        for number in range(spec.variation or 0):
            row = vary(row, here, room, chance(lead.seed, section.id, "variation", number, int(at)))
        if left < length:
            row = _closed(row, left, here, lead.bar)
        notes += [replace(n, beat=at + n.beat, dur=min(n.dur, left - n.beat)) for n in row]
        at += length
    lines = [Line(n.beat, n.dur, n.pitch, 0.35 if n.beat % lead.bar == 0 else 0.1) for n in notes]
    if not begin:
        lines = rested(lines, frozenset(range(lead.waits[index])), lead.bar)
    spans = [(a - section.start_beat, b - section.start_beat) for a, b in lead.speech]
    return under_speech(lines, spans, room)


def _known(
    theme: list[LeadNote], ground: Sequence[Chord], chords: Sequence[Chord], room: Room, centre: float,
    before: int | None,
) -> list[LeadNote]:  # fmt: skip
    """The theme as it was stated over `ground`, wherever `chords` let it: phrase by phrase all of it or its head, so
    that a piece of a few bars is heard to come back; what stands over other chords follows them."""
    out: list[LeadNote] = []
    for _, notes in itertools.groupby(theme, key=lambda n: n.phrase):
        phrase = list(notes)
        head = head_of(phrase, room)
        kept = phrase if alike(phrase, ground, chords) else head if alike(head, ground, chords) else []
        last = out[-1].pitch if out else before
        led = _entered(kept, chords, room, 0, last) if kept else []
        out += kept if not kept or led[0].pitch == kept[0].pitch else led  # only its entrance is a reason to move it
        rest = phrase[len(kept) :]
        if rest and kept:
            out += adapt(rest, chords, room, before=out[-1].pitch)
        elif rest:
            out += _fitted(rest, chords, room, 0, centre, last)
    return out


def _fitted(
    theme: list[LeadNote], chords: Sequence[Chord], room: Room, up: int, centre: float, before: int | None
) -> list[LeadNote]:
    """The theme over other chords, in its register."""
    return settled(_entered(theme, chords, room, up, before), chords, room, centre + up, before)


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
