"""How good the music is, measured: seeds × palettes (and pairs of moods), every gate, its share, the worst cases.

    python bench/music.py --seeds 10 --no-sound                                # from the notes alone
    python bench/music.py --seeds 10 --jobs 2 --results music.jsonl --moods 2  # rendered
    python bench/music.py --seeds 10 --no-sound --seconds 45                   # how short pieces do

The measures and their limits are `game_music_maker.studio.music.gates` (docs/metrics.md). Each palette is composed for
clips of random cuts; even seeds loop, odd ones end on their clip and hit its cuts; cues come for themselves. Each
output is a line of the results file as soon as it is done: the same command goes on where another one stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from music_output import Task, mood, output

from game_music_maker.studio.music import gates, metrics_likeness, metrics_picture
from game_music_maker.studio.music.library import library

Row = dict[str, Any]

PAIRS = (("tense", "peaceful"), ("sad", "happy"), ("epic", "cute"))


class Results:
    """What is known already, by key, and the file that it grows in."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path and path.exists() else []
        self.rows: dict[str, Row] = {row["key"]: row for row in map(json.loads, lines)}

    def add(self, row: Row) -> None:
        self.rows[row["key"]] = row
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, default=float) + "\n")


def run(work: Callable[[Any], Row], tasks: dict[str, Any], results: Results, jobs: int) -> list[Row]:
    """Do the tasks that have no result yet; the results of all, in the tasks' order."""
    missing = [task for key, task in tasks.items() if key not in results.rows]
    for i, row in enumerate(_done(work, missing, jobs)):
        results.add(row)
        print(f"\r{i + 1} of {len(missing)}", end="", file=sys.stderr, flush=True)
    return [results.rows[key] for key in tasks]


def _done(work: Callable[[Any], Row], tasks: list[Any], jobs: int) -> Iterator[Row]:
    if jobs == 1:
        yield from map(work, tasks)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for future in as_completed([pool.submit(work, task) for task in tasks]):
            yield future.result()


def table(rows: list[Row]) -> dict[str, Any]:
    """Print gate by gate: share passed and the worst cases; return the same as data."""
    names = [name for name in gates.GATES if any(name in row["measures"] for row in rows)]
    names += sorted({name for row in rows for name in row["passed"]} - set(names))
    out: dict[str, Any] = {}
    for name in names:
        known = [row for row in rows if name in row["measures"]]
        judged = [row for row in rows if name in row["passed"]]
        values = [row["measures"][name] for row in known if np.isfinite(row["measures"][name])]
        span = "{:8.3g} {:8.3g} {:8.3g}".format(*np.percentile(values, [10, 50, 90])) if values else " " * 26
        if not judged:
            print(f"  {name:24s}    told    of {len(known):4d}  {span}")
            continue
        failed = sorted((row for row in judged if not row["passed"][name]), key=lambda row: -_off(name, row))
        share = 1 - len(failed) / len(judged)
        worst = ", ".join(_case(name, row) for row in failed[:5])
        print(f"{' ' if share >= 0.95 else '*'} {name:24s} {100 * share:6.1f} %  of {len(judged):4d}  {span}  {worst}")
        out[name] = {"share": share, "of": len(judged), "failed": [_case(name, row) for row in failed]}
    return out


def _off(name: str, row: Row) -> float:
    """How far outside of the gate a value lies."""
    if name not in row["measures"]:
        return 0.0
    gate, value = gates.GATES[name], row["measures"][name]
    return max(gate.low - value, value - gate.high)


def _case(name: str, row: Row) -> str:
    value = row["measures"].get(name)
    return f"{row['palette']}/{row['seed']}" + ("" if value is None else f"={value:.3g}")


def paced(rows: list[Row]) -> dict[str, Any]:
    """The sign test over all clips whose motion varies."""
    values = [row["measures"]["pace rank"] for row in rows if "pace rank over 5 %" in row["measures"]]
    loud = [row["measures"]["loudness rank"] for row in rows if "loudness rank" in row["measures"]]
    out = {}
    for name, found in (("pace", values), ("loudness", loud)):
        if found:
            p = metrics_picture.sign_test(found)
            above = sum(v > 0 for v in found)
            print(f"{' ' if p < 0.05 else '*'} {name} follows motion in {above} of {len(found)}, sign test p = {p:.2g}")
            out[name] = {"above": above, "of": len(found), "p": p}
    return out


def distinct(rows: list[Row]) -> dict[str, Any]:
    """Nearest neighbour among all outputs, and progressions per palette."""
    marks = [metrics_likeness.Fingerprint(np.array(row["onsets"]), np.array(row["pitch"])) for row in rows]
    like = np.array(
        [[0.0 if i == j else metrics_likeness.likeness(a, b) for j, b in enumerate(marks)] for i, a in enumerate(marks)]
    )
    near = sorted(((float(like[i].max()), i, int(like[i].argmax())) for i in range(len(rows))), reverse=True)
    told = [f"{s:.3f} {_name(rows[i])}~{_name(rows[j])}" for s, i, j in near]
    alike = sum(s > metrics_likeness.SAME for s, _, _ in near)
    per = {p: len({r["progression"] for r in rows if r["palette"] == p}) for p in sorted({r["palette"] for r in rows})}
    mark = " " if alike == 0 else "*"
    print(
        f"{mark} nearest neighbour over {metrics_likeness.SAME}: {alike} of {len(near)};",
        f"nearest: {', '.join(told[:10:2])}",
    )
    print("  fewest progressions:", sorted(per.items(), key=lambda x: x[1])[:5])
    return {"nearest": told[: max(20, alike)], "over": alike, "progressions": per}


def _name(row: Row) -> str:
    return f"{row['palette']}/{row['seed']}"


def moods(rows: dict[str, Row], seeds: int, sound: bool, version: str) -> dict[str, Any]:
    """Pairs of moods, same palette and seed: how often each measure differs in the stated direction.

    Tempo and register rise with arousal (and valence), the mode's brightness with valence less tension, the sound's
    with arousal and valence (the formulas of moods.yaml); the loudness range with tension (Juslin, "Communicating
    emotion in music performance", 2001: fear varies in loudness, tenderness and happiness do not).

    Equal is not held, but for the mode: it is one of the palette's few, drawn by weights that the mood moves (palette
    weight × exp(−(b − B)²/2)); with one seed both draws may fall on the same mode, and where they do not, the brighter
    mood must have the brighter one. How many pairs share their mode is told.
    """
    out: dict[str, list[str]] = {}
    same: dict[str, int] = {}
    count = 0
    for first, second in PAIRS:
        a, b = library().moods[first], library().moods[second]
        signs = {
            "tempo": a.a - b.a, "mode": (3 * a.v - a.t) - (3 * b.v - b.t),
            "register": (5 * a.v + 3 * a.a) - (5 * b.v + 3 * b.a), "loudness range": a.t - b.t,
            "brightness": 0.6 * (a.a - b.a) + 0.2 * (a.v - b.v),
        }  # fmt: skip
        count = 0
        for name in _scored():
            for seed in range(seeds):
                one, other = (rows[f"mood/{name}/{seed}/{word}/{sound}/{version}"] for word in (first, second))
                count += 1
                for what, sign in signs.items():
                    if what in one:
                        apart = (one[what] - other[what]) * sign
                        held = apart > 0 or (what == "mode" and apart == 0)
                        out.setdefault(f"{first}/{second} {what}", []).extend([] if held else [f"{name}/{seed}"])
                        same[f"{first}/{second} {what}"] = same.get(f"{first}/{second} {what}", 0) + (apart == 0)
    for name, failed in out.items():
        share = 1 - len(failed) / count
        print(
            f"{' ' if share >= 0.95 else '*'} {name:30s} {100 * share:6.1f} %  of {count:4d}  {', '.join(failed[:6])}",
            f"({same[name]} share it)" if same[name] else "",
        )
    return {name: {"share": 1 - len(failed) / count, "failed": failed} for name, failed in out.items()}


def _scored() -> list[str]:
    return [p.id for p in library().palettes.values() if p.kind != "cue"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--palettes", help="ids, comma separated; all where absent")
    parser.add_argument("--no-sound", action="store_true", help="notes alone")
    parser.add_argument("--seconds", type=float, default=75.0, help="length of the clips (75)")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--moods", type=int, default=0, help="seeds for the pairs of moods")
    parser.add_argument("--results", type=Path, help="JSON lines of the outputs; what is in it is not made again")
    parser.add_argument("--json", type=Path, help="also write the table here")
    options = parser.parse_args()
    sound = not options.no_sound
    seconds = options.seconds
    names = options.palettes.split(",") if options.palettes else list(library().palettes)
    results = Results(options.results)
    tasks = [Task(name, seed, seconds, sound) for seed in range(options.seeds) for name in names]
    rows = run(output, {task.key: task for task in tasks}, results, options.jobs)
    print(
        f"\n{len(rows)} outputs, clips of {seconds:g} s, {'rendered' if sound else 'notes alone'}; 10 %, median, 90 %"
    )
    figures: dict[str, Any] = {"gates": table(rows), "pace": paced(rows)}
    if len(rows) > 1:
        figures["distinct"] = distinct(rows)
    took = [row["compose_s"] for row in rows]
    print(f"  composing: median {np.median(took):.3f} s, slowest {max(took):.3f} s")
    if options.moods:
        version = tasks[0].key.rsplit("/", 1)[1]
        halves = {
            f"mood/{name}/{seed}/{word}/{sound}/{version}": (name, seed, word, sound)
            for name in _scored() for seed in range(options.moods) for pair in PAIRS for word in pair
        }  # fmt: skip
        run(mood, halves, results, options.jobs)
        print()
        figures["moods"] = moods(results.rows, options.moods, sound, version)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1, default=str))


if __name__ == "__main__":
    main()
