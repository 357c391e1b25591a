"""The engine kit: everything that a game needs to play a score adaptively, in one zip.

The zip is deterministic: equal score, bank and versions give equal bytes (fixed times, fixed order).
"""

from __future__ import annotations

import hashlib
import json
import platform
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..contract.score import Key, PaletteChoice, ScorePlan, TempoPoint
from .footage import VideoMap
from .kit_text import readme
from .music import gates, metrics_sound
from .music.midi import write_midi
from .music.score import LAYERS, Score
from .sound import files, seam
from .sound.bank import Bank
from .sound.play import Played, play

Floats = NDArray[np.float32]
Progress = Callable[[float, str], None]

_TIME = (1980, 1, 1, 0, 0, 0)
_STINGERS = {"victory": "victory_stinger", "defeat": "defeat_stinger", "transition": "item_levelup_stinger"}
_HEADROOM = 0.99


@dataclass(frozen=True, slots=True)
class Origin:
    """What the provenance file states besides the music.

    Attributes:
        version: of the engine. given: plan fields that came from the caller.
        nearest: the nearest of our own earlier pieces (`metrics_likeness.nearest`).
    """

    version: str = ""
    given: tuple[str, ...] = ()
    nearest: Mapping[str, Any] | None = None


def make_kit(
    score: Score,
    plan: ScorePlan,
    played: Played,
    report: Mapping[str, Any],
    out_zip: Path,
    *,
    bank: Bank | None = None,
    cue_sheet: Mapping[str, Any] | None = None,
    stingers: Mapping[str, Score] | None = None,
    video: VideoMap | None = None,
    origin: Origin | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the kit of `score` to `out_zip` (replaced if it exists).

    Args:
        plan: the complete plan. played: the score as sound. report: the metrics; its ``cue_sheet``, where it has one,
            is the cue sheet unless `cue_sheet` is given.
        bank: plays the stingers; the built-in bank where None. stingers: name → score; composed where None.
        video: the footage that the music follows, to hold it against.
        progress: told (share, stage); may raise `Cancelled`.
    """
    tell = progress or (lambda share, stage: None)
    bank = bank or Bank.open()
    origin = origin or Origin()
    with tempfile.TemporaryDirectory(dir=out_zip.parent, prefix=".kit-") as folder:
        kit = _Kit(Path(folder), score, played, bank)
        tell(0.0, "writing the music")
        kit.music()
        tell(0.35, "writing stems")
        null_db, stem_gain = kit.stems()
        tell(0.5, "playing stingers")
        kit.stingers(stinger_scores(score, plan) if stingers is None else stingers)
        tell(0.8, "writing the papers")
        (kit.folder / "score.mid").write_bytes(write_midi(score))
        kit.json("plan.json", plan.model_dump(mode="json", exclude_none=True))
        kit.json("cue_sheet.json", cue_sheet if cue_sheet is not None else report.get("cue_sheet", {}))
        facts = _facts(score, played, null_db, stem_gain, video)
        kit.json("report.json", {**report, "sound": facts})
        (kit.folder / "README.txt").write_text(readme(score, played, stem_gain), "utf-8")
        kit.json("provenance.json", _provenance(score, plan, bank, origin, kit.checksums()))
        tell(0.9, "packing")
        _pack(kit.folder, out_zip)
    tell(1.0, "packing")


def stinger_scores(score: Score, plan: ScorePlan) -> dict[str, Score]:
    """A victory, a defeat and a transition in the score's key, tempo and metre: name → score."""
    from .music.brief import read_brief
    from .music.compose import compose
    from .music.plan import make_plan

    found = {}
    for i, (name, palette) in enumerate(_STINGERS.items()):
        mode = score.key[1] if name == "transition" else None
        given = ScorePlan(
            seed=(plan.seed or score.seed) + i,
            key=Key(tonic=score.key[0], mode=mode),
            tempo_map=(TempoPoint(beat=0, bpm=score.tempo.points[0][1]),),
            palette=PaletteChoice(scene=palette),
            meter="{}/{}".format(*score.meter),
            loop=False,
        )
        whole, _ = make_plan(read_brief(f"{name} stinger"), None, given=given)
        found[name] = replace(compose(whole, None), lufs=score.lufs)
    return found


class _Kit:
    """Writes the files of a kit into a folder."""

    def __init__(self, folder: Path, score: Score, played: Played, bank: Bank) -> None:
        self.folder, self._score, self._played, self._bank = folder, score, played, bank

    def json(self, name: str, data: Mapping[str, Any]) -> None:
        text = json.dumps(data, indent=2, ensure_ascii=False, sort_keys=True, default=str)
        (self.folder / name).write_text(text + "\n", "utf-8")

    def _tags(self, title: str) -> dict[str, str]:
        tags = {"TITLE": title, "ENCODER": "Game Music Maker"}
        tags["BPM"] = f"{self._score.tempo.points[0][1]:g}"
        tags["KEY"] = f"{self._score.key[0]} {self._score.key[1]}"
        return tags

    def music(self) -> None:
        """The loop (and its intro), or the whole piece."""
        played, title = self._played, self._score.title or "Game music"
        if played.loop is None or played.steady is None:
            files.write_ogg(self.folder / "music.ogg", played.mix, played.rate, self._tags(title))
            files.write_wav(self.folder / "music.wav", played.mix, played.rate)
            return
        first, length = played.loop
        loop = played.steady
        tags = {**self._tags(title), "LOOPSTART": "0", "LOOPLENGTH": str(length)}
        files.write_ogg(self.folder / "loop.ogg", loop, played.rate, tags)
        files.write_wav(self.folder / "loop.wav", loop, played.rate, loop=(0, length))
        if first:
            parts = [played.mix[:first]]
            if played.intro_tail is not None:
                parts.append(played.intro_tail)
            tags = {**self._tags(f"{title} (intro)"), "INTROLENGTH": str(first)}
            files.write_ogg(self.folder / "intro.ogg", np.concatenate(parts), played.rate, tags)

    def stems(self) -> tuple[float, float]:
        """The layers as 24-bit WAV at one common gain; (null of their sum against the pre-master mix, the gain), dB."""
        (self.folder / "stems").mkdir()
        first = self._played.loop[0] if self._played.loop else 0
        peak = max((float(np.abs(stem).max()) for stem in self._played.stems.values() if stem.size), default=0.0)
        gain = min(1.0, _HEADROOM / peak) if peak > 0 else 1.0
        whole = np.zeros(self._played.mix[first:].shape, np.float64)
        back = np.zeros_like(whole)
        for layer in LAYERS:
            stem = self._played.stems[layer][first:] * np.float32(gain)
            loop = (0, len(stem)) if self._played.loop else None
            files.write_wav(self.folder / "stems" / f"{layer}.wav", stem, self._played.rate, loop=loop)
            whole += stem
            back += np.round(stem.astype(np.float64) * 2**23) / 2**23
        power = np.square(whole).mean()
        null = -200.0 if not power else float(10 * np.log10(np.square(back - whole).mean() / power + 1e-20))
        return null, float(20 * np.log10(gain))

    def stingers(self, scores: Mapping[str, Score]) -> None:
        """Each stinger, played on the same bank."""
        (self.folder / "stingers").mkdir()
        for name, score in scores.items():
            sound = play(score, self._bank, rate=self._played.rate)
            path = self.folder / "stingers" / f"{name}.ogg"
            files.write_ogg(path, sound.mix, sound.rate, self._tags(name))

    def checksums(self) -> dict[str, str]:
        """SHA-256 of each file so far, by its name in the zip."""
        return {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }


def _facts(score: Score, played: Played, null_db: float, stem_gain: float, video: VideoMap | None) -> dict[str, Any]:
    found = played.mastered.loudness
    measured = {**metrics_sound.measures(score, played.mix, played.rate, video), "stem null dB": null_db}
    seen = seam.of_played(score, played)
    return {
        "loudness": {
            "integrated_lufs": round(found.integrated_lufs, 2),
            "range_lu": round(found.range_lu, 2),
            "short_term_max_lufs": round(found.short_term_lufs, 2),
            "true_peak_dbtp": round(found.true_peak_dbtp, 2),
        },
        "mastering": {
            "gain_db": round(played.mastered.gain_db, 3),
            "compression_db": round(played.mastered.compression_db, 3),
            "limiting_db": round(played.mastered.limiting_db, 3),
        },
        "stems": {"null_db": round(null_db, 1), "gain_db": round(stem_gain, 3)},
        "parts_db": {name: round(level, 2) for name, level in sorted(played.levels.items())},
        "seam": None if seen is None else seen.to_dict(),
        "metrics": {name: round(value, 4) for name, value in measured.items()},
        "gates": gates.judge(score, measured),
        "frames": len(played.mix),
        "rate": played.rate,
    }


def _provenance(
    score: Score, plan: ScorePlan, bank: Bank, origin: Origin, checksums: Mapping[str, str]
) -> dict[str, Any]:
    whole = json.dumps(plan.model_dump(mode="json"), sort_keys=True).encode()
    synths = sorted({part.synth for part in score.parts if part.synth})
    return {
        "engine": {"name": "Game Music Maker", "version": origin.version},
        "plan_sha256": hashlib.sha256(whole).hexdigest(),
        "seed": score.seed,
        "plan_fields_from_the_caller": sorted(origin.given),
        "trained_model_used_for_audio": False,
        "nearest_own_output": dict(origin.nearest or {"compared": 0}),
        "sound_banks": [bank.provenance()],
        "synthesised_voices": synths,
        "programs": _programs(),
        "files_sha256": dict(checksums),
        "note": "Facts about how these files were made. Whether and how to disclose them is the publisher's decision.",
    }


def _programs() -> dict[str, str]:
    """Versions of what the sound's bits hang on."""
    found = {name: version(name) for name in ("numpy", "scipy", "soundfile", "imageio-ffmpeg")}
    return found | {"libsndfile": soundfile.__libsndfile_version__, "python": platform.python_version()}


def _pack(folder: Path, out_zip: Path) -> None:
    with zipfile.ZipFile(out_zip, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _TIME)
            info.compress_type = zipfile.ZIP_DEFLATED if _shrinks(path) else zipfile.ZIP_STORED
            info.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                while piece := source.read(1 << 20):
                    target.write(piece)


def _shrinks(path: Path) -> bool:
    """Sound hardly does, but papers and layers without notes do: judged by a piece from the middle."""
    with path.open("rb") as file:
        file.seek(path.stat().st_size // 2)
        piece = file.read(1 << 16)
    return len(zlib.compress(piece, 1)) < 0.7 * len(piece)
