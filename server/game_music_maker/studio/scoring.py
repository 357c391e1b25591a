"""The worker's side of a score: words and footage → plan → notes → sound → files of one folder.

``plan.json`` (complete), ``request.json`` (what it was made from), ``mix.wav`` (48 kHz stereo float), ``report.json``,
``cue_sheet.json``, ``fingerprint.json`` (what later pieces are compared with). The folder is made under a scratch name
and published by the studio. numpy comes in with the parts that are imported inside the functions.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.score import ScorePlan
from .footage import VideoMap
from .replies import NOTHING, Said, language_of, say

if TYPE_CHECKING:
    from .music.score import Score
    from .sound.bank import Bank
    from .sound.play import Played

Progress = Callable[[float, str], None]
RATE = 48_000
_BLOCK = 1 << 17
_MARK = "fingerprint.json"
_MOST_COMPARED = 1_000


def load() -> None:
    """Import everything that a score and its render need, before it is needed."""
    from .music import compose, library, plan, report  # noqa: F401
    from .picture import encode  # noqa: F401
    from .sound import play  # noqa: F401

    library.library()


def make(bank: Callable[[], Bank], args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Compose, play and write one score.

    Args:
        bank: opens the instruments, or gives the open ones.
        args: ``folder`` to make, ``video`` (a `VideoMap`), and either ``text`` and ``given`` (a `ScorePlan` with its
            seed; with ``like``, the folder of a score whose given fields and later changes hold on; with ``take``,
            which of how many directions of the brief: (number from 0, count)), or ``changes`` (words) and ``previous``
            (folder of the score to change). ``language``: of the notes.

    Returns:
        facts for the state: ``name, brief, duration_s, bpm, key, loop, seed, hits, lufs, palette, notes, cue_sheet,
        report``; ``direction`` where there are several. Only ``unchanged`` and ``notes`` (and no folder) where the
        words change nothing.

    Raises:
        InvalidArgument: the plan cannot be composed.
        DiskFull, BackendError: the folder cannot be written.
    """
    from .music.compose import compose
    from .music.report import cue_sheet
    from .sound.play import play
    from .store import disk_words

    video = VideoMap.model_validate(args["video"])
    footage = video if video.duration > 0 else None
    progress(0.02, "planning")
    language = language_of("", str(args.get("language", "en")))
    made = _changed(args, video) if "changes" in args else _planned(args, video)
    plan, request = made.plan, made.request
    notes = [note.text(language) for note in made.notes]
    if plan is None:
        return {"unchanged": True, "notes": notes}
    progress(0.1, "composing")
    score = compose(plan, footage)
    progress(0.25, "opening the instruments")
    instruments = bank()
    played = play(
        score,
        instruments,
        rate=RATE,
        stems=False,
        beside=True,
        progress=lambda share, stage: progress(0.3 + 0.55 * share, stage),
    )
    progress(0.88, "checking the result")
    folder = Path(args["folder"])
    with _report(score, plan, played, video) as told, disk_words("the score"):
        folder.mkdir(parents=True)
        _write_wav(folder / "mix.wav", played)
        sheet = cue_sheet(score, played, video)
        report = told()
        _write_json(folder / "plan.json", plan.model_dump(mode="json", exclude_none=True))
        _write_json(folder / "request.json", {**request, "video": video.model_dump(mode="json")})
        _write_json(folder / "cue_sheet.json", sheet)
        _write_json(folder / "report.json", report)
        _write_json(folder / _MARK, _mark(score))
    facts = {**_facts(score, plan, played, sheet), "report": report, "brief": request["brief"], "notes": notes}
    return {**facts, "direction": made.direction.text(language)} if made.direction else facts


@dataclass(frozen=True, slots=True)
class _Made:
    """`plan` None: nothing was changed. `request` is what it was made from: ``brief, given, changes``. `direction`:
    what tells it from the other takes of the same brief."""

    plan: ScorePlan | None
    notes: tuple[Said, ...]
    request: dict[str, Any]
    direction: Said = NOTHING


def _planned(args: Mapping[str, Any], video: VideoMap) -> _Made:
    """The plan of a brief. What was changed by words since the take that it is like is changed in it too: read as
    changes, because "no drums after 0:20" says something else in a brief."""
    from .music.brief import read_brief, read_changes
    from .music.change import Change
    from .music.changes import only_instruments
    from .music.plan import revise, takes
    from .music.words import normalise

    before = _read_json(Path(args["like"]) / "request.json") if "like" in args else {}
    given = before.get("given", {}) | args["given"]
    brief = read_brief(args["text"])
    number, count = args.get("take", (0, 1))
    direction, plan, said = takes(brief, video, number + 1, given=ScorePlan.model_validate(given))[number]
    notes = [*said]
    if alone := only_instruments(normalise(args["text"])):  # "only strings" says the same of a new piece
        plan, said = revise(plan, [Change(op="only", word=",".join(dict.fromkeys(f.id for f in alone)))], video)
        notes.extend(said)
    changes = list(before.get("changes", ()))
    for words in changes:
        plan, said = revise(plan, read_changes(words)[0], video)
        notes.extend(said)
    given.pop("seed", None)
    request = {"brief": str(args["text"]), "given": given, "changes": changes}
    told = (*_standing_in(str(args["text"])), *notes, *_not_understood(brief.unknown))
    return _Made(plan, told, request, direction if count > 1 else NOTHING)


def _changed(args: Mapping[str, Any], video: VideoMap) -> _Made:
    from .music.brief import read_changes
    from .music.plan import revise

    previous = Path(args["previous"])
    before = ScorePlan.model_validate(_read_json(previous / "plan.json"))
    changes, unknown = read_changes(args["changes"])
    plan, notes = revise(before, changes, video)
    request = _read_json(previous / "request.json")
    request = {
        "brief": str(request.get("brief", "")),
        "given": request.get("given", {}),
        "changes": [*request.get("changes", ()), str(args["changes"])],
    }
    told = (*_standing_in(str(args["changes"])), *notes, *_not_understood(unknown))
    return _Made(None if plan == before else plan, told, request)


def _standing_in(text: str) -> tuple[Said, ...]:
    """Which palette stands for a genre that has none of its own."""
    from .music.library import library
    from .music.naming import palette_name
    from .music.words import nearest, normalise

    return tuple(
        say("plan.nearest", genre=word, palette=palette_name(library().palettes[id]))
        for word, id in nearest(normalise(text))
    )


def _not_understood(unknown: tuple[str, ...]) -> tuple[Said, ...]:
    words = tuple(say("quoted", text=part) for part in unknown[:5])
    return (say("plan.not_understood", words=words),) if words else ()


@contextmanager
def _report(score: Score, plan: ScorePlan, played: Played, video: VideoMap) -> Iterator[Callable[[], dict[str, Any]]]:
    """Gives a function that gives the report, on which a twin of this process works meanwhile where it can."""
    from .music.report import report
    from .sound import twin

    def make_it() -> dict[str, Any]:
        return report(score, plan, played, video)

    if not twin.possible():
        yield make_it
        return
    with twin.Twin(lambda hear: make_it()) as other:
        yield lambda: other.result() or make_it()


def _facts(score: Score, plan: ScorePlan, played: Played, sheet: Mapping[str, Any]) -> dict[str, Any]:
    loudness = played.mastered.loudness
    return {
        "name": score.title or "Score",
        "duration_s": round(len(played.mix) / played.rate, 6),
        "bpm": round(score.tempo.points[0][1], 2),
        "key": " ".join(score.key),
        "meter": f"{score.meter[0]}/{score.meter[1]}",
        "loop": score.loop is not None,
        "seed": score.seed,
        "palette": score.palette,
        "instruments": list(dict.fromkeys(part.role for part in score.parts)),
        "sections": [
            {"id": s.id, "role": s.role, "start_s": round(score.tempo.seconds(s.start_beat), 3), "energy": s.energy}
            for s in score.sections
        ],
        "lufs": round(float(loudness.integrated_lufs), 2),
        "hits": {"planned": sheet["promised"], "landed": sheet["met"]},
        "hit_times": [round(hit.t, 3) for hit in score.hits],
        "cue_sheet": dict(sheet),
    }


def _mark(score: Score) -> dict[str, Any]:
    from .music.metrics_likeness import fingerprint
    from .music.report import notes_hash

    facts = {"palette": score.palette, "seed": score.seed, "notes_hash": notes_hash(score)}
    return {**fingerprint(score).to_json(), **facts}


def _nearest(score: Score, folder: Path) -> dict[str, Any]:
    """The nearest of the other scores that the studio keeps beside `folder`, the latest `_MOST_COMPARED` of them."""
    from .music.metrics_likeness import fingerprint, nearest

    kept = [path for path in folder.parent.glob(f"*/{_MARK}") if path.parent != folder]
    latest = sorted(kept, key=lambda path: (-path.stat().st_mtime_ns, path))[:_MOST_COMPARED]
    return nearest(fingerprint(score), map(_read_json, latest))


def kit(bank: Callable[[], Bank], folder: Path, out: Path, progress: Progress) -> dict[str, Any]:
    """The engine kit of a score that was made before: the same plan gives the same notes and the same sound.

    Raises:
        NotFound: the score's folder is no longer kept.
    """
    from importlib.metadata import version

    from ..errors import NotFound
    from .kit import Origin, make_kit
    from .music.compose import compose
    from .sound.play import play

    if not (folder / "plan.json").is_file():
        raise NotFound("The score is no longer kept.", next="Ask for the music again.")
    plan = ScorePlan.model_validate(_read_json(folder / "plan.json"))
    video = VideoMap.model_validate(_read_json(folder / "request.json")["video"])
    footage = video if video.duration > 0 else None
    score = compose(plan, footage)
    instruments = bank()
    played = play(score, instruments, rate=RATE, progress=lambda share, stage: progress(0.5 * share, stage))
    sheet, report = _read_json(folder / "cue_sheet.json"), _read_json(folder / "report.json")
    given = tuple(sorted(_read_json(folder / "request.json").get("given", {})))
    make_kit(
        score, plan, played, report, out, bank=instruments, cue_sheet=sheet, video=footage,
        origin=Origin(version("game-music-maker"), given, _nearest(score, folder)),
        progress=lambda share, stage: progress(0.5 + 0.5 * share, stage),
    )  # fmt: skip
    loudness = played.mastered.loudness
    return {
        "format": "kit",
        "duration_s": round(len(played.mix) / played.rate, 6),
        "width": 0,
        "height": 0,
        "loudness": {
            "integrated_lufs": round(float(loudness.integrated_lufs), 2),
            "true_peak_dbtp": round(float(loudness.true_peak_dbtp), 2),
        },
        "notes": [],
        "stages": {},
    }


def _write_wav(path: Path, played: Played) -> None:
    """The mix as 32-bit float WAV."""
    mix, rate = played.mix, played.rate
    size = 8 * len(mix)
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 2, rate, rate * 8, 8, 32)
    head = fmt + struct.pack("<4sII4sI", b"fact", 4, len(mix), b"data", size)
    with path.open("wb") as file:
        file.write(struct.pack("<4sI4s", b"RIFF", 4 + len(head) + size, b"WAVE") + head)
        for at in range(0, len(mix), _BLOCK):
            file.write(mix[at : at + _BLOCK].astype("<f4", order="C", copy=False).data.cast("B"))


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), "utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text("utf-8"))
    return found if isinstance(found, dict) else {}
