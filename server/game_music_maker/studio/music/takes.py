"""Several directions of one brief, each named for what differs."""

from __future__ import annotations

from ...contract.score import Key, ScorePlan
from ..footage import VideoMap
from ..replies import Said, say
from . import affect
from .band import palettes_of
from .brief import Brief
from .complete import make_plan
from .library import Affect


def takes(
    brief: Brief, video: VideoMap | None, count: int, *, given: ScorePlan | None = None
) -> list[tuple[Said, ScorePlan, tuple[Said, ...]]]:
    """`count` (1–4) distinct directions of one brief: (name that says what differs, plan, notes)."""
    given = given or ScorePlan()
    first, notes = make_plan(brief, video, given=given)
    out = [(say("take.as_described"), first, notes)]
    v, a, t = first.valence or 0.0, first.arousal or 0.5, first.tension or 0.3
    turns = (
        ("take.calmer", {"valence": v + 0.1, "arousal": a - 0.2, "tension": t - 0.15}),
        ("take.fuller", {"valence": v, "arousal": a + 0.2, "tension": t + 0.1}),
        ("take.darker", {"valence": v - 0.4, "arousal": a, "tension": t + 0.2}),
    )
    scene, style = palettes_of(first)
    for i, (name, moved) in enumerate(turns[: max(0, count - 1)], start=1):
        clipped = {k: min(1.0, max(-1.0 if k == "valence" else 0.0, x)) for k, x in moved.items()}
        # The mode is drawn as the first take's was, so that a darker take is never in a brighter mode.
        key = given.key or Key()
        mode = key.mode or brief.mode or affect.pick_mode(scene, style, Affect(**clipped), first.seed or 0, brief.major)
        other = given.model_copy(
            update={**clipped, "seed": (first.seed or 0) + 1009 * i, "key": Key(tonic=key.tonic, mode=mode)}
        )
        plan, said = make_plan(brief.model_copy(update={"seed": None}), video, given=other)
        out.append((say(name), plan, said))
    return out
