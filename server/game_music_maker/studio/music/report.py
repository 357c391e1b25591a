"""The proof: what the picture asked for and what the sound does (cue sheet), and what the music is (report)."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from ...contract.score import ScorePlan
from ..footage import VideoMap
from . import gates, metrics, metrics_picture
from .chance import COMPOSER_VERSION
from .onsets import Floats, onsets, strong
from .score import Hit, Score, Section

if TYPE_CHECKING:
    from ..sound.play import Played

_PROMISED = 0.5
"""Weight from which an event that is no cut is promised."""
LOOK_S = 0.12
"""How far from the planned time an onset is looked for."""


def cue_sheet(score: Score, played: Played | None, video: VideoMap | None) -> dict[str, Any]:
    """Per event of the picture: planned second, the onset found in the rendered sound, its error and whether it is met.

    Returns:
        ``cues`` [{t, kind, weight, locked, planned, beat, bar, promised, onset_s, error_ms, error_frames, hit,
        reason}], ``promised`` (how many of them) and ``met`` (how many of the promised),
        ``tolerance_ms`` (one frame, at least 40), ``rate`` weighted share met,
        ``chance``, ``lift`` = (rate − chance)/(1 − chance),
        ``mean_error_ms``, ``source`` = ``sound`` or, where nothing is played, ``notes``.
    """
    fps = video.fps if video is not None and video.fps > 0 else 0.0
    tolerance = max(1.0 / fps if fps else 0.0, 0.040)
    times, power, source = _heard(score, played)
    accents = strong(times, power)
    cues = [_cue(hit, score, accents, times, tolerance, fps) for hit in score.hits]
    result = metrics_picture.hit_rate(
        [(h.t, h.weight) for h in score.hits], accents.tolist(), score.length_s, tolerance
    )
    return {
        "cues": cues,
        "promised": sum(cue["promised"] for cue in cues),
        "met": sum(cue["promised"] and cue["hit"] for cue in cues),
        "tolerance_ms": round(1000 * tolerance, 1),
        "rate": round(float(result.rate), 4) if cues else None,
        "chance": round(float(result.chance), 4),
        "lift": round(float(result.lift), 4) if cues else None,
        "mean_error_ms": round(1000 * result.mean_error_s, 1),
        "source": source,
    }


def _heard(score: Score, played: Played | None) -> tuple[Floats, Floats, str]:
    if played is not None:
        times, power = onsets(played.mix, played.rate)
        return times, power, "sound"
    sums: dict[float, float] = {}
    for note in score.notes:
        at = round(score.tempo.seconds(note.beat), 3)
        sums[at] = sums.get(at, 0.0) + (note.vel / 127) ** 2
    rows = sorted(sums.items())
    return np.array([t for t, _ in rows]), np.array([p for _, p in rows]), "notes"


def _cue(hit: Hit, score: Score, accents: Floats, times: Floats, tolerance: float, fps: float) -> dict[str, Any]:
    found = _nearest(accents, hit.t)
    if found is None or abs(found - hit.t) > tolerance:
        weak = _nearest(times, hit.t)
        found = (
            weak if found is None or (weak is not None and abs(weak - hit.t) <= LOOK_S < abs(found - hit.t)) else found
        )
    error = None if found is None else found - hit.t
    accent = _nearest(accents, hit.t)
    met = accent is not None and abs(accent - hit.t) <= tolerance + 1e-9
    bar = metrics.bar_beats(score)
    return {
        "t": round(hit.t, 4), "kind": hit.kind, "weight": hit.weight, "locked": hit.locked, "planned": hit.planned,
        "beat": float(hit.beat) if hit.planned else None, "bar": int(hit.beat // bar) + 1 if hit.planned else None,
        "promised": promised(hit), "onset_s": None if found is None else round(float(found), 4),
        "error_ms": None if error is None else round(1000 * float(error), 1),
        "error_frames": None if error is None or not fps else round(float(error) * fps, 2),
        "hit": bool(met), "reason": "" if met else _reason(hit, found),
    }  # fmt: skip


def promised(hit: Hit) -> bool:
    """Is the music to meet it? Cuts, what the user asked for and heavy events are; a light one (an onset of the clip's
    own sound, a peak of motion) counts where the music meets it, and is no miss where it does not."""
    return hit.locked or hit.kind == "cut" or hit.weight >= _PROMISED


def _reason(hit: Hit, found: float | None) -> str:
    if not promised(hit):
        return "a light event: counted where the music meets it, not promised"
    if hit.reason:
        return hit.reason
    if found is None:
        return "the music is silent there"
    return "the onset there is soft, below the strongest quarter" if abs(found - hit.t) < 0.06 else "no onset near it"


def _nearest(points: Floats, at: float) -> float | None:
    if len(points) == 0:
        return None
    return float(points[int(np.argmin(np.abs(points - at)))])


def report(score: Score, plan: ScorePlan, played: Played | None, video: VideoMap | None) -> dict[str, Any]:
    """What the music is: the metrics, the gates they pass, a hash of the notes of each section, the loop's seam.

    Returns:
        JSON-ready: ``composer``, ``seed``, ``plan_hash``, ``sections``, ``notes_hash``, ``metrics``, ``gates``,
        ``picture`` (`metrics_picture.measures`), ``seam``,
        ``loudness``.
    """
    bars = metrics.by_bars(score)
    found = gates.measures(score, bars)
    out: dict[str, Any] = {
        "composer": COMPOSER_VERSION,
        "seed": score.seed,
        "plan_hash": plan_hash(plan),
        "notes_hash": notes_hash(score),
        "sections": section_hashes(score),
        "metrics": {name: _number(value) for name, value in found.items()},
        "gates": gates.judge(score, found),
        "picture": _picture(score, video, bars),
    }
    if played is not None:
        from ..sound.seam import of_played

        seam = of_played(score, played)
        loudness = played.mastered.loudness
        out["seam"] = None if seam is None else seam.to_dict()
        out["loudness"] = {
            "integrated_lufs": _number(loudness.integrated_lufs),
            "true_peak_dbtp": _number(loudness.true_peak_dbtp),
        }
    return out


def _number(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None


def plan_hash(plan: ScorePlan) -> str:
    """Hash of a plan's JSON with sorted keys."""
    text = json.dumps(plan.model_dump(mode="json", exclude_none=True), sort_keys=True)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def notes_hash(score: Score, section: Section | None = None) -> str:
    """Hash of the notes (of one section, beats relative to it): equal hashes are equal music."""
    start = section.start_beat if section else 0
    end = start + section.beats if section else None
    rows = [
        f"{n.part} {n.beat - start} {n.dur_beats} {n.pitch} {n.vel} {n.micro_ms:.3f} {n.artic}"
        for n in score.notes
        if n.beat >= start and (end is None or n.beat < end)
    ]
    return blake2b("\n".join(sorted(rows)).encode(), digest_size=16).hexdigest()


def section_hashes(score: Score) -> list[dict[str, Any]]:
    """Sections in order: id, role, first second, bars, energy and the hash of their notes."""
    return [
        {"id": s.id, "role": s.role, "start_s": round(score.tempo.seconds(s.start_beat), 4), "bars": s.bars,
         "energy": s.energy, "notes": notes_hash(score, s)}
        for s in score.sections
    ]  # fmt: skip


def _picture(score: Score, video: VideoMap | None, bars: metrics.Bars) -> dict[str, Any] | None:
    if video is None or not video.flow:
        return None
    return {name: _number(value) for name, value in metrics_picture.measures(score, video, bars).items()}
