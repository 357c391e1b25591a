"""The passes in order: a complete plan becomes a score.

Band → chords → theme → accompaniment → percussion → hits → ending → dynamics → timing. Every decision draws from the
stream of its own name (`chance`), sections from theirs, so that an edit of one section leaves the others' notes as
they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from ...contract.score import ScorePlan, SectionPlan
from ..footage import VideoMap
from . import arrange, pace
from .accents import answer_hits
from .accompaniment import accompany, figures_of
from .band import SYNTH_STYLES, Band, Voice, assemble
from .carry import bar_of, tempo_of
from .chance import chance, dealt, pink
from .drums import NOISE, TAIKO_PROGRAM, Feel, drawn, groove, one_channel
from .endings import close_loop, close_piece
from .figure import Line, Task
from .gestures import flourish, lead_ins
from .humanise import swung, timed
from .knit import fullness
from .lead import Lead, lead_lines
from .library import known_moods, library
from .score import Chord, Hit, LoopSpan, Note, Part, Score, Section
from .theory import numeral, pitch_class, scale_for

LOUDEST = 108
"""Mean velocity that leaves room for accents and metre above it."""
_STINGER_FIGURES = {"pad": ("pad", "keys", "arp", "comp"), "sparkle": ("sparkle", "arp")}
"""A cue is too short to differ by form: its figures differ."""


def compose(plan: ScorePlan, video: VideoMap | None = None) -> Score:
    """The notes of a complete `plan` (as `plan.make_plan` gives it).

    Raises:
        InvalidArgument: a chord or tonic of the plan cannot be read.
    """
    band = assemble(plan)
    frame = _Frame(plan, band)
    notes: dict[str, list[Note]] = {voice.part.id: [] for voice in band.voices}
    waits = arrange.tune_waits(band, frame.sections, frame.seed)
    lead = Lead(frame.seed, frame.bar, band, plan, frame.sections, frame.local, waits, frame.spoken(video))
    course = None if band.scene.one_shot else pace.course(video, frame.tempo, frame.bar, frame.sections)
    for index, section in enumerate(frame.sections):
        rows = _rows(frame, lead, index, course)
        for voice in band.voices:
            notes[voice.part.id] += _play(rows.get(voice.part.id, ()), voice, frame, section)
    parts, notes = _taiko(band, notes)
    extra, notes = lead_ins(band, notes, frame.sections, frame.chords, frame.hits)
    soft = "soft" in (band.scene.hits, band.style.hits)
    parts, notes = answer_hits([*parts, *extra], notes, frame.hits, frame.chords, plan, soft=soft)
    notes = _ended(parts, notes, frame, soft=soft)
    notes = _rests(parts, notes, frame)
    parts, notes = _registers(parts, notes, plan)
    played = _humanise(parts, notes, frame)
    return Score(
        parts=tuple(part for part in parts if any(n.part == part.id for n in played)),
        notes=tuple(sorted(played, key=lambda n: (n.beat, n.part, n.pitch))),
        tempo=frame.tempo,
        meter=frame.meter,
        length_s=_length(plan, frame, video),
        key=(frame.tonic_name, frame.mode_name),
        sections=tuple(frame.sections),
        chords=tuple(frame.chords),
        hits=frame.hits,
        loop=frame.loop,
        reverb=band.reverb,
        ending=plan.ending or "ring",
        lufs=plan.mix.lufs if plan.mix and plan.mix.lufs is not None else band.scene.lufs,
        lowpass_hz=_lowpass(plan, band),
        palette="+".join(dict.fromkeys((band.scene.id, band.style.id))),
        title=band.scene.names["en"],
        seed=frame.seed,
        speech=video.speech if video is not None else (),
        mood_tension=_mood_tension(plan.moods or ()),
    )


def _mood_tension(moods: Sequence[str]) -> float | None:
    known = known_moods(moods)
    return sum(m.t for m in known) / len(known) if known else None


def _rows(frame: _Frame, lead: Lead, index: int, course: pace.Course | None) -> Mapping[str, Sequence[Line]]:
    """Part → what it plays in section `index`, beats relative to it: who plays, who rests when, how full it is."""
    section, spec, band = frame.sections[index], (frame.plan.sections or ())[index], frame.band
    arousal = 0.5 if frame.plan.arousal is None else frame.plan.arousal
    playing = arrange.active(index, frame.sections, spec, band, arousal, frame.seed)
    due = {v.part.id: arrange.resting(v, index, frame.sections, band, playing, frame.seed) for v in band.voices}
    tune = lead_lines(lead, index, spec) if "lead" in playing else []
    spare = {v.part.id for v in arrange.covers(band, playing, section, spec)}
    rests = due | dict.fromkeys(spare, frozenset(range(section.bars)))
    able = playing | spare
    rows = {v.part.id: _lines(v, frame, index, spec, tune) for v in band.voices if v.part.id in able}
    rests = arrange.joined(rows, rests, due, section, band)
    rows = {part: arrange.rested(row, rests[part], frame.bar) for part, row in rows.items()}
    if course is not None:
        rows = pace.paced(rows, band, section, spec, course, frame.meter, frame.hits, frame.local[index])
    return arrange.rung(rows, frame.local[index], section, band)


class _Frame:
    """The plan's numbers as the passes use them."""

    def __init__(self, plan: ScorePlan, band: Band) -> None:
        self.plan = plan
        self.band = band
        self.seed = plan.seed or 0
        numerator, denominator = (plan.meter or "4/4").split("/")
        self.meter = (int(numerator), int(denominator))
        self.bar = bar_of(plan)
        self.tonic_name = plan.key.tonic if plan.key and plan.key.tonic else "D"
        self.mode_name = plan.key.mode if plan.key and plan.key.mode else "dorian"
        self.mode = library().modes[self.mode_name]
        self.swing = plan.swing or band.style.swing
        self.tempo = tempo_of(plan)
        self.sections = [self._section(i, s) for i, s in enumerate(plan.sections or ())]
        self.end = max((s.start_beat + s.beats for s in self.sections), default=Fraction(0))
        self.chords = self._chords(plan.sections or ())
        self.local = [
            [replace(c, beat=c.beat - s.start_beat) for c in self.chords if 0 <= c.beat - s.start_beat < s.beats]
            for s in self.sections
        ]
        loop = plan.loop
        self.loop = None
        if loop and not isinstance(loop, bool):
            length = Fraction(loop.len_beats).limit_denominator(960) if loop.len_beats else self.end
            self.loop = LoopSpan(Fraction(loop.start_beat).limit_denominator(960), length)
        self.hits = tuple(self._hit(h.t, h.beat, h.kind or "cut", h.weight, h.locked) for h in plan.hits or ())

    def following(self, index: int) -> Chord | None:
        """The chord that comes after section `index`: the next section's first, the loop's first, or the last chord."""
        if index + 1 == len(self.local) and self.loop is None:
            return self.final()
        again = self.loop.start_beat if self.loop else Fraction(0)
        first = next((i for i, s in enumerate(self.sections) if s.start_beat == again), 0)
        rows = self.local[index + 1 if index + 1 < len(self.local) else first]
        return rows[0] if rows else None

    def final(self) -> Chord | None:
        """The chord that the piece ends on: its first tonic chord, in the key of the last section."""
        if not self.chords:
            return None
        lifts = [s.lift or 0 for s in self.plan.sections or ()]
        place, first = next(
            ((i, c) for i, row in enumerate(self.local) for c in row if numeral(c.rn).root == 0), (0, self.chords[0])
        )
        moved = lifts[-1] - lifts[place] if lifts else 0
        pcs, scale = (tuple((pc + moved) % 12 for pc in row) for row in (first.pcs, first.scale))
        bass = (first.bass_pc + moved) % 12
        return replace(first, beat=self.end, beats=Fraction(4), pcs=pcs, bass_pc=bass, scale=scale)

    def spoken(self, video: VideoMap | None) -> list[tuple[Fraction, Fraction]]:
        """Spans of speech in beats."""
        if video is None:
            return []
        return [
            (Fraction(self.tempo.beat(a)).limit_denominator(48), Fraction(self.tempo.beat(b)).limit_denominator(48))
            for a, b in video.speech
        ]

    def _section(self, index: int, spec: SectionPlan) -> Section:
        start = Fraction(spec.start_beat or 0).limit_denominator(960)
        bars = spec.bars or 8
        return Section(
            spec.id or f"S{index + 1}", spec.role or "A", start, bars, bars * self.bar,
            0.5 if spec.energy is None else spec.energy, 0.3 if spec.tension is None else spec.tension,
        )  # fmt: skip

    def _chords(self, specs: Sequence[SectionPlan]) -> list[Chord]:
        out: list[Chord] = []
        for section, spec in zip(self.sections, specs, strict=True):
            tonic = (pitch_class(self.tonic_name) + (spec.lift or 0)) % 12
            slots = spec.chords or ()
            for i, slot in enumerate(slots):
                start = Fraction(slot.beat).limit_denominator(960)
                end = Fraction(slots[i + 1].beat).limit_denominator(960) if i + 1 < len(slots) else section.beats
                if start >= section.beats or end <= start:
                    continue
                chord = numeral(slot.rn)
                under = chord.bass if slot.bass is None else numeral(slot.bass).root
                out.append(
                    Chord(
                        section.start_beat + start,
                        min(end, section.beats) - start,
                        slot.rn,
                        chord.pitch_classes(tonic),
                        (tonic + under) % 12,
                        scale_for(chord, tonic, self.mode),
                    )
                )
        return out

    def _hit(self, t: float, beat: float | None, kind: str, weight: float | None, locked: bool | None) -> Hit:
        at = Fraction(self.tempo.beat(t) if beat is None else beat).limit_denominator(48)
        reason = "" if beat is not None else "no beat of the tempo map comes within a frame of it"
        return Hit(t, at, kind, 0.5 if weight is None else weight, bool(locked), beat is not None, reason)


def _lines(voice: Voice, frame: _Frame, index: int, spec: SectionPlan, tune: list[Line]) -> list[Line]:
    """What one voice plays in one section, beats relative to it."""
    section, chords = frame.sections[index], frame.local[index]
    role, plan, band = voice.part.role, frame.plan, frame.band
    if role == "lead":
        return tune
    if voice.part.drums:
        return _drums(frame, index, spec)
    if not chords:
        return []
    share = (spec.density or {}).get(role, 1.0)
    arousal = plan.arousal if plan.arousal is not None else 0.5
    scale = min(1.8, max(0.3, (0.5 + arousal) * (0.05 + 1.45 * fullness(section, frame.sections)))) * share
    after = frame.following(index)
    # Sections of one theme share the figures of their accompaniment; what differs is density, harmony and the tune.
    theme = "B" if section.role in ("B", "build") else section.role if section.role == "break" else "A"
    task = Task(
        chords, frame.bar, voice.part.range, voice.spec.density * scale,
        voice.spec.density * min(1.8, (0.5 + arousal) * 1.1),
        min(1.02, max(0.45, 0.98 - 0.4 * arousal - 0.08 * (plan.valence or 0))),
        section.bars, chance(frame.seed, theme, role, spec.seed_offset or 0), _gaps(tune, section.beats),
        play=voice.spec.play, compound=frame.meter[1] == 8 and frame.meter[0] % 3 == 0,
        following=after.pcs if after else None, tune=tune,
    )  # fmt: skip
    kind = role
    if band.scene.one_shot and role in _STINGER_FIGURES:
        row = _STINGER_FIGURES[role]
        kind = row[dealt(frame.seed, len(row), "figure", role)]
    if band.scene.one_shot and (names := (voice.spec.play if kind == role else ()) or figures_of(kind)):
        task = replace(task, play=(names[dealt(frame.seed, len(names), "row", kind)],))
    return accompany(kind, task)


def _drums(frame: _Frame, index: int, spec: SectionPlan) -> list[Line]:
    """The percussion of one section: one groove for the piece, B drummed in its own way."""
    section, band = frame.sections[index], frame.band
    arousal = frame.plan.arousal if frame.plan.arousal is not None else 0.5
    share = (spec.density or {}).get("perc", 1.0)
    amount = min(1.0, max(0.0, (0.10 + 0.45 * arousal + 1.1 * (section.energy - 0.45)) * share))
    style, scene = band.style.drums, band.scene.drums
    grid = scene if scene.steps == int(frame.bar * 4) != style.steps else style  # where only the scene has such a bar
    lanes = drawn(grid, chance(frame.seed, "groove"))
    ways = ("ride", "half", "") if section.energy < 0.85 else ("ride", "")
    turn = ways[int(chance(frame.seed, "groove", "B").integers(len(ways)))] if section.role == "B" else ""
    sequenced = band.chip or band.style.id in SYNTH_STYLES
    feel = Feel(amount, index > 0 and section.energy >= 0.5, section.bars >= 4, turn, not sequenced)
    generator = chance(frame.seed, section.id, "perc", spec.seed_offset or 0)
    return [
        Line(s.beat, Fraction(1, 4), s.key, s.strength, "taiko" if s.taiko else "drum")
        for s in groove(lanes, section.bars, frame.bar, feel, generator)
    ]


def _gaps(tune: Sequence[Line], beats: Fraction) -> tuple[tuple[Fraction, Fraction], ...]:
    gaps: list[tuple[Fraction, Fraction]] = []
    at = Fraction(0)
    for line in sorted(tune, key=lambda x: x.beat):
        if line.beat - at >= 1:
            gaps.append((at, line.beat))
        at = max(at, line.beat + line.dur)
    if beats - at >= 1:
        gaps.append((at, beats))
    return tuple(gaps) if tune else ()


def _play(lines: Sequence[Line], voice: Voice, frame: _Frame, section: Section) -> list[Note]:
    """Dynamics: mood and energy set the level, metre and phrase shape it, a slow drift keeps it alive."""
    low, high = frame.band.scene.dynamics.vel
    arousal = frame.plan.arousal if frame.plan.arousal is not None else 0.5
    mean = low + (high - low) * (0.10 + 0.80 * min(1.0, 0.35 * arousal + 0.75 * section.energy))
    mean = min(mean, LOUDEST)
    part = voice.part
    drift = pink(chance(frame.seed, section.id, part.role, "velocity"), max(2, len(lines))) * 3.0
    notes = []
    for i, line in enumerate(sorted(lines, key=lambda x: (x.beat, x.pitch))):
        place = float(line.beat / section.beats) if section.beats else 0.0
        arch = 5.0 * (1 - abs(2 * place - 1.2))
        if line.artic in ("drum", "taiko"):
            velocity = mean * (0.55 + 0.55 * line.accent) + float(drift[i])
        else:
            velocity = mean + 10 * line.accent + arch + float(drift[i])
        velocity += _metre(line.beat, frame.bar) * (0.5 if frame.band.chip else 1.0)
        beat = section.start_beat + swung(line.beat, frame.swing)
        notes.append(Note(part.id, beat, line.dur, line.pitch, max(8, min(127, round(velocity))), 0.0, line.artic))
    return notes


def _metre(beat: Fraction, bar: Fraction) -> float:
    """Weight of a place in the bar as velocity: the one, the other beats, what lies between."""
    inside = beat % bar
    if inside == 0:
        return 6.0
    return 2.0 if inside.denominator == 1 or (bar.denominator == 1 and bar == 3 and inside == Fraction(3, 2)) else -4.0


def _taiko(band: Band, notes: dict[str, list[Note]]) -> tuple[list[Part], dict[str, list[Note]]]:
    """Strokes of the palette's Taiko lane go to a part of their own: program 116 is melodic in General MIDI."""
    parts = [voice.part for voice in band.voices]
    out = dict(notes)
    for part in list(parts):
        if not part.drums:
            continue
        deep = [replace(n, part="taiko", artic="") for n in out[part.id] if n.artic == "taiko"]
        out[part.id] = [replace(n, artic="") for n in out[part.id] if n.artic != "taiko"]
        if deep:
            gain = part.gain_db + 1
            parts.append(Part("taiko", "perc", TAIKO_PROGRAM, (36, 60), part.layer, False, None, 0.0, gain, 0.3))
            out["taiko"] = deep
    return parts, out


def _ended(parts: Sequence[Part], notes: dict[str, list[Note]], frame: _Frame, *, soft: bool) -> dict[str, list[Note]]:
    """The ending or the turn of the loop; a console's percussion keeps to its channel."""
    if frame.loop is not None:
        notes = close_loop(parts, notes, frame.loop, frame.chords, frame.plan, soft=soft)
    else:
        notes = close_piece(parts, notes, frame.end, frame.final(), frame.plan)
        if frame.band.scene.one_shot:
            rises = (frame.plan.valence or 0.0) >= 0
            notes = flourish(parts, notes, frame.end, frame.seed, frame.final(), rises=rises)
    hits = [hit.beat for hit in frame.hits if hit.planned]
    ends = [section.start_beat + section.beats for section in frame.sections]
    return notes | {p.id: one_channel(notes[p.id], hits, ends) for p in parts if p.synth == NOISE}


def _rests(parts: Sequence[Part], notes: dict[str, list[Note]], frame: _Frame) -> dict[str, list[Note]]:
    """Take out what the plan's `silent` spans leave out; nothing else moves."""
    out = dict(notes)
    for section, spec in zip(frame.sections, frame.plan.sections or (), strict=True):
        for role, (first, last) in (spec.silent or {}).items():
            a = section.start_beat + Fraction(first).limit_denominator(960)
            b = section.start_beat + Fraction(last).limit_denominator(960)
            final = b >= frame.end
            for part in parts:
                if part.role == role:
                    out[part.id] = [n for n in out[part.id] if not (a <= n.beat < b or (final and n.beat >= a))]
    return out


def _registers(
    parts: Sequence[Part], notes: dict[str, list[Note]], plan: ScorePlan
) -> tuple[list[Part], dict[str, list[Note]]]:
    """Parts in the octave that the plan wants them in: every note moves by whole octaves, as far as MIDI reaches."""
    moved, out = [], dict(notes)
    for part in parts:
        wish = (plan.parts or {}).get(part.role)
        steps = 12 * (wish.octave or 0) if wish and not part.drums and part.program != TAIKO_PROGRAM else 0
        if steps:
            low, high = part.range
            part = replace(part, range=(max(0, low + steps), min(127, high + steps)))
            out[part.id] = [replace(n, pitch=_in_midi(n.pitch + steps)) for n in out.get(part.id, [])]
        moved.append(part)
    return moved, out


def _in_midi(pitch: int) -> int:
    """The same pitch class within 0–127."""
    return pitch % 12 if pitch < 0 else pitch if pitch <= 127 else 116 + (pitch - 116) % 12


def _humanise(parts: Sequence[Part], notes: dict[str, list[Note]], frame: _Frame) -> list[Note]:
    chip = any(part.synth == "pulse25" for part in parts)
    anchors = [hit.beat for hit in frame.hits if hit.planned] + [frame.end]
    out: list[Note] = []
    for part in parts:
        row = notes.get(part.id, [])
        if chip or not row:
            out += row
            continue
        for i, section in enumerate(frame.sections):  # by section, so that an edit of one leaves the others' timing
            end = section.start_beat + section.beats
            last = i == len(frame.sections) - 1
            here = [n for n in row if section.start_beat <= n.beat and (n.beat < end or last)]
            name = f"{part.id}/{section.id}"
            out += timed(here, part.role, frame.seed, name, dict(library().sigma_ms), anchors=anchors)
    return out


def _lowpass(plan: ScorePlan, band: Band) -> float:
    """Moods file: lowpass_hz."""
    if band.chip:
        return 18_000.0
    arousal = plan.arousal if plan.arousal is not None else 0.5
    return 2800 + 13_000 * (0.6 * arousal + 0.4 * ((plan.valence or 0.0) + 1) / 2)


def _length(plan: ScorePlan, frame: _Frame, video: VideoMap | None) -> float:
    if frame.loop is not None:
        return frame.tempo.seconds(frame.loop.start_beat + frame.loop.len_beats) - frame.tempo.seconds(Fraction(0))
    if plan.length_s:
        return plan.length_s
    return video.duration if video and video.duration > 0 else frame.tempo.seconds(frame.end) + 3.0
