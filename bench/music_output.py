"""One output of `bench/music.py`: composed, played, measured; and one half of a pair of moods. JSON-ready."""

from __future__ import annotations

import hashlib
import itertools
import random
import tempfile
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from game_music_maker.contract.score import HitPlan, PaletteChoice, ScorePlan
from game_music_maker.studio.footage import Cut, VideoMap
from game_music_maker.studio.music import gates, metrics, metrics_likeness, metrics_picture, metrics_sound
from game_music_maker.studio.music.affect import BRIGHTNESS
from game_music_maker.studio.music.brief import Brief, read_brief
from game_music_maker.studio.music.chance import COMPOSER_VERSION
from game_music_maker.studio.music.compose import compose
from game_music_maker.studio.music.library import library
from game_music_maker.studio.music.onsets import onsets, strong
from game_music_maker.studio.music.plan import make_plan
from game_music_maker.studio.music.report import cue_sheet, notes_hash
from game_music_maker.studio.music.score import Score
from game_music_maker.studio.sound import loudness
from game_music_maker.studio.sound.bank import Bank
from game_music_maker.studio.sound.feed import MixInput
from game_music_maker.studio.sound.mixdown import mixed
from game_music_maker.studio.sound.play import Played, later_pass, play
from game_music_maker.studio.sound.seam import of_played

RATE = 48_000
DUCK_DB = 8.0
PADS = ("pad", "choir", "cluster", "drone")


@dataclass(frozen=True)
class Task:
    """`sound` renders; `seconds` is the clip's length."""

    palette: str
    seed: int
    seconds: float
    sound: bool

    @property
    def key(self) -> str:
        return f"{self.palette}/{self.seed}/{self.seconds:g}/{'sound' if self.sound else 'notes'}/{COMPOSER_VERSION}"


def clip(seed: int, seconds: float) -> VideoMap:
    """A clip with known cuts, about one in four seconds and at least 0.8 s apart, and motion that rises and falls."""
    rng = random.Random(seed)
    times: list[float] = []
    at = rng.uniform(1.5, 5.0)
    while at < seconds - 2.5:
        times.append(at)
        at += max(0.8, rng.expovariate(1 / 3.4))
    cuts = tuple(Cut(t=t, w=1.0 if rng.random() < 0.4 else 0.5) for t in times)
    shape = [rng.random() for _ in range(12)]
    flow = tuple(min(1.0, 0.1 + 0.8 * shape[int(i / (seconds * 10) * 12)]) for i in range(int(seconds * 10)))
    heavy = [0.0, *(c.t for c in cuts if c.w == 1.0), seconds]
    return VideoMap(
        fps=30.0, duration=seconds, cuts=cuts, flow=flow, colour=0.4, look="accurate",
        scenes=tuple(itertools.pairwise(heavy)),
    )  # fmt: skip


def choice(name: str) -> PaletteChoice:
    return PaletteChoice(style=name) if library().palettes[name].kind == "style" else PaletteChoice(scene=name)


def output(task: Task) -> dict[str, Any]:
    """Compose (and play) one palette with one seed and measure it. Even seeds loop; odd ones end, hit the cuts and hold
    one cut of weight 1 locked."""
    cue = library().palettes[task.palette].one_shot
    video = None if cue else clip(task.seed * 977 + len(task.palette), task.seconds)
    loops = task.seed % 2 == 0 and not cue
    brief = read_brief("loop" if loops else "hit the cuts, synced on the cuts")
    heavy = [c for c in video.cuts if c.w >= 1] if video is not None and not loops else []
    held = (HitPlan(t=heavy[len(heavy) // 2].t, kind="cut", weight=1.0, locked=True),) if heavy else None
    given = ScorePlan(seed=task.seed, palette=choice(task.palette), loop=loops, hits=held)
    start = time.perf_counter()
    plan, _ = make_plan(Brief(text=brief.text, requests=brief.requests), video, given=given)
    score = compose(plan, video)
    took = time.perf_counter() - start
    passed = {"notes repeat": notes_hash(compose(plan, video)) == notes_hash(score)}
    without, _ = make_plan(brief, video, given=given.model_copy(update={"excludes": ("drums", "choir")}))
    passed["exclusions"] = clean(compose(without, video))
    found = gates.measures(score)
    if video is not None:
        found |= metrics_picture.measures(score, video)
    if task.sound:
        heard, kept = _sound(score, video, task.seed)
        found, passed = found | heard, passed | kept
    elif video is not None and not loops:
        found |= _planned(cue_sheet(score, None, video))
    if cue:  # a cue of a few bars is held to what its sound is alone
        found = {name: value for name, value in found.items() if name in gates.OF_SOUND}
    mark = metrics_likeness.fingerprint(score).to_json()
    first = [c.rn for c in score.chords if c.beat < 8 * metrics.bar_beats(score)]
    return {
        "key": task.key, "palette": task.palette, "seed": task.seed, "loop": loops,
        "measures": found, "passed": passed | gates.judge(score, found), "compose_s": took,
        "progression": " ".join(first[:8]), **mark,
    }  # fmt: skip


def clean(score: Score) -> bool:
    """No drums and no choir."""
    banned = {47, 52, 53, 54, 85, 91, 115, 116, 117, 118}
    return not any(p.drums or (p.synth is None and p.program in banned) for p in score.parts)


def _planned(sheet: dict[str, Any]) -> dict[str, float]:
    """Without sound: the share of the cuts that have a beat."""
    cues = sheet["cues"]
    heavy = [c for c in cues if c["weight"] >= 1]
    found = (
        {"cuts met": sum(c["weight"] for c in cues if c["planned"]) / sum(c["weight"] for c in cues)} if cues else {}
    )
    return found | ({"heavy cuts met": sum(1 for c in heavy if c["planned"]) / len(heavy)} if heavy else {})


def _met(sheet: dict[str, Any]) -> dict[str, float]:
    """With sound: the share of the cuts with a strong onset in the rendered sound."""
    cues = sheet["cues"]
    heavy = [c for c in cues if c["weight"] >= 1]
    locked = [c["error_frames"] for c in cues if c["locked"]]
    found = {"cuts met": sheet["rate"], "lift": sheet["lift"]} if cues else {}
    if heavy:
        found["heavy cuts met"] = sum(1 for c in heavy if c["hit"]) / len(heavy)
    if locked:
        found["locked error frames"] = max(99.0 if e is None else abs(e) for e in locked)
    return found


@lru_cache(maxsize=1)
def bank() -> Bank:
    return Bank.open()


def _sound(score: Score, video: VideoMap | None, seed: int) -> tuple[dict[str, float], dict[str, bool]]:
    start = time.perf_counter()
    played = play(score, bank())
    found: dict[str, float] = {"play s": time.perf_counter() - start}
    passed: dict[str, bool] = {}
    if seed < 2:
        passed["samples repeat"] = _digest(play(score, bank())) == _digest(played)
    if video is not None and not score.loop:
        found |= _met(cue_sheet(score, played, video))
        heard = strong(*onsets(played.mix, played.rate))
        found["beat alignment"] = metrics_picture.beat_alignment(
            [c.t for c in video.cuts], heard.tolist(), score.length_s
        )[1]
    if score.loop:
        # The second pass is steady already: no tail is as long as the loop.
        seam = of_played(score, played, next_pass=later_pass(score, bank(), passes=2))
        failures = seam.failures if seam else ("none",)
        passed |= {
            f"seam {name}": name not in failures
            for name in ("length", "identity", "click", "hole", "head", "gap", "flux")
        }
        passed["loop seam"] = not failures
    found |= metrics_sound.measures(score, played.mix, played.rate, video, _groups(score))
    found["brightness Hz"] = metrics_sound.brightness(played.mix, played.rate)
    pieces = [np.round(stem.astype(np.float64) * 2**23) / 2**23 for stem in played.stems.values()]
    found["stem null dB"] = metrics_sound.null_db(sum(played.stems.values()), pieces)
    if seed == 0 and len(played.mix) >= 18 * RATE:
        found |= _under_speech(played)
    return found, passed


def _digest(played: Played) -> str:
    return hashlib.sha256(np.ascontiguousarray(played.mix).tobytes()).hexdigest()


def _groups(score: Score) -> dict[str, Any]:
    """Pre-master sound of the lead alone and of the held parts alone: a part's level hangs on the lead alone."""
    layer = {p.id: "high" if p.role == "lead" else "base" for p in score.parts if p.role in ("lead", *PADS)}
    if len(set(layer.values())) < 2:
        return {}
    parts = tuple(replace(p, layer=layer[p.id]) for p in score.parts if p.id in layer)
    alone = play(replace(score, parts=parts, notes=tuple(n for n in score.notes if n.part in layer)), bank())
    return {"lead": alone.stems["high"], "pads": alone.stems["base"]}


def _under_speech(played: Played) -> dict[str, float]:
    """The piece mixed under a clip that speaks from 5 to 9 and from 14 to 18 s: how far the music goes down there and
    how far the speech stands above it, both measured on what is left of the mix when the clip's sound is taken away."""
    spans = [(5.3, 8.8), (14.3, 17.8)]
    seconds = min(24.0, len(played.mix) / played.rate)
    own = _speech(seconds, [(5.0, 9.0), (14.0, 18.0)])
    music = played.mix[: round(seconds * RATE)]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("own.wav", "music.wav", "mix.wav")]
        for path, sound in zip(paths, (own, music), strict=False):
            soundfile.write(path, sound, RATE, subtype="FLOAT")
        inputs = [
            MixInput(paths[0], 0.0, seconds, is_original=True),
            MixInput(paths[1], 0.0, seconds, duck_db=DUCK_DB),
        ]
        with mixed(inputs, seconds, Path(folder), target_lufs=-30.0) as mix:
            report = mix.report(loudness.measure(mix.save(paths[2])))
        whole = soundfile.read(paths[2], dtype="float32")[0] / np.float32(10 ** (report.gain_db / 20))
    under = whole - own
    depth = metrics_sound.ducked(music, under, spans, RATE)
    above = metrics_sound.speech_over(own, under, spans, RATE)
    # music may go down further than asked for so that speech stands above it
    return {
        "duck error dB": max(0.0, DUCK_DB - depth, depth - DUCK_DB - report.deeper_db),
        "speech over music LU": above,
    }


def _speech(seconds: float, spans: list[tuple[float, float]]) -> Any:
    """Syllables of a buzz through two formants, four a second, at about −18 LUFS, shape (n, 2)."""
    t = np.arange(round(seconds * RATE)) / RATE
    buzz = np.zeros(len(t))
    for hz in range(130, 3_380, 130):
        formants = np.exp(-(((hz - 600) / 300) ** 2)) + 0.5 * np.exp(-(((hz - 1900) / 500) ** 2))
        buzz += formants * np.sin(2 * np.pi * hz * t)
    gate = sum(((t >= a) & (t < b)).astype(float) for a, b in spans)
    wave = 0.12 * buzz * gate * (0.55 - 0.45 * np.cos(2 * np.pi * 4 * t))
    return np.stack([wave, wave], axis=1).astype(np.float32)


def mood(task: tuple[str, int, str, bool]) -> dict[str, Any]:
    """Tempo, mode, register (and, played, loudness range and brightness) of 40 s of one palette in one mood."""
    name, seed, word, sound = task
    given = ScorePlan(seed=seed, palette=choice(name), moods=(word,), length_s=40.0)
    score = compose(make_plan(Brief(), None, given=given)[0])
    lead = [n.pitch for n in score.notes if n.part == "lead"]
    found = {
        "tempo": score.tempo.points[0][1], "mode": BRIGHTNESS[score.key[1]],
        "register": float(np.mean(lead)) if lead else 0.0,
    }  # fmt: skip
    if sound:
        played = play(score, bank(), stems=False)
        found["loudness range"] = played.mastered.loudness.range_lu
        found["brightness"] = metrics_sound.brightness(played.mix, played.rate)
    return {"key": f"mood/{name}/{seed}/{word}/{sound}/{COMPOSER_VERSION}", **found}
