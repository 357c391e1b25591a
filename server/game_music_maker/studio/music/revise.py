"""Edits of a plan: only what was asked changes. Sections that an edit does not name keep every note.

Edits inside a section change its own fields alone. Edits of time (tempo, metre, loop) or of the whole style lay out the
piece anew around the same theme, key and intensities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from math import log10
from typing import Any

from ...contract.score import Key, PaletteChoice, ScorePlan, SectionPlan
from ..footage import VideoMap
from ..replies import Said, say
from . import affect
from .band import assemble, palettes_of
from .brief import Brief
from .change import Change
from .complete import make_plan
from .desk import Desk, clip, targeted
from .library import Affect, library
from .naming import instrument_name, key_name, mood_name, palette_name
from .revise_parts import only, plays, register, set_parts
from .revise_time import drop, strike
from .revise_tune import another_tune, lift, other_chords, vary, voice
from .theory import pitch_class
from .wishes import assign

_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_LAST = ("fade", "hard", "ring")
_ANYWHERE = ("exclude", "strike")
"""Edits of moments, which need no section that lies in them."""


def revise(
    plan: ScorePlan, changes: Sequence[Change], video: VideoMap | None = None
) -> tuple[ScorePlan, tuple[Said, ...]]:
    """`plan` (complete) after `changes`, in order, and one sentence for each thing done or refused."""
    desk = Desk(plan, video, [], any(c.op == "keep_theme" for c in changes))
    for change in changes:
        handler = _HANDLERS.get(change.op)
        if handler is None:
            continue
        if (change.section or change.start_s is not None) and not desk.where(change) and change.op not in _ANYWHERE:
            count = len(desk.sections)
            desk.notes.append(say("revise.no_section", count=count, s=desk.plan.length_s or 0))
            continue
        handler(desk, change)
    return desk.plan, tuple(desk.notes)


def _energy(desk: Desk, change: Change) -> None:
    amount = change.amount or 0.0

    def move(row: SectionPlan) -> dict[str, Any]:
        roles = [v.part.role for v in assemble(desk.plan).voices]
        density = dict(row.density or {})
        factor = 1 + 0.8 * amount
        density |= {role: clip(density.get(role, 1.0) * factor, 0.3, 2.5) for role in roles}
        return {
            "energy": clip((row.energy or 0.5) + amount, 0.05, 1.0),
            "tension": clip((row.tension or 0.3) + 0.3 * amount),
            "density": density,
        }  # fmt: skip

    done = desk.update(desk.where(change), move)
    if not targeted(change):
        desk.set(arousal=clip((desk.plan.arousal or 0.5) + 0.6 * amount))
        desk.notes.append(say("revise.calmer" if amount < 0 else "revise.fuller"))
    elif done:
        desk.notes.append(say("revise.calmer_part" if amount < 0 else "revise.fuller_part", sections=done))


def _density(desk: Desk, change: Change) -> None:
    """Busier or sparser; of one instrument alone where `word` names it."""
    voices = assemble(desk.plan).voices
    if change.word:
        instrument = library().instruments[change.word]
        voices = tuple(v for v in voices if plays(v.part, instrument))
        if not voices and (change.amount or 1) > 1:
            _include(desk, change)
            return
        if not voices:
            desk.notes.append(say("revise.was_none", instrument=instrument_name(instrument)))
            return
    roles = [v.part.role for v in voices]
    factor = change.amount or 1.0

    def move(row: SectionPlan) -> dict[str, Any]:
        density = dict(row.density or {})
        return {"density": density | {r: clip(density.get(r, 1.0) * factor, 0.3, 2.5) for r in roles}}

    done = desk.update(desk.where(change), move)
    if change.word and not targeted(change):
        set_parts(desk, roles, gain_db=20 * log10(factor))
    if change.word:
        name = instrument_name(library().instruments[change.word])
        desk.notes.append(say("revise.less_of" if factor < 1 else "revise.more_of", instrument=name, sections=done))
        return
    desk.notes.append(say("revise.fewer_notes" if factor < 1 else "revise.more_notes", sections=done))


def _tempo(desk: Desk, change: Change) -> None:
    if targeted(change):
        desk.notes.append(say("revise.tempo_whole"))
        return
    now = desk.plan.tempo_map[0].bpm if desk.plan.tempo_map else 100.0
    scene = palettes_of(desk.plan)[0]
    unit = 1.5 if scene.bpm_unit == "dq" and (desk.plan.meter or "").endswith("8") else 1.0
    if change.op == "faster":
        bpm = now + (change.amount or 0.0) * unit
    elif change.op == "tempo":
        bpm = now * (change.amount or 1.0)
    elif change.op == "pace":
        low, _, high = affect.tempo_range(scene)
        bpm = low + (high - low) * (change.amount or 0.5)
    else:
        bpm = (change.amount or now) * unit
    bpm = min(300.0, max(20.0, bpm))
    desk.relaid(bpm=bpm)
    rows = desk.plan.tempo_map or ()
    desk.notes.append(say("revise.tempo", bpm=rows[0].bpm / unit if rows else bpm))


def _meter(desk: Desk, change: Change) -> None:
    if change.word and change.word != desk.plan.meter:
        desk.relaid(meter=change.word, motif=None)
    desk.notes.append(say("revise.meter", meter=desk.plan.meter))


def _key(desk: Desk, change: Change) -> None:
    if targeted(change) and change.op in ("rekey", "up"):
        lift(desk, change)
        return
    now = desk.plan.key or Key(tonic="D", mode="dorian")
    tonic, mode = now.tonic or "D", now.mode or "dorian"
    if change.op == "key":
        tonic, mode = change.word or tonic, change.mode or mode
    elif change.op == "up":
        tonic = _NAMES[(pitch_class(tonic) + round(change.amount or 0)) % 12]
    elif change.op == "rekey":
        choices = [t for t in palettes_of(desk.plan)[0].tonics if pitch_class(t) != pitch_class(tonic)]
        tonic = choices[0] if choices else _NAMES[(pitch_class(tonic) + 5) % 12]
    elif change.op == "mode":
        mode = {"minor": "aeolian", "major": "ionian"}.get(change.word or "", mode)
    _rekey(desk, tonic, mode)
    desk.notes.append(say("revise.key", key=key_name(tonic, mode)))


def _rekey(desk: Desk, tonic: str, mode: str) -> None:
    """New key; the chords are numerals and stay, unless the third of the mode changes."""
    before = desk.plan.key.mode if desk.plan.key else None
    modes = library().modes
    desk.set(key=Key(tonic=tonic, mode=mode))
    if before is None or (4 in modes[before]) != (4 in modes[mode]):
        free = tuple(s.model_copy(update={"chords": None}) for s in desk.sections)
        made, _ = make_plan(Brief(), desk.video, given=desk.plan.model_copy(update={"sections": free}))
        desk.set(sections=made.sections)


def _mood(desk: Desk, change: Change) -> None:
    mood = library().moods[change.word or "calm"]
    pull = 0.45 * (change.amount or 1.0)

    def move(row: SectionPlan) -> dict[str, Any]:
        energy, tension = row.energy or 0.5, row.tension or 0.3
        return {
            "energy": clip(energy + pull * (mood.a - energy), 0.05),
            "tension": clip(tension + pull * (mood.t - tension)),
        }

    done = desk.update(desk.where(change), move)
    if targeted(change):
        desk.notes.append(say("revise.mood_part", mood=mood_name(mood), sections=done))
        return
    plan = desk.plan
    v, a, t = plan.valence or 0.0, plan.arousal or 0.5, plan.tension or 0.3
    place = Affect(valence=clip(v + pull * (mood.v - v), -1), arousal=clip(a + pull * (mood.a - a)),
                   tension=clip(t + pull * (mood.t - t)))  # fmt: skip
    moods = tuple(dict.fromkeys((*(plan.moods or ()), *((mood.id,) if pull > 0 else ()))))
    desk.set(valence=place.valence, arousal=place.arousal, tension=place.tension, moods=moods)
    scene, style = palettes_of(plan)
    mode = affect.pick_mode(scene, style, place, plan.seed or 0, None)
    if plan.key and plan.key.mode != mode:
        _rekey(desk, plan.key.tonic or "D", mode)
    desk.notes.append(say("revise.mood" if pull > 0 else "revise.mood_away", mood=mood_name(mood)))


def _exclude(desk: Desk, change: Change) -> None:
    word = change.word or ""
    instrument = library().instruments[word]
    if not targeted(change):
        wishes = {
            r: p for r, p in (desk.plan.instruments or {}).items() if p not in (*instrument.gm, *instrument.family)
        }
        desk.set(excludes=tuple(dict.fromkeys((*(desk.plan.excludes or ()), word))), instruments=wishes)
        desk.notes.append(say("revise.no_more", instrument=instrument_name(instrument)))
        return
    with_it = {v.part.role for v in assemble(desk.plan).voices}
    free = desk.plan.model_copy(update={"excludes": (*(desk.plan.excludes or ()), word)})
    roles = sorted(with_it - {v.part.role for v in assemble(free).voices})
    if not roles:
        same = [v.part.role for v in assemble(desk.plan).voices if v.part.program in instrument.gm and not v.part.drums]
        roles = sorted(same)
    if not roles:
        desk.notes.append(say("revise.was_none", instrument=instrument_name(instrument)))
        return
    start, end = desk.span(change)
    tempo = desk.tempo()
    if change.section is not None:
        done = desk.update(
            desk.where(change), lambda row: {"active": {**(row.active or {}), **dict.fromkeys(roles, False)}}
        )
        desk.notes.append(say("revise.none_in", instrument=instrument_name(instrument), sections=done))
        return
    first, last = round(tempo.beat(start) * 4) / 4, max(0.0, tempo.beat(end))
    bar = float(desk.bar())

    def rest(row: SectionPlan) -> dict[str, Any]:
        base, size = row.start_beat or 0.0, (row.bars or 1) * bar
        a, b = max(0.0, first - base), min(size, last - base)
        if end >= (desk.plan.length_s or end):
            b = size
        return {"silent": {**(row.silent or {}), **dict.fromkeys(roles, (a, b))}} if b > a else {}

    desk.update(range(len(desk.sections)), rest)
    id = "revise.none_from" if change.end_s is None else "revise.none_between"
    desk.notes.append(say(id, instrument=instrument_name(instrument), start=start, end=end))


def _include(desk: Desk, change: Change) -> None:
    word = change.word or ""
    instrument = library().instruments[word]
    scene, style = palettes_of(desk.plan)
    excludes = tuple(e for e in desk.plan.excludes or () if e != word)
    if instrument.drums:
        desk.set(excludes=excludes)
        roles: tuple[str, ...] = ("perc",)
    else:
        wishes = assign((word,), scene, style)
        taken = desk.plan.instruments or {}
        if not wishes:
            desk.notes.append(say("revise.cannot_add", instrument=instrument_name(instrument)))
            return
        desk.set(excludes=excludes, instruments={**taken, **wishes})
        roles = tuple(wishes)
    done = desk.update(desk.where(change), lambda row: {"active": {**(row.active or {}), **dict.fromkeys(roles, True)}})
    desk.notes.append(say("revise.plays", instrument=instrument_name(instrument), sections=done))


def _confine(desk: Desk, change: Change) -> None:
    """An instrument that plays in a part of the piece alone."""
    _include(desk, change)
    instrument = library().instruments[change.word or ""]
    roles = [v.part.role for v in assemble(desk.plan).voices if plays(v.part, instrument)]
    elsewhere = [i for i in range(len(desk.sections)) if i not in desk.where(change)]
    desk.update(elsewhere, lambda row: {"active": {**(row.active or {}), **dict.fromkeys(roles, False)}})


def _another(desk: Desk, change: Change) -> None:
    if targeted(change):
        fresh = desk.update(desk.where(change), lambda row: {"seed_offset": (row.seed_offset or 0) + 1, "chords": None})
        made, _ = make_plan(Brief(), desk.video, given=desk.plan)
        desk.set(sections=made.sections)
        desk.notes.append(say("revise.another_part", sections=fresh))
        return
    text = f"{desk.plan.seed}/{change.word or 'again'}"
    seed = (
        int(change.word)
        if change.op == "seed" and change.word
        else int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big")
    )
    free = tuple(s if s.lock else s.model_copy(update={"chords": None}) for s in desk.sections)
    given = desk.plan.model_copy(
        update={"seed": seed, "motif": desk.plan.motif if desk.keep_theme else None, "sections": free}
    )
    desk.plan, _ = make_plan(Brief(), desk.video, given=given)
    desk.notes.append(say("revise.another", seed=str(seed)))


def _style(desk: Desk, change: Change) -> None:
    palette = library().palettes[change.word or "overworld_adventure"]
    now = desk.plan.palette or PaletteChoice()
    if palette.kind == "scene":
        choice = PaletteChoice(scene=palette.id, style=now.style if now.style != now.scene else palette.id)
    else:
        same = now.scene in (None, now.style) and library().palettes[now.scene or palette.id].kind != "scene"
        choice = PaletteChoice(scene=palette.id if same else now.scene, style=palette.id)
    scene = library().palettes[choice.scene or palette.id]
    low, _, high = affect.tempo_range(scene)
    now_bpm = desk.plan.tempo_map[0].bpm if desk.plan.tempo_map else low
    bpm = min(high, max(low, now_bpm))
    meter = desk.plan.meter if desk.plan.meter in scene.meter else scene.meter[0]
    same_bar = meter == desk.plan.meter
    desk.relaid(bpm=bpm, palette=choice, meter=meter, swing=None, instruments=None, key=None,
                motif=desk.plan.motif if same_bar else None)  # fmt: skip
    desk.notes.append(say("revise.style", palette=palette_name(palette)))


def _loop(desk: Desk, change: Change) -> None:
    wanted = change.op == "loop"
    if bool(desk.plan.loop) != wanted:
        desk.relaid(loop=wanted, free=desk.video is not None and desk.video.duration > 0)
    desk.notes.append(say("revise.loops" if wanted else "revise.ends"))


def _length(desk: Desk, change: Change) -> None:
    if desk.video is not None and desk.video.duration > 0:
        desk.notes.append(say("revise.length_of_picture"))
        return
    desk.relaid(length_s=change.amount)
    desk.notes.append(say("revise.length", s=change.amount or 0))


def _ending(desk: Desk, change: Change) -> None:
    desk.set(ending=change.op)
    if desk.plan.loop:
        _loop(desk, Change(op="unloop"))
        desk.set(ending=change.op)
    desk.notes.append(say(f"revise.end_{change.op}"))


def _level(desk: Desk, change: Change) -> None:
    if targeted(change):
        _energy(desk, change.model_copy(update={"amount": 0.2 if (change.amount or 0) > 0 else -0.2}))
        return
    mix = desk.plan.mix
    if mix is not None and mix.lufs is not None:
        desk.set(mix=mix.model_copy(update={"lufs": clip(mix.lufs + (change.amount or 0), -40, -5)}))
    amount = change.amount or 0
    desk.notes.append(say("revise.louder" if amount > 0 else "revise.quieter", db=abs(amount)))


def _build(desk: Desk, change: Change) -> None:
    where = desk.where(change)
    count = max(1, len(where) - 1)
    for k, i in enumerate(where):
        desk.update([i], lambda row, k=k: {"energy": clip(0.25 + 0.7 * k / count)})  # type: ignore[misc]
    desk.notes.append(say("revise.builds"))


def _hit(desk: Desk, change: Change) -> None:
    requests = frozenset({"sync_cuts"}) if change.op == "hit" else frozenset()
    if desk.video is None or not desk.video.cuts:
        desk.notes.append(say("revise.no_cuts"))
        return
    desk.relaid(requests=requests, free=True)
    desk.notes.append(say("revise.fitted"))


def _swing(desk: Desk, change: Change) -> None:
    desk.set(swing=clip(change.amount or 0.5, 0.5, 0.75))
    desk.notes.append(say("revise.swings" if (change.amount or 0.5) > 0.52 else "revise.straight"))


_HANDLERS: dict[str, Callable[[Desk, Change], None]] = {
    "energy": _energy, "density": _density, "tempo": _tempo, "bpm": _tempo, "faster": _tempo, "pace": _tempo,
    "meter": _meter,
    "key": _key, "up": _key, "rekey": _key, "mode": _key, "mood": _mood, "exclude": _exclude, "include": _include,
    "confine": _confine,
    "another": _another, "seed": _another, "style": _style, "loop": _loop, "unloop": _loop,
    "level": _level, "build": _build, "hit": _hit, "match": _hit, "swing": _swing, **dict.fromkeys(_LAST, _ending),
    "length": _length, "vary": vary, "strike": strike, "drop": drop, "tune": another_tune,
    "voice": voice, "chords": other_chords, "lift": lift, "octave": register, "gain": register, "only": only,
}  # fmt: skip
