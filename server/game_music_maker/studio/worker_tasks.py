"""What a worker can do: ``warm, probe, look, bars, score, render, kit, picture``. JSON in, JSON out, files in folders.

Heavy libraries are imported by the task that needs them.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .footage import Asset, MediaInfo, VideoMap
from .timeline import Timeline

if TYPE_CHECKING:
    from .sound.bank import Bank

Progress = Callable[[float, str], None]


@dataclass
class Tools:
    """What a worker keeps between tasks: the instruments, opened on first need.

    Attributes:
        soundfont: path of another bank than the built-in one.
    """

    soundfont: str | None = None
    _banks: list[Bank] = field(default_factory=list)

    def bank(self) -> Bank:
        if not self._banks:
            from .sound.bank import Bank

            self._banks.append(Bank.open(Path(self.soundfont) if self.soundfont else None))
        return self._banks[0]


Task = Callable[[Tools, Mapping[str, Any], Progress], dict[str, Any]]


def _warm(tools: Tools, args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """``{"needs"}``: load what a look will need, or what a score and its render will, and open the instruments."""
    # What is loaded stays: looking through it for garbage would cost a tenth of the loading, and memory of every copy.
    gc.disable()
    if args["needs"] == "look":
        from .picture import analyse, probe, quick  # noqa: F401
    else:
        from .scoring import load

        load()
        tools.bank()
    gc.freeze()
    gc.enable()
    return {}


def _probe(tools: Tools, args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """``{"path"}`` → a `MediaInfo`."""
    from .picture.probe import probe

    return probe(Path(args["path"])).model_dump(mode="json")


def _look(tools: Tools, args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """``{"path", "info", "accurate", "bed"}`` → a `VideoMap`; its sound is kept in ``bed`` where that is given."""
    from .picture.analyse import analyse

    info = MediaInfo.model_validate(args["info"])
    bed = Path(args["bed"]) if args.get("bed") else None
    found = analyse(Path(args["path"]), info, accurate=bool(args.get("accurate")), bed=bed, progress=progress)
    return found.model_dump(mode="json")


def _bars(tools: Tools, args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """``{"path", "info"}`` → ``{"bars": [left, top, right, bottom]}`` in source pixels."""
    from .worker_bars import black_bars

    return {"bars": black_bars(Path(args["path"]), MediaInfo.model_validate(args["info"]))}


def _score(tools: Tools, args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Compose and play a score; see `scoring.make`."""
    from .scoring import make

    return make(tools.bank, args, progress)


def _assets(args: Mapping[str, Any]) -> dict[str, Asset]:
    return {key: Asset.model_validate(value) for key, value in args["assets"].items()}


def _render(tools: Tools, args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """``{"draft", "assets", "format", "quality", "folder"}`` → `Rendered` as JSON, with ``file``."""
    from ..contract.render import RenderOutput
    from .picture.encode import render

    output = RenderOutput(format=args["format"], quality=args["quality"])
    made = render(Timeline.read(args["draft"]), _assets(args), output, Path(args["folder"]), progress=progress)
    return {**made.to_dict(), "file": Path(made.path).name}


def _file(path: Path) -> dict[str, Any]:
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return {"file": path.name, "size": path.stat().st_size, "sha256": digest}


def _kit(tools: Tools, args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """``{"score_folder", "folder"}`` → the engine kit of a score that was made before."""
    from .scoring import kit

    out = Path(args["folder"]) / "kit.zip"
    facts = kit(tools.bank, Path(args["score_folder"]), out, progress)
    return {**facts, **_file(out)}


def _picture(tools: Tools, args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """``{"draft", "assets", "scores", "looks", "path"}`` → a PNG of the timeline, written to ``path``."""
    from .picture.board import timeline_picture

    looks = {key: VideoMap.model_validate(value) for key, value in args["looks"].items()}
    image = timeline_picture(Timeline.read(args["draft"]), _assets(args), scores=args["scores"], looks=looks)
    Path(args["path"]).write_bytes(image)
    return {"path": args["path"]}


TASKS: Mapping[str, Task] = {
    "warm": _warm,
    "probe": _probe,
    "look": _look,
    "bars": _bars,
    "score": _score,
    "render": _render,
    "kit": _kit,
    "picture": _picture,
}
