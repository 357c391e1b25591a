"""Edits of the tune and of what it stands on: varied, another one, another player, other chords, another key."""

from __future__ import annotations

from ...contract.score import Motif
from ..replies import say
from .band import assemble, palettes_of
from .brief import Brief
from .chance import chance
from .change import Change
from .complete import make_plan, motif_of
from .desk import Desk, targeted
from .library import library
from .motif import draw
from .naming import instrument_name

_UP = 2


def vary(desk: Desk, change: Change) -> None:
    """The tune ornamented once more over the same chords, where it plays."""
    if not any(voice.part.role == "lead" for voice in assemble(desk.plan).voices):
        desk.notes.append(say("revise.was_none", instrument=say("revise.the_lead")))
        return
    done = desk.update(desk.where(change), lambda row: {"variation": min(8, (row.variation or 0) + 1)})
    desk.notes.append(say("revise.varied", sections=done) if targeted(change) else say("revise.varied_all"))


def another_tune(desk: Desk, change: Change) -> None:
    """Another basic idea for the whole piece, over the same chords; in a part of it the tune is varied."""
    if targeted(change):
        vary(desk, change)
        return
    old = desk.plan.motif or Motif()
    busy = min(1.0, max(0.0, 0.15 + 0.55 * (desk.plan.arousal or 0.5)))
    seed = int(chance(desk.plan.seed or 0, "another motif", str(old.rhythm), str(old.intervals)).integers(2**31))
    desk.set(motif=motif_of(draw(palettes_of(desk.plan)[0], int(desk.bar() * 4), seed, busy)))
    desk.notes.append(say("revise.another_tune"))


def voice(desk: Desk, change: Change) -> None:
    """Who plays the tune."""
    instrument = library().instruments[change.word or ""]
    if not instrument.gm:
        desk.notes.append(say("revise.cannot_add", instrument=instrument_name(instrument)))
        return
    free = tuple(word for word in desk.plan.excludes or () if word not in (change.word, "melody"))
    desk.set(instruments={**(desk.plan.instruments or {}), "lead": instrument.gm[0]}, excludes=free)
    desk.notes.append(say("revise.tune_by", instrument=instrument_name(instrument)))


def other_chords(desk: Desk, change: Change) -> None:
    """Other chords under the same tune, which follows them."""
    done = desk.update(desk.where(change), lambda row: {"seed_offset": (row.seed_offset or 0) + 1, "chords": None})
    made, _ = make_plan(Brief(), desk.video, given=desk.plan)
    desk.set(sections=made.sections)
    desk.notes.append(say("revise.other_chords", sections=done))


def lift(desk: Desk, change: Change) -> None:
    """A key change in a part of the piece: a whole tone up from what it was, the last section where none is named."""
    where = desk.where(change) if targeted(change) else [len(desk.sections) - 1]
    if desk.plan.loop and not targeted(change):
        desk.notes.append(say("plan.loop_lift"))
        return
    by = round(change.amount or _UP)
    done = desk.update(where, lambda row: {"lift": max(-11, min(11, (row.lift or 0) + by))})
    desk.notes.append(say("revise.lifted", sections=done, semitones=by))
