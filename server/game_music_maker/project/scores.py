"""What the state tells of the music: the score that sounds now, and its cue sheet in a size that a host takes."""

from __future__ import annotations

from typing import Any

from . import summary
from .text import line

_MOST_CUES = 60
_CUE_FIELDS = ("t", "kind", "planned", "promised", "onset_s", "error_ms", "error_frames", "hit", "reason")
_DROPPED = ("hit_times", "cue_sheet", "brief", "group", "id")


def details(draft: Any, generated_media: Any) -> dict[str, Any]:
    """``music`` (facts and cue sheet of the score that sounds, or None) and ``takes`` (names of all, oldest first)."""
    if isinstance(generated_media, dict):
        generated_media = list(generated_media.values())
    media = generated_media if isinstance(generated_media, list) else []
    scores = [item for item in media if isinstance(item, dict)]
    names = {track["name"] for track in summary.tracks(draft) if track["kind"] == "audio"}
    sounding = [score for score in scores if score.get("name") in names]
    return {
        "music": _slim((sounding or scores)[-1]) if scores else None,
        "takes": [line(str(score.get("name") or ""), 80) for score in scores][-20:],
    }


def _slim(score: dict[str, Any]) -> dict[str, Any]:
    """Facts without what only machines need; of the cues the weightiest, in order of time."""
    found = {key: value for key, value in score.items() if key not in _DROPPED}
    sheet = score.get("cue_sheet")
    if not isinstance(sheet, dict):
        return found
    cues = [cue for cue in sheet.get("cues", ()) if isinstance(cue, dict)]
    cuts = [cue for cue in cues if cue.get("kind") == "cut"]
    found["cuts"] = {"hit": sum(bool(cue.get("hit")) for cue in cuts), "all": len(cuts)}
    kept = sorted(cues, key=lambda cue: -_weight(cue))[:_MOST_CUES]
    rows = [{key: cue[key] for key in _CUE_FIELDS if cue.get(key) not in (None, "")} for cue in cues if cue in kept]
    figures = {key: value for key, value in sheet.items() if key != "cues"}
    found["cue_sheet"] = {**figures, "cues": rows, "left_out": len(cues) - len(rows)}
    return found


def _weight(cue: dict[str, Any]) -> float:
    weight = cue.get("weight")
    return float(weight) if isinstance(weight, (int, float)) else 0.0
