"""Time and memory of playing and mixing a dense 90 s score, against FFmpeg's AAC encode of the same length.

    python bench/sound.py [--seconds 90] [--rounds 3]

Prints one JSON object. Both are measured in the same run, alternately, in processes of their own; the ratio is that of
the medians. Target: at most 2.8.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "server"))

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


def play_once(seconds: float, wav: Path) -> None:
    """Child process: play, write the WAV, print seconds and peak memory."""
    import resource

    import soundfile

    from game_music_maker.studio.sound.bank import Bank
    from game_music_maker.studio.sound.play import play

    score = dense_score(seconds)
    start, cpu = time.perf_counter(), time.process_time()
    played = play(score, Bank.open())
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    soundfile.write(wav, played.mix, played.rate, "PCM_24")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)
    print(json.dumps({"s": took, "cpu_s": cpu, "peak_mb": peak, "notes": len(score.notes)}))


def mix_once(seconds: float, wav: Path) -> float:
    from game_music_maker.studio.sound.mixdown import MixInput, mixdown

    start = time.perf_counter()
    inputs = [MixInput(wav, 0, seconds, is_original=True), MixInput(wav, 0, seconds, duck_db=9)]
    mixdown(inputs, seconds, wav.with_suffix(".mix.wav"))
    return time.perf_counter() - start


def main() -> None:
    import imageio_ffmpeg

    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=90)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--child", type=Path)
    given = options.parse_args()
    if given.child:
        play_once(given.seconds, given.child)
        return
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
        "notes": runs[0]["notes"],
        "play_s": round(played, 2),
        "play_cpu_s": round(statistics.median(run["cpu_s"] for run in runs), 2),
        "aac_encode_s": round(encoded, 2),
        "ratio": round(played / encoded, 2),
        "mixdown_s": round(statistics.median(mixes), 2),
        "peak_mb": round(max(run["peak_mb"] for run in runs)),
        "times_real_time": round(given.seconds / played),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
