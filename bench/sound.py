"""Time and memory of composing 90 s, and of playing and mixing a dense score, against FFmpeg's AAC encode of the same.

    python bench/sound.py [--seconds 90] [--rounds 3]

Prints one JSON object. All is measured in the same run, alternately, in processes of their own; the ratio is that of
the medians. Composing is the plan and the notes of a brief for a clip with a cut every 6 s; playing is done as for a
video: halves of the parts on two cores, then the room and the mastering. Memory is the sum of both processes' peaks,
shared pages counted twice. The exit status says whether the limits held.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "server"))

LIMITS = {"compose_s": 1.5, "play_s": 3.5, "ratio": 2.8}
BRIEF = "generate looping fantasy background music that matches the pace of this dungeon exploration scene"
PARTS = (
    ("lead", 73, "high", 60, 90),
    ("counter", 60, "peak", 48, 72),
    ("arp", 46, "base", 50, 82),
    ("pad", 48, "base", 45, 76),
    ("choir", 52, "peak", 48, 76),
    ("bass", 32, "mid", 28, 50),
    ("keys", 0, "mid", 40, 80),
    ("perc", 0, "mid", 27, 87),
)


def dense_score(seconds: float):  # type: ignore[no-untyped-def]
    """Eight parts, about 30 notes a second."""
    from game_music_maker.studio.music.score import Note, Part, Reverb, Score, TempoMap

    parts = tuple(Part(r, r, p, (lo, hi), layer, drums=r == "perc") for r, p, layer, lo, hi in PARTS)
    chords = ((0, 3, 7), (-4, 0, 3), (-2, 2, 5), (-5, -1, 2))
    notes = []
    for b in range(int(seconds * 2) - 4):
        chord, at = chords[b // 4 % 4], Fraction(b)
        if b % 4 == 0:
            notes += [Note(who, at, Fraction(4), 60 + c, 66) for who in ("pad", "choir") for c in chord]
            notes += [Note("counter", at + k, Fraction(2), 57 + chord[k // 2], 75) for k in (0, 2)]
        notes += [Note("arp", at + Fraction(k, 4), Fraction(1, 4), 60 + chord[k % 3], 74) for k in range(4)]
        notes += [Note("bass", at + Fraction(k, 2), Fraction(1, 2), 36 + chord[0], 85) for k in range(2)]
        notes.append(Note("lead", at, Fraction(1), 72 + (chord[b % 3] + b // 16) % 12, 88))
        if b % 2 == 0:
            notes += [Note("keys", at, Fraction(1), 60 + c, 66) for c in chord]
        notes.append(Note("perc", at, Fraction(1, 4), 38 if b % 2 else 36, 100))
        notes += [Note("perc", at + Fraction(k, 4), Fraction(1, 4), 42, 66) for k in range(4)]
    tempo = TempoMap(((Fraction(0), 120.0),))
    return Score(parts, tuple(notes), tempo, (4, 4), seconds, ("C", "aeolian"), reverb=Reverb("hall", 2.2, 0.2))


def compose_once(seconds: float) -> float:
    """Seconds from the words to the notes."""
    from game_music_maker.studio.footage import Cut, VideoMap
    from game_music_maker.studio.music.brief import read_brief
    from game_music_maker.studio.music.compose import compose
    from game_music_maker.studio.music.plan import make_plan

    cuts = tuple(Cut(t=t + 0.37, w=1.0) for t in range(6, int(seconds) - 3, 6))
    video = VideoMap(fps=30.0, duration=seconds, cuts=cuts, look="quick")
    start = time.perf_counter()
    plan, _ = make_plan(read_brief(BRIEF), video)
    compose(plan, video)
    return time.perf_counter() - start


def play_once(seconds: float, wav: Path) -> None:
    """Child process: compose a brief; play the dense score, write the WAV; print seconds and peak memory."""
    import resource

    import soundfile

    from game_music_maker.studio import scoring
    from game_music_maker.studio.sound.bank import Bank
    from game_music_maker.studio.sound.play import play

    scoring.load()
    composed = compose_once(seconds)
    score, bank = dense_score(seconds), Bank.open()
    start, used = time.perf_counter(), sum(os.times()[:4])
    played = play(score, bank, stems=False, beside=True)
    took, used = time.perf_counter() - start, sum(os.times()[:4]) - used
    soundfile.write(wav, played.mix, played.rate, "PCM_24")
    unit = 1024 if sys.platform != "darwin" else 1 << 20
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / unit
    found = {"compose_s": composed, "s": took, "cpu_s": used, "peak_mb": peak, "notes": len(score.notes)}
    print(json.dumps(found))


def mix_once(seconds: float, wav: Path) -> float:
    from game_music_maker.studio.sound.mixdown import MixInput, mixed

    start = time.perf_counter()
    inputs = [MixInput(wav, 0, seconds, is_original=True), MixInput(wav, 0, seconds, duck_db=9)]
    with mixed(inputs, seconds, wav.parent) as mix:
        mix.save(wav.with_suffix(".mix.wav"))
    return time.perf_counter() - start


def main() -> int:
    import imageio_ffmpeg

    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=90)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--child", type=Path)
    given = options.parse_args()
    if given.child:
        play_once(given.seconds, given.child)
        return 0
    runs, encodes, mixes = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "played.wav"
        for _ in range(given.rounds):
            command = [sys.executable, __file__, "--seconds", str(given.seconds), "--child", str(wav)]
            runs.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
            start = time.perf_counter()
            encode = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(wav)]
            subprocess.run([*encode, "-c:a", "aac", "-b:a", "192k", str(wav.with_suffix(".m4a"))], check=True)
            encodes.append(time.perf_counter() - start)
            mixes.append(mix_once(given.seconds, wav))
    played, encoded = statistics.median(run["s"] for run in runs), statistics.median(encodes)
    result = {
        "compose_s": round(statistics.median(run["compose_s"] for run in runs), 2),
        "notes": runs[0]["notes"],
        "play_s": round(played, 2),
        "play_cpu_s": round(statistics.median(run["cpu_s"] for run in runs), 2),
        "aac_encode_s": round(encoded, 2),
        "ratio": round(played / encoded, 2),
        "mixdown_s": round(statistics.median(mixes), 2),
        "peak_mb": round(max(run["peak_mb"] for run in runs)),
        "times_real_time": round(given.seconds / played),
        "limits": LIMITS,
    }
    print(json.dumps(result, indent=2))
    return int(any(result[key] > limit for key, limit in LIMITS.items()))


if __name__ == "__main__":
    raise SystemExit(main())
