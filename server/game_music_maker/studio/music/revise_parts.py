"""Edits of single parts of a plan: register, loudness, and who plays alone."""

from __future__ import annotations

from collections.abc import Sequence

from ...contract.score import PartPlan
from ..replies import say
from .band import assemble
from .change import Change
from .desk import Desk, clip, targeted
from .library import Instrument, library
from .naming import instrument_name
from .score import Part


def set_parts(desk: Desk, roles: Sequence[str], *, gain_db: float = 0.0, octave: int = 0) -> None:
    """Parts so much louder and so many octaves higher than they are."""
    parts = dict(desk.plan.parts or {})
    for role in roles:
        now = parts.get(role, PartPlan())
        level = clip((now.gain_db or 0) + gain_db, -24, 12)
        register = max(-3, min(3, (now.octave or 0) + octave))
        parts[role] = PartPlan(octave=register or None, gain_db=level or None)
    desk.set(parts=parts)


def _named(desk: Desk, word: str | None) -> list[str]:
    """Roles that the user calls by an instrument's name or "lead"; all that have a pitch without a word."""
    voices = assemble(desk.plan).voices
    if word == "lead" or word is None:
        return [v.part.role for v in voices if not v.part.drums and word in (None, v.part.role)]
    return [v.part.role for v in voices if plays(v.part, library().instruments[word])]


def register(desk: Desk, change: Change) -> None:
    """Octaves and loudness of a part, in the whole piece."""
    lead = change.word == "lead"
    name = say("revise.the_lead") if lead else say("revise.all_parts")
    if change.word and not lead:
        name = instrument_name(library().instruments[change.word])
    roles = _named(desk, change.word)
    if change.op == "octave" and change.word and not lead:
        drums = {v.part.role for v in assemble(desk.plan).voices if v.part.drums}
        roles = [role for role in roles if role not in drums]
    amount = change.amount or 0
    if not roles:
        desk.notes.append(say("revise.was_none", instrument=name))
    elif targeted(change):
        desk.notes.append(say("revise.part_whole", instrument=name))
    elif change.op == "octave":
        set_parts(desk, roles, octave=round(amount))
        told = {"instrument": name, "count": abs(round(amount))}
        desk.notes.append(say("revise.octave_down" if amount < 0 else "revise.octave_up", **told))
    else:
        set_parts(desk, roles, gain_db=amount)
        level = abs(amount)
        desk.notes.append(say("revise.part_softer" if amount < 0 else "revise.part_louder", instrument=name, db=level))


_ALONE = ("lead", "bass", "pad")


def only(desk: Desk, change: Change) -> None:
    """The named instruments alone: parts that others play rest; tune, bass and chords are played by those named."""
    wanted = [library().instruments[word] for word in (change.word or "").split(",")]
    voices = assemble(desk.plan).voices
    pitched = [instrument for instrument in wanted if instrument.gm]
    ours = {v.part.role for v in voices if any(plays(v.part, instrument) for instrument in wanted)}
    others = [v.part for v in voices if v.part.role not in ours]
    given = [p.role for p in others if not p.drums and p.role in _ALONE] if pitched else []
    programs = {role: pitched[i % len(pitched)].gm[0] for i, role in enumerate(given)}
    rest = dict.fromkeys((p.role for p in others if p.role not in given), False)
    desk.set(instruments={**(desk.plan.instruments or {}), **programs})
    if not any(instrument.drums for instrument in wanted):
        desk.set(excludes=tuple(dict.fromkeys((*(desk.plan.excludes or ()), "drums"))))
    playing = dict.fromkeys(given, True)
    desk.update(desk.where(Change(op="only")), lambda row: {"active": {**(row.active or {}), **rest, **playing}})
    names = tuple(instrument_name(instrument) for instrument in wanted)
    desk.notes.append(say("revise.only", instruments=names))


def plays(part: Part, instrument: Instrument) -> bool:
    """Whether a part is what the user calls by the instrument's name."""
    if part.drums or instrument.drums:
        return part.drums and instrument.drums
    return part.role in instrument.roles or part.program in (*instrument.gm, *instrument.family)
