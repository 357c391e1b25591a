"""The closing words of ``score`` and ``demo``: what was made, in figures, and what to try next."""

from __future__ import annotations

from typing import Any

from .output import Output


def closing_lines(data: dict[str, Any], output: Output) -> list[str]:
    """Path, length, loudness, tempo and key, the cuts that were hit, and what to try next."""
    music: dict[str, Any] = data.get("music") or {}
    rows = [
        ("Saved", output.strong(str(data["path"]))),
        ("Length", _length(data)),
        ("Loudness", _loudness(data.get("loudness") or {})),
        ("Music", _music(music)),
        ("Cuts hit", _cuts(music)),
    ]
    found = [f"{f'{name}:':12} {value}" for name, value in rows if value]
    found += [f"{'Left out:':12} {item['name']}: {item['reason']}" for item in data.get("rejected", [])]
    found.append(f'{"Try next:":12} game-music-maker send "calmer, no drums" --project {data["project"]}')
    found.append(f"{'':12} game-music-maker export --project {data['project']} --format kit")
    return found


def _length(data: dict[str, Any]) -> str:
    parts = [f"{data['duration_s']:.1f} s"]
    if data.get("width") and data.get("height"):
        parts.append(f"{data['width']}x{data['height']}")
    return ", ".join([*parts, str(data["format"]), f"{data['size_bytes'] / 1e6:.1f} MB"])


def _loudness(loudness: dict[str, Any]) -> str:
    integrated = loudness.get("integrated_lufs", loudness.get("integrated", loudness.get("lufs")))
    peak = loudness.get("true_peak_dbtp", loudness.get("true_peak", loudness.get("peak_dbtp")))
    parts = [f"{integrated:.1f} LUFS"] if isinstance(integrated, (int, float)) else []
    parts += [f"true peak {peak:.1f} dBTP"] if isinstance(peak, (int, float)) else []
    return ", ".join(parts)


def _music(music: dict[str, Any]) -> str:
    parts = []
    if isinstance(music.get("bpm"), (int, float)):
        parts.append(f"{music['bpm']:.4g} bpm")
    parts += [str(music[key]) for key in ("key", "meter") if isinstance(music.get(key), str)]
    parts += ["loops without a seam"] if music.get("loop") else []
    parts += [f"seed {music['seed']}"] if isinstance(music.get("seed"), int) else []
    return ", ".join(parts)


def _cuts(music: dict[str, Any]) -> str:
    cuts = music.get("cuts")
    return f"{cuts['hit']} of {cuts['all']}" if isinstance(cuts, dict) and cuts.get("all") else ""
