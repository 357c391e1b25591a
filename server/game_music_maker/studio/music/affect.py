"""Moods and palettes to numbers: valence, arousal, tension, tempo, mode, metre (the formulas of the mood file)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..footage import VideoMap
from .brief import WantedMood
from .chance import chance, dealt
from .library import Affect, Palette, library

BRIGHTNESS = {
    "lydian": 3.0, "ionian": 2.0, "mixolydian": 1.0, "dorian": 0.0, "aeolian": -1.0, "phrygian": -2.0, "locrian": -3.0,
    "harmonic_minor": -1.3, "phrygian_dominant": -1.7, "melodic_minor": -0.5, "octatonic_hw": -2.5, "whole_tone": 0.5,
    "pentatonic_gong": 1.5, "pentatonic_zhi": 0.7, "pentatonic_shang": 0.0, "pentatonic_yu": -0.7,
}  # fmt: skip


def target(scene: Palette, style: Palette, moods: Sequence[WantedMood]) -> Affect:
    """Where the music is to stand: the palettes' centre, moved six tenths of the way to the moods."""
    base = [(getattr(scene.va, n) + getattr(style.va, n)) / 2 for n in ("valence", "arousal", "tension")]
    known = [(library().moods[m.id], m.strength) for m in moods if m.id in library().moods]
    moved = list(base)
    for mood, strength in known:
        for i, value in enumerate((mood.v, mood.a, mood.t)):
            moved[i] += 0.6 * (value - base[i]) * max(-1.0, min(1.7, strength)) / max(1, len(known))
    clip = [(-1.0, 1.0), (0.0, 1.0), (0.0, 1.0)]
    v, a, t = (min(hi, max(lo, x)) for x, (lo, hi) in zip(moved, clip, strict=True))
    return Affect(valence=round(v, 4), arousal=round(a, 4), tension=round(t, 4))


def video_arousal(video: VideoMap | None) -> float | None:
    """How busy the footage is, 0–1: its mean motion and how often it is cut. None without footage."""
    if video is None or video.look == "none" or not video.flow:
        return None
    seconds = max(video.duration, 1.0)
    cuts = sum(1 for c in video.cuts if c.kind == "cut") / seconds
    moving = float(np.mean(video.flow))
    return min(1.0, max(0.0, 0.6 * moving + 0.4 * min(1.0, cuts / 0.5)))


def tempo_range(scene: Palette) -> tuple[float, float, float]:
    """Lowest, default and highest tempo in quarter notes a minute."""
    factor = 1.5 if scene.bpm_unit == "dq" else 1.0
    low, middle, high = scene.bpm
    return low * factor, middle * factor, high * factor


def wanted_bpm(scene: Palette, arousal: float, pace: float | None, seen: float | None, match: bool) -> float:
    """Quarter notes a minute from the text's arousal (or its pace word) and the footage."""
    low, _, high = tempo_range(scene)
    text = arousal if pace is None else pace
    effective = text
    if seen is not None and pace is None:
        share = 0.65 if match else 0.45
        effective = (1 - share) * text + share * seen
    return low + (high - low) * effective


def cue_bpm(scene: Palette, wanted: float, seed: int) -> float:
    """The tempo of a cue: up to a quarter of the palette's range off the wanted one."""
    low, _, high = tempo_range(scene)
    return min(high, max(low, wanted + (high - low) * (float(chance(seed, "tempo").random()) - 0.5) / 2))


def cue_bars(scene: Palette, bar: Fraction, bpm: float, seed: int) -> int:
    """Bars of a cue up to its last chord: one of the numbers that its palette's length holds."""
    shortest, longest = scene.length_s or (2.0, 6.0)
    seconds = 60 * float(bar) / bpm
    able = [n for n in range(1, 9) if shortest <= n * seconds <= longest] or [max(1, int(longest / seconds))]
    return able[dealt(seed, len(able), "bars", scene.id)]


def pick_mode(scene: Palette, style: Palette, affect: Affect, seed: int, major: bool | None) -> str:
    """A mode of the palettes, weighted by nearness to the wanted brightness.

    The draw goes up the modes from dark to bright, so that with one seed a brighter mood never gives a darker mode.
    """
    weights: dict[str, float] = {}
    for palette in (scene, style):
        for name, weight in palette.modes.items():
            weights[name] = weights.get(name, 0.0) + weight / 2
    if any(name.startswith("pentatonic") for name in style.modes):
        weights = dict(style.modes)
    if major is not None:
        third = 4 if major else 3
        kept = {m: w for m, w in weights.items() if third in library().modes[m]}
        weights = kept or {"ionian" if major else "aeolian": 1.0}
    wanted = 3 * affect.valence - affect.tension
    scaled = {m: w * math.exp(-((BRIGHTNESS[m] - wanted) ** 2) / 2) + 1e-9 for m, w in weights.items()}
    order = sorted(scaled, key=lambda m: (BRIGHTNESS[m], m))
    draw = float(chance(seed, "mode").random()) * sum(scaled.values())
    for name in order:
        draw -= scaled[name]
        if draw <= 0:
            return name
    return order[-1]


def pick_tonic(scene: Palette, seed: int) -> str:
    return scene.tonics[int(chance(seed, "tonic").integers(len(scene.tonics)))]


def pick_meter(scene: Palette, style: Palette, seed: int) -> str:
    """Mostly the palette's first metre; another that both know, for one seed in six. Cues take all in turn."""
    shared = [m for m in scene.meter if m in style.meter] or list(scene.meter)
    if scene.one_shot:
        return shared[dealt(seed, len(shared), "meter", scene.id)]
    draw = float(chance(seed, "meter").random())
    usual = shared[0]
    if len(shared) > 1 and draw > 0.85 and shared[1] in ("3/4", "4/4", "6/8"):
        return shared[1]
    return usual
