"""The complete score plan from words, footage and whatever the caller has decided already.

Every field of a plan that comes in is kept; all else is filled deterministically from the brief, the footage and the
seed. Each decision that a caller may wonder about is told in one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import blake2b

from ...contract.score import (
    PLAN_VERSION,
    HitPlan,
    Key,
    MixPlan,
    Motif,
    PaletteChoice,
    ScorePlan,
    SectionPlan,
    TempoPoint,
)
from ...errors import InvalidArgument
from ..footage import VideoMap
from ..replies import Said, say
from . import affect
from .brief import Brief, WantedMood
from .chance import chance
from .form import Slice, intro_bars, looped, slices, template
from .harmony import choose, section_chords
from .library import Affect, Palette, library
from .lift import key_lift
from .motif import Bar, draw
from .naming import palette_name
from .score import TempoMap
from .tempo import Event, Fit, Limits, loop_fit, map_fit, merged, placed, start
from .theory import pitch_class
from .wishes import assign

__all__ = ["make_plan"]

_KIND = {"cut": "cut", "flash": "flash", "hit": "impact", "silence": "accent", "speech": "accent"}
_BIG = 0.9


@dataclass(frozen=True, slots=True)
class _Choice:
    """What is settled before time is: palettes, place in the mood space, key, metre."""

    scene: Palette
    style: Palette
    affect: Affect
    seed: int
    key: Key
    meter: str
    length: float | None
    loop: bool
    one_shot: bool

    @property
    def bar(self) -> Fraction:
        numerator, denominator = self.meter.split("/")
        return Fraction(4 * int(numerator), int(denominator))


def make_plan(
    brief: Brief, video: VideoMap | None = None, *, given: ScorePlan | None = None
) -> tuple[ScorePlan, tuple[Said, ...]]:
    """A plan with every field filled, and notes: what was decided or corrected, one sentence each.

    Args:
        video: the footage map; None or ``look="none"`` with duration 0 = no footage.
        given: fields that the caller has set; they win over the words.

    Raises:
        InvalidArgument: a value of `given` names something that does not exist.
    """
    given = _struck(given or ScorePlan(), brief)
    notes: list[Said] = []
    choice = _choose(brief, video, given, notes)
    fit = _time(brief, video, given, choice, notes)
    tempo = TempoMap(fit.points, fit.phase_s)
    sections = _sections(brief, video, given, choice, fit, tempo, notes)
    total = sum((s.bars or 0) for s in sections) * choice.bar
    instruments = assign(brief.instruments, choice.scene, choice.style) | dict(given.instruments or {})
    excludes = tuple(dict.fromkeys((*brief.excludes, *(given.excludes or ()))))
    hits = given.hits if given.hits is not None and all(h.beat is not None for h in given.hits) else None
    a = choice.affect
    plan = ScorePlan(
        version=PLAN_VERSION, seed=choice.seed, length_s=_length(choice, fit, tempo, total), key=choice.key,
        meter=choice.meter, swing=given.swing or choice.style.swing,
        tempo_map=tuple(TempoPoint(beat=float(b), bpm=bpm) for b, bpm in fit.points), phase_s=fit.phase_s,
        palette=PaletteChoice(scene=choice.scene.id, style=choice.style.id),
        moods=given.moods if given.moods is not None else tuple(m.id for m in brief.moods),
        valence=a.valence, arousal=a.arousal, tension=a.tension,
        motif=_motif(given.motif, choice), sections=sections,
        hits=hits if hits is not None else _hits(video, given, tempo, total, free="sync_cuts" in brief.requests),
        loop=looped(given.loop, sections, total, "loop_intro" in brief.requests, notes) if choice.loop else False,
        ending=given.ending or _ending(brief), instruments=instruments, excludes=excludes, parts=given.parts or {},
        mix=_mix(brief, given, choice),
    )  # fmt: skip
    return plan, tuple(notes)


def _struck(given: ScorePlan, brief: Brief) -> ScorePlan:
    """`given` with the hits that the words ask for at moments of their own."""
    more = tuple(HitPlan(t=t, kind="impact", weight=1.0, locked=True) for t in brief.hits)
    more += tuple(HitPlan(t=t, kind="silence", weight=1.0, locked=True) for t in brief.stops)
    return given.model_copy(update={"hits": (*(given.hits or ()), *more)}) if more else given


def _choose(brief: Brief, video: VideoMap | None, given: ScorePlan, notes: list[Said]) -> _Choice:
    scene, style = _palettes(brief, video, given, notes)
    seed = given.seed if given.seed is not None else brief.seed
    if seed is None:
        seed = int.from_bytes(blake2b(brief.text.encode(), digest_size=4).digest(), "big")
    moods = brief.moods
    if given.moods is not None:
        unknown = [m for m in given.moods if m not in library().moods]
        if unknown:
            raise InvalidArgument(f"The plan names the mood {unknown[0]!r}, which does not exist.")
        moods = tuple(WantedMood(id=m) for m in given.moods)
    base = affect.target(scene, style, moods)
    place = Affect(
        valence=base.valence if given.valence is None else given.valence,
        arousal=base.arousal if given.arousal is None else given.arousal,
        tension=base.tension if given.tension is None else given.tension,
    )
    one_shot = scene.one_shot
    loop = given.loop not in (None, False) if given.loop is not None else bool({"loop", "loop_intro"} & brief.requests)
    meter = given.meter or brief.meter or affect.pick_meter(scene, style, seed)
    key = _key(brief, given, scene, style, place, seed)
    length = given.length_s or brief.length_s
    if length is None and video is not None and video.duration > 0 and not one_shot:
        length = video.duration
    return _Choice(scene, style, place, seed, key, meter, length, loop and not one_shot, one_shot)


def _palettes(brief: Brief, video: VideoMap | None, given: ScorePlan, notes: list[Said]) -> tuple[Palette, Palette]:
    tables = library().palettes
    scene = given.palette.scene if given.palette and given.palette.scene else brief.scene
    style = given.palette.style if given.palette and given.palette.style else brief.style
    if given.palette and not given.palette.scene and given.palette.style:
        scene = brief.scene
    for name in (scene, style):
        if name is not None and name not in tables:
            raise InvalidArgument(f"There is no palette {name[:40]!r}.", next="Use one of: " + ", ".join(tables) + ".")
    if scene is None and style is None:
        quiet = video is not None and video.flow and sum(video.flow) / len(video.flow) < 0.4 and video.colour > 0.3
        style = "fantasy_exploration" if quiet or (brief.moods and not brief.bpm) else "overworld_adventure"
        notes.append(say("plan.no_genre", palette=palette_name(tables[style])))
    first = scene or style or ""
    return tables[first], tables[style or first]


def _key(brief: Brief, given: ScorePlan, scene: Palette, style: Palette, place: Affect, seed: int) -> Key:
    tonic = (given.key.tonic if given.key else None) or brief.tonic or affect.pick_tonic(scene, seed)
    mode = (given.key.mode if given.key else None) or brief.mode
    mode = mode or affect.pick_mode(scene, style, place, seed, brief.major)
    if mode not in library().modes:
        raise InvalidArgument(
            f"There is no mode {mode[:40]!r}.", next="Use one of: " + ", ".join(library().modes) + "."
        )
    pitch_class(tonic)
    return Key(tonic=tonic, mode=mode)


def _events(video: VideoMap | None, given: ScorePlan) -> list[Event]:
    cuts = [c for c in video.cuts if c.kind != "speech"] if video is not None else []
    events = [Event(c.t, c.w, _KIND.get(c.kind, "accent")) for c in cuts]
    events += [
        Event(h.t, 1.0 if h.weight is None else h.weight, h.kind or "accent", bool(h.locked)) for h in given.hits or ()
    ]
    return merged(events)


def _time(brief: Brief, video: VideoMap | None, given: ScorePlan, choice: _Choice, notes: list[Said]) -> Fit:
    """The tempo map and the number of beats."""
    bar = choice.bar
    if given.tempo_map:
        bars = _bars(brief, given, choice, given.tempo_map[0].bpm)
        return _given_tempo(given, choice, bars, bar).later(given.phase_s or 0.0)
    low, _, high = affect.tempo_range(choice.scene)
    seen = affect.video_arousal(video)
    asked = (
        brief.bpm * (1.5 if brief.bpm and choice.scene.bpm_unit == "dq" and choice.meter[-1] == "8" else 1.0)
        if brief.bpm
        else None
    )
    wanted = asked or affect.wanted_bpm(choice.scene, choice.affect.arousal, brief.pace, seen, brief.match_video)
    if choice.one_shot and asked is None and brief.pace is None:
        wanted = affect.cue_bpm(choice.scene, wanted, choice.seed)
    bars = _bars(brief, given, choice, wanted)
    sync = "sync_cuts" in brief.requests
    chip = choice.style.id.startswith("chiptune")
    limits = Limits(wanted, low, high, 0.0 if chip else 0.06 if sync else 0.03, asked is not None)
    events = [e for e in _events(video, given) if choice.length is None or e.t < choice.length]
    if choice.loop:
        exact = choice.length if not (given.sections or brief.bars) else None
        fit = loop_fit(exact, bars, limits, bar, events)
        if asked is not None and exact is not None and abs(fit.tempo.seconds(fit.beats) - exact) > 0.05:
            notes.append(say("plan.loop_tempo"))
        return fit
    if choice.length is not None and not given.sections and brief.bars is None and not choice.one_shot:
        phase = given.phase_s
        if phase is None and "late_start" in brief.requests:
            phase = start(events, limits, bar)
            notes.append(say("plan.late_start", seconds=phase))
        phase = min(phase or 0.0, max(0.0, choice.length - 1.0))
        rest = [replace(e, t=e.t - phase) for e in events if e.t > phase]
        fit = map_fit(rest, choice.length - phase, limits, bar).later(phase)
        if len(fit.points) > 1:
            notes.append(say("plan.tempo_follows", points=len(fit.met), percent=_drift(fit)))
        return fit
    return Fit(((Fraction(0), float(wanted)),), bars * bar, phase_s=given.phase_s or 0.0)


def _drift(fit: Fit) -> int:
    tempi = [bpm for _, bpm in fit.points]
    return max(1, round(100 * (max(tempi) / min(tempi) - 1)))


def _given_tempo(given: ScorePlan, choice: _Choice, bars: int, bar: Fraction) -> Fit:
    rows = sorted(given.tempo_map or (), key=lambda p: p.beat)
    points = tuple((Fraction(p.beat).limit_denominator(960), p.bpm) for p in rows)
    if points[0][0] != 0:
        points = ((Fraction(0), points[0][1]), *points[1:])
    if choice.length and not given.sections and not choice.one_shot:
        tail = 0.0 if choice.loop else 1.5
        beats = TempoMap(points, given.phase_s or 0.0).beat(max(1.0, choice.length - tail))
        bars = max(1, round(beats / float(bar)) if choice.loop else int(beats / float(bar) + 0.25))
    return Fit(points, bars * bar)


def _bars(brief: Brief, given: ScorePlan, choice: _Choice, bpm: float) -> int:
    if given.sections:
        return sum(s.bars or 8 for s in given.sections)
    if given.loop and not isinstance(given.loop, bool) and given.loop.len_beats:
        return max(1, round((given.loop.start_beat + given.loop.len_beats) / float(choice.bar)))
    if brief.bars:
        return brief.bars
    if choice.one_shot:
        return affect.cue_bars(choice.scene, choice.bar, bpm, choice.seed)
    return sum(size for _, size in template(choice.scene))


def _sections(
    brief: Brief,
    video: VideoMap | None,
    given: ScorePlan,
    choice: _Choice,
    fit: Fit,
    tempo: TempoMap,
    notes: list[Said],
) -> tuple[SectionPlan, ...]:
    bar = choice.bar
    bars = max(1, round(fit.beats / bar))
    rough = slices(
        bars, choice.scene, tempo, bar, video=video, arc=brief.arc, arousal=choice.affect.arousal,
        tension=choice.affect.tension, loop=choice.loop,
        intro=intro_bars(given.loop, bars, bar, "loop_intro" in brief.requests) if choice.loop else 0,
    )  # fmt: skip
    if choice.one_shot:
        rough = [Slice("stinger", 0, bars, 0.85, choice.affect.tension)]
    specs = list(given.sections) if given.sections else [SectionPlan() for _ in rough]
    material = choose(choice.scene, library().modes[choice.key.mode or "ionian"], choice.seed)
    out: list[SectionPlan] = []
    begin = Fraction(0)
    names: dict[str, int] = {}
    for i, spec in enumerate(specs):
        shape = rough[i] if i < len(rough) else Slice("A", 0, 8, 0.55, choice.affect.tension)
        role = spec.role or shape.role
        names[role] = names.get(role, 0) + 1
        count = spec.bars or (8 if given.sections else shape.bars)
        tension = shape.tension if spec.tension is None else spec.tension
        identity = spec.id or f"{role}{names[role]}"
        last = i == len(specs) - 1
        chords = spec.chords or section_chords(
            role, count, bar, choice.scene, material, tension=tension,
            generator=chance(choice.seed, role, "harmony", spec.seed_offset or 0),
            turns=choice.loop and last, closes=last and not choice.loop,
        )  # fmt: skip
        energy = shape.energy if spec.energy is None else spec.energy
        out.append(
            SectionPlan(
                id=identity,
                role=role,
                start_beat=float(begin),
                bars=count,
                energy=energy,
                tension=tension,
                chords=chords,
                density=spec.density or {},
                active=_active(brief, spec, choice, i, len(specs)),
                seed_offset=spec.seed_offset or 0,
                variation=spec.variation or 0,
                lock=bool(spec.lock),
                lift=spec.lift or 0,
            )
        )
        if spec.start_beat is not None and abs(spec.start_beat - float(begin)) > 1e-6:
            notes.append(say("plan.section_start", section=identity, beat=float(begin)))
        begin += count * bar
    return _with_key_change(out, brief, given, choice, notes)


def _with_key_change(
    out: list[SectionPlan], brief: Brief, given: ScorePlan, choice: _Choice, notes: list[Said]
) -> tuple[SectionPlan, ...]:
    """The sections with their key change, where there is one; a loop leads back to its first key and has none."""
    asked = "key_lift" in brief.requests
    if asked and choice.loop:
        notes.append(say("plan.loop_lift"))
    free = not (choice.loop or choice.one_shot or given.sections)
    steps = choice.scene.lifts or choice.style.lifts
    if free and (found := key_lift(out, steps, choice.seed, asked=asked)):
        first, semitones = found
        out[first:] = [s.model_copy(update={"lift": semitones}) for s in out[first:]]
        notes.append(say("plan.lift", section=out[first].id, semitones=semitones))
    return tuple(out)


def _active(brief: Brief, spec: SectionPlan, choice: _Choice, index: int, count: int) -> dict[str, bool]:
    """Wished instruments play wherever there is something to play; all else follows the energy."""
    wished = assign(brief.instruments, choice.scene, choice.style)
    out = dict.fromkeys(wished, True) if index > 0 or count <= 2 else {}
    if "drums" in brief.instruments:
        out["perc"] = True
    return out | dict(spec.active or {})


def _length(choice: _Choice, fit: Fit, tempo: TempoMap, total: Fraction) -> float:
    music = tempo.seconds(total)
    if choice.loop:
        return music
    if choice.length is not None and choice.length >= music:
        return choice.length
    return music + (2.5 if choice.one_shot else 3.0)


def _motif(given: Motif | None, choice: _Choice) -> Motif:
    """The piece's basic idea; rhythm and intervals each as given, else as drawn."""
    if given is not None and given.rhythm and given.intervals:
        return given
    busy = min(1.0, max(0.0, 0.15 + 0.55 * choice.affect.arousal))
    melody_of = choice.scene
    idea = draw(melody_of, int(choice.bar * 4), choice.seed, busy)
    drawn, given = motif_of(idea), given or Motif()
    return Motif(intervals=given.intervals or drawn.intervals, rhythm=given.rhythm or drawn.rhythm)


def motif_of(idea: Sequence[Bar]) -> Motif:
    """The bars of an idea as a plan names them."""
    out: list[int] = []
    for bar in idea:
        out.append(out[-1] if out else 0)
        for step in bar.steps:
            out.append(out[-1] + step)
    return Motif(intervals=tuple(out), rhythm=tuple(value for bar in idea for value in bar.rhythm))


def _hits(
    video: VideoMap | None, given: ScorePlan, tempo: TempoMap, total: Fraction, *, free: bool
) -> tuple[HitPlan, ...]:
    """Events of the picture that a note can meet, with the beat that meets them (`free`: asked for, so also one between
    the beats); the rest without a beat."""
    frame = 1.0 / video.fps if video is not None and video.fps else 0.04
    locked = {h.t for h in given.hits or () if h.locked}
    out: list[HitPlan] = []
    for event, beat in placed(_events(video, given), tempo, total, max(frame, 0.035), free=free):
        if event.t >= tempo.seconds(total):
            continue
        kind = event.kind
        out.append(
            HitPlan(
                t=event.t,
                beat=None if beat is None else float(beat),
                weight=event.w,
                locked=event.t in locked,
                kind=kind if kind in ("cut", "impact", "reveal", "silence", "flash", "accent") else "accent",
            )
        )
    return tuple(out)


def _ending(brief: Brief) -> str:
    return "fade" if "fade_out" in brief.requests else "hard" if "hard_end" in brief.requests else "ring"


def _mix(brief: Brief, given: ScorePlan, choice: _Choice) -> MixPlan:
    mix = given.mix or MixPlan()
    lufs = choice.scene.lufs if mix.lufs is None else mix.lufs
    if mix.lufs is None:
        lufs += 1.5 * (choice.affect.arousal - 0.5) * 2
    duck = mix.duck_db if mix.duck_db is not None else 10.0 if "duck" in brief.requests else 8.0
    return MixPlan(lufs=round(lufs, 2), duck_db=duck)
