"""How good the music is, measured: seeds × palettes (and mood pairs), every gate, its share, the worst cases.

    python bench/music.py --seeds 10 --no-sound        # from the notes alone
    python bench/music.py --seeds 2 --jobs 2           # with the rendered sound: cut hits, loop seam, loudness contrast

The gates and their limits are `game_music_maker.studio.music.gates`. Each palette is composed for a clip of random cuts
(half of the seeds as a loop); one-shot cues for themselves.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from game_music_maker.contract.score import MixPlan, PaletteChoice, ScorePlan
from game_music_maker.studio.footage import Cut, VideoMap
from game_music_maker.studio.music import gates, metrics
from game_music_maker.studio.music.affect import BRIGHTNESS
from game_music_maker.studio.music.brief import Brief, read_brief
from game_music_maker.studio.music.compose import compose
from game_music_maker.studio.music.library import library
from game_music_maker.studio.music.plan import make_plan
from game_music_maker.studio.music.report import cue_sheet, notes_hash
from game_music_maker.studio.music.score import Score

MOOD_PAIRS = (("tense", "peaceful"), ("sad", "happy"), ("epic", "cute"))


def clip(seed: int, seconds: float = 75.0) -> VideoMap:
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


@dataclass
class Row:
    palette: str
    seed: int
    measures: dict[str, float] = field(default_factory=dict)
    passed: dict[str, bool] = field(default_factory=dict)
    compose_s: float = 0.0
    chords: tuple[str, ...] = ()
    vector: Any = None


def one(task: tuple[str, int, bool]) -> Row:
    """Compose (and, where asked, play) one palette with one seed and measure it."""
    name, seed, sound = task
    palette = library().palettes[name]
    video = None if palette.one_shot else clip(seed * 977 + len(name))
    text = "hit the cuts, synced on the cuts" if seed % 2 else "loop"
    brief = Brief(text=text, requests=read_brief(text).requests)
    choice = PaletteChoice(scene=name) if palette.kind != "style" else PaletteChoice(style=name)
    given = ScorePlan(seed=seed, palette=choice, loop=None if palette.one_shot else seed % 2 == 0, mix=MixPlan())
    start = time.perf_counter()
    plan, _ = make_plan(brief, video, given=given)
    score = compose(plan, video)
    took = time.perf_counter() - start
    found = gates.measures(score)
    row = Row(name, seed, found, {} if palette.one_shot else gates.judge(score, found), took)
    row.passed["repeats exactly"] = notes_hash(compose(plan, video)) == notes_hash(score)
    without, _ = make_plan(brief, video, given=given.model_copy(update={"excludes": ("drums", "choir")}))
    row.passed["exclusions"] = clean(compose(without, video))
    if video is not None and not score.loop:
        _cuts(row, cue_sheet(score, None, video), "notes: ")
    first = [c.rn for c in score.chords if c.beat < 8 * metrics.bar_beats(score)]
    row.chords = tuple(first[:8])
    row.vector = similarity_vector(score)
    if sound:
        _sound(row, score, video)
    return row


def clean(score: Score) -> bool:
    """No drums and no choir."""
    banned = {47, 52, 53, 54, 85, 91, 115, 116, 117, 118}
    return not any(p.drums or (p.synth is None and p.program in banned) for p in score.parts)


def _cuts(row: Row, sheet: dict[str, Any], prefix: str) -> None:
    cues = sheet["cues"]
    if not cues:
        return
    heavy = [c for c in cues if c["weight"] >= 1]
    key = "planned" if prefix else "hit"
    row.measures[prefix + "cuts met"] = sum(c["weight"] for c in cues if c[key]) / sum(c["weight"] for c in cues)
    row.passed[prefix + "cuts met"] = row.measures[prefix + "cuts met"] >= 0.78
    if heavy:
        row.measures[prefix + "heavy cuts met"] = sum(1 for c in heavy if c[key]) / len(heavy)
        row.passed[prefix + "heavy cuts met"] = row.measures[prefix + "heavy cuts met"] >= 0.92
    if not prefix:
        row.measures["lift"] = sheet["lift"]
        row.passed["lift"] = sheet["lift"] >= 0.55


def _sound(row: Row, score: Score, video: VideoMap | None) -> None:
    from game_music_maker.studio.sound.bank import Bank
    from game_music_maker.studio.sound.loudness import measure
    from game_music_maker.studio.sound.play import later_pass, play
    from game_music_maker.studio.sound.seam import of_played

    bank = Bank.open()
    played = play(score, bank)
    if video is not None and not score.loop:
        _cuts(row, cue_sheet(score, played, video), "")
    if score.loop:
        seam = of_played(score, played, next_pass=later_pass(score, bank))
        row.passed["loop seam"] = seam is not None and not seam.failures
        for failure in seam.failures if seam else ():
            row.passed[f"seam {failure}"] = False
    levels = []
    for s in score.sections:
        a, b = (round(score.tempo.seconds(x) * played.rate) for x in (s.start_beat, s.start_beat + s.beats))
        piece = played.mix[a:b]
        if len(piece) > 3 * played.rate:
            levels.append(measure(np.ascontiguousarray(piece), played.rate).integrated_lufs)
    if len(levels) > 1:
        special = [gates.CONTRAST_EXCEPTIONS[p][0] for p in score.palette.split("+") if p in gates.CONTRAST_EXCEPTIONS]
        row.measures["contrast LU"] = max(levels) - min(levels)
        row.passed["contrast LU"] = row.measures["contrast LU"] >= min([gates.CONTRAST_LU, *special])


def similarity_vector(score: Score) -> Any:
    """Onsets and pitch classes by bar of the first 16 bars, transposed to C, for the distance between outputs."""
    bars = metrics.by_bars(score)
    from game_music_maker.studio.music.theory import pitch_class

    pitch = np.roll(bars.pitch, -pitch_class(score.key[0]), axis=1)[:16]
    onset = bars.groove[:16]
    pad = 16 - len(pitch)
    return np.pad(onset, ((0, pad), (0, 0))), np.pad(pitch, ((0, pad), (0, 0)))


def similar(a: Any, b: Any) -> float:
    """Mean bar similarity S of two outputs (half onsets, half cosine of pitch classes)."""
    onset = 1 - np.abs(a[0] - b[0]).mean(axis=1)
    na, nb = np.linalg.norm(a[1], axis=1), np.linalg.norm(b[1], axis=1)
    cosine = (a[1] * b[1]).sum(axis=1) / np.maximum(na * nb, 1e-9)
    used = (na > 0) | (nb > 0)
    return float((0.5 * onset + 0.5 * cosine)[used].mean()) if used.any() else 0.0


def moods(seeds: int) -> dict[str, tuple[int, int]]:
    """Mood pairs, same seed and palette: how often tempo, mode, register and brightness differ as they should."""
    out: dict[str, tuple[int, int]] = {}
    names = [p.id for p in library().palettes.values() if p.kind != "cue"]
    for first, second in MOOD_PAIRS:
        a, b = library().moods[first], library().moods[second]
        for name in names:
            for seed in range(seeds):
                low, high = (_mood(name, seed, m) for m in (first, second))
                for what, sign in (("tempo", a.a - b.a), ("mode", (3 * a.v - a.t) - (3 * b.v - b.t)),
                                   ("register", (5 * a.v + 3 * a.a) - (5 * b.v + 3 * b.a)),
                                   ("lowpass", .6 * (a.a - b.a) + .2 * (a.v - b.v))):  # fmt: skip
                    good, total = out.get(f"{first}/{second} {what}", (0, 0))
                    diff = low[what] - high[what]
                    ok = diff * sign >= 0 if what in ("mode", "register") else diff * sign > 0
                    out[f"{first}/{second} {what}"] = (good + ok, total + 1)
    return out


def _mood(name: str, seed: int, mood: str) -> dict[str, float]:
    kind = library().palettes[name].kind
    choice = PaletteChoice(scene=name) if kind == "scene" else PaletteChoice(style=name)
    plan, _ = make_plan(Brief(), None, given=ScorePlan(seed=seed, palette=choice, moods=(mood,)))
    score = compose(plan)
    lead = [n.pitch for n in score.notes if n.part == "lead"]
    return {
        "tempo": score.tempo.points[0][1], "mode": BRIGHTNESS[score.key[1]],
        "register": float(np.mean(lead)) if lead else 0.0, "lowpass": score.lowpass_hz,
    }  # fmt: skip


def table(rows: list[Row]) -> dict[str, Any]:
    """Print gate by gate: share passed and the worst cases; return the same as data."""
    names = sorted({name for row in rows for name in row.passed})
    out: dict[str, Any] = {}
    for name in names:
        judged = [row for row in rows if name in row.passed]
        failed = [row for row in judged if not row.passed[name]]
        share = 1 - len(failed) / len(judged)
        worst = ", ".join(f"{r.palette}/{r.seed}={r.measures.get(name, float('nan')):.2f}" for r in failed[:6])
        mark = " " if share >= 0.95 else "*"
        print(f"{mark} {name:26s} {100 * share:6.1f} %  of {len(judged):4d}   {worst}")
        out[name] = {"share": share, "of": len(judged), "failed": [f"{r.palette}/{r.seed}" for r in failed]}
    return out


def distinct(rows: list[Row]) -> dict[str, Any]:
    """Nearest neighbour among all outputs, and progressions per palette."""
    near: list[tuple[float, str]] = []
    for i, a in enumerate(rows):
        best = max(((similar(a.vector, b.vector), b) for j, b in enumerate(rows) if j != i), key=lambda x: x[0])
        near.append((best[0], f"{a.palette}/{a.seed}~{best[1].palette}/{best[1].seed}"))
    near.sort(reverse=True)
    per = {p: len({r.chords for r in rows if r.palette == p}) for p in sorted({r.palette for r in rows})}
    print(
        f"nearest neighbour: worst {near[0][0]:.3f} {near[0][1]}; "
        f"over .92: {sum(x > 0.92 for x, _ in near)} of {len(near)}"
    )
    print("fewest progressions:", sorted(per.items(), key=lambda x: x[1])[:5])
    return {"nearest": near[:10], "progressions": per}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--palettes", help="ids, comma separated; all where absent")
    parser.add_argument("--no-sound", action="store_true", help="notes alone")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--moods", type=int, default=0, help="seeds for the mood pairs")
    parser.add_argument("--json", help="also write the figures here")
    options = parser.parse_args()
    names = options.palettes.split(",") if options.palettes else list(library().palettes)
    tasks = [(name, seed, not options.no_sound) for name in names for seed in range(options.seeds)]
    with ProcessPoolExecutor(options.jobs) as pool:
        rows = list(pool.map(one, tasks, chunksize=1 if not options.no_sound else 4))
    figures: dict[str, Any] = {"gates": table(rows)}
    if len(rows) > 1:
        figures["distinct"] = distinct(rows)
    print(
        f"composing: median {np.median([r.compose_s for r in rows]):.3f} s, "
        f"slowest {max(r.compose_s for r in rows):.3f} s"
    )
    if options.moods:
        for name, (good, total) in moods(options.moods).items():
            print(f"{' ' if good / total >= 0.95 else '*'} {name:26s} {100 * good / total:6.1f} %  of {total:4d}")
    if options.json:
        from pathlib import Path

        Path(options.json).write_text(json.dumps(figures, indent=1, default=str))


if __name__ == "__main__":
    main()
