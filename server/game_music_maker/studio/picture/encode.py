"""From a timeline to a finished file: `render`. The order: plan, picture (copied, spliced or encoded),
sound, mux with the measured sound, checks."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...contract.render import RenderOutput
from ...errors import Cancelled, RenderFailed
from ..footage import Asset
from ..sound.mixdown import Mix
from ..timeline import Timeline
from . import ffmpeg, mux, packets
from .plan import Plan, make_plan
from .soundtrack import open_sound
from .splice import Unfit, splice
from .titles import clean
from .whole import encode_gif, encode_picture

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished file.

    Attributes:
        path: the file, in the work folder. sha256: of its bytes, in hex.
        duration_s: of the picture, or of the sound where there is none.
        width, height: as shown, 0 for sound alone.
        loudness: ``integrated_lufs, range_lu, true_peak_dbtp`` of the finished sound; None without sound.
        notes: sentences on what was copied or encoded, and why.
        stages: seconds each stage took.
    """

    path: str
    format: str
    size: int
    sha256: str
    duration_s: float
    width: int
    height: int
    loudness: dict[str, float | None] | None
    notes: tuple[str, ...] = ()
    stages: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Clock:
    """Times of the stages, and a progress callable for each of them."""

    def __init__(self, progress: Progress | None) -> None:
        self.stages: dict[str, float] = {}
        self._progress = progress

    @contextmanager
    def stage(self, name: str, start: float, end: float) -> Iterator[Progress]:
        """A stage that takes the share `start`–`end` of the whole; yields its own progress callable."""
        began = time.perf_counter()

        def tell(fraction: float, _stage: str = "") -> None:
            if self._progress is not None:
                self._progress(start + (end - start) * min(1.0, max(0.0, fraction)), name)

        tell(0.0)
        yield tell
        self.stages[name] = round(self.stages.get(name, 0.0) + time.perf_counter() - began, 3)


def render(
    timeline: Timeline,
    assets: Mapping[str, Asset],
    output: RenderOutput,
    work_dir: Path | str,
    *,
    progress: Progress | None = None,
) -> Rendered:
    """Make the file of a timeline.

    Args:
        timeline: what to show and play. assets: what its clips refer to, by id.
        output: ``format`` (mp4, mov, webm, gif, wav, flac, mp3, m4a, ogg) and ``quality`` (draft, standard,
            high).
        work_dir: an empty folder of this job; everything is written there.
        progress: called with the true share done and the stage's name; may raise `Cancelled`, which ends
            FFmpeg.

    Raises:
        NothingToExport, NotFound, UnsupportedMedia, RenderFailed, DiskFull, and what `progress` raises.
    """
    folder = Path(work_dir)
    plan = make_plan(timeline, assets, output.format, output.quality)
    clock = Clock(progress)
    out = folder / f"result.{plan.format}"
    title = _title(timeline, assets)
    if plan.format == "gif":
        notes = _animation(plan, folder, out, clock)
        return _checked(out, plan, None, (*plan.reasons, *notes), clock)
    with ExitStack() as held, _beside(plan, folder, held) as beside:
        picture, notes = _kept(plan, folder, clock, beside)
        encodes = picture is None and plan.way != "sound"
        seconds = picture.seconds if picture is not None else plan.seconds
        if encodes:
            picture, sound, more = _encoded(plan, folder, clock, held, beside)
            notes = (*notes, *more)
        else:
            with clock.stage("sound", 0.3, 0.6) as tell:
                sound = beside.result() or held.enter_context(open_sound(plan, seconds, folder, tell))
        with clock.stage("write", 0.9 if encodes else 0.6, 0.97) as tell:
            levels = mux.write(
                out,
                plan.format,
                picture=picture,
                sound=sound,
                seconds=seconds,
                target_lufs=plan.target_lufs,
                title=title,
                progress=_share(tell, seconds),
            )
    with clock.stage("check", 0.97, 1.0):
        return _checked(out, plan, levels, (*plan.reasons, *notes), clock)


def _title(timeline: Timeline, assets: Mapping[str, Asset]) -> str:
    """What the file's tag says, in one line: the timeline's title, else the name of its music. No process can be given
    a zero byte or half a surrogate pair."""
    scores = (assets.get(clip.asset or "") for clip in timeline.score_clips)
    name = next((score.name for score in scores if score is not None), "")
    return " ".join(clean(str(timeline.meta.get("title") or name)).split())[:200]


def _share(tell: Progress, seconds: float) -> ffmpeg.Tick:
    return lambda done: tell(done / max(seconds, 0.01), "")


class _Beside:
    """The mixed sound, made in a thread while the picture is; `held` keeps it open."""

    def __init__(self, plan: Plan, folder: Path, held: ExitStack, threads: ThreadPoolExecutor) -> None:
        self._plan, self._folder, self._held, self._threads = plan, folder, held, threads
        self._heard: Future[Mix | None] | None = None
        self.over = threading.Event()

    def start(self, seconds: float) -> None:
        """Begin; a second call does nothing."""
        if self._heard is None:
            mixing = open_sound(self._plan, seconds, self._folder, self._tell)
            self._heard = self._threads.submit(self._held.enter_context, mixing)

    def _tell(self, _share: float, _stage: str) -> None:
        if self.over.is_set():
            raise Cancelled("The render was stopped.")

    def check(self) -> None:
        """Raises what ended the sound: without it the picture is for nothing."""
        if self._heard is not None and self._heard.done():
            self._heard.result()

    def result(self) -> Mix | None:
        """The sound, waited for; None where none was begun or nothing sounds."""
        return self._heard.result() if self._heard is not None else None


@contextmanager
def _beside(plan: Plan, folder: Path, held: ExitStack) -> Iterator[_Beside]:
    with ThreadPoolExecutor(1) as threads:
        beside = _Beside(plan, folder, held, threads)
        try:
            yield beside
        except BaseException:
            beside.over.set()
            raise


def _kept(plan: Plan, folder: Path, clock: Clock, beside: _Beside) -> tuple[mux.Picture | None, tuple[str, ...]]:
    """The picture where all or most of it is copied; None where it has to be encoded as a whole, and notes
    on why."""
    if plan.way == "copy":
        return _copied(plan), ()
    if plan.way != "splice":
        return None, ()
    with clock.stage("picture", 0.0, 0.3) as tell:
        try:
            return splice(plan, folder, _checked_share(tell, plan.seconds, beside), beside.start)
        except Unfit as reason:
            return None, (f"The picture was encoded as a whole: {reason}.",)


def _encoded(
    plan: Plan, folder: Path, clock: Clock, held: ExitStack, beside: _Beside
) -> tuple[mux.Picture, Mix | None, tuple[str, ...]]:
    """Picture and sound (held open by `held`) of a plan that is encoded as a whole: side by side, unless the one is
    made from the other."""
    if _made_from_sound(plan):
        sound, wave = _heard(plan, folder, clock, held)
        with clock.stage("picture", 0.12, 0.9) as tell:
            picture, notes = encode_picture(plan, wave, folder, _share(tell, plan.seconds))
        return picture, sound, notes
    with clock.stage("picture", 0.0, 0.9) as tell:
        beside.start(plan.seconds)
        picture, notes = encode_picture(plan, None, folder, _checked_share(tell, plan.seconds, beside))
        return picture, beside.result(), notes


def _checked_share(tell: Progress, seconds: float, beside: _Beside) -> ffmpeg.Tick:
    share = _share(tell, seconds)

    def follow(done: float) -> None:
        beside.check()
        share(done)

    return follow


def _made_from_sound(plan: Plan) -> bool:
    return any(shot.asset is None for shot in plan.shots)


def _heard(plan: Plan, folder: Path, clock: Clock, held: ExitStack) -> tuple[Mix | None, Path | None]:
    """The mixed sound (held open by `held`) and a file of it, for a picture that is made from it."""
    with clock.stage("sound", 0.0, 0.12) as tell:
        sound = held.enter_context(open_sound(plan, plan.seconds, folder, tell))
        return sound, sound.save(folder / "mix.wav") if sound is not None else None


def _animation(plan: Plan, folder: Path, out: Path, clock: Clock) -> tuple[str, ...]:
    with ExitStack() as held:
        wave = _heard(plan, folder, clock, held)[1] if _made_from_sound(plan) else None
        with clock.stage("picture", 0.12, 0.97) as tell:
            return encode_gif(plan, wave, folder, out, _share(tell, plan.seconds))


def _copied(plan: Plan) -> mux.Picture:
    shot = plan.shots[0]
    assert shot.asset is not None
    assert shot.info is not None
    assert shot.info.video is not None
    options: list[str] = []
    if shot.clip.rotate % 360:
        # A quarter turn is a line in the file's header: FFmpeg counts it anticlockwise.
        options = ["-display_rotation:v:0", str(-(shot.info.video.rotation + shot.clip.rotate) % 360)]
    tag = ("-tag:v", "hvc1") if shot.info.video.codec == "hevc" else ()
    return mux.Picture(tuple(ffmpeg.source(shot.asset.path, *options)), shot.info.duration_s, tag)


def _checked(out: Path, plan: Plan, levels: mux.Levels | None, notes: tuple[str, ...], clock: Clock) -> Rendered:
    """Look at the finished file: its streams, their lengths, its size and hash.

    Raises:
        RenderFailed: it is not what the plan says.
    """
    with ThreadPoolExecutor(1) as threads:
        hashed = threads.submit(_sha256, out)
        streams, _ = packets.read(out)
    video = next((s for s in streams if s.media == "video"), None)
    audio = next((s for s in streams if s.media == "audio"), None)
    if (video is None) != (plan.way == "sound") or (video or audio) is None:
        raise RenderFailed("The finished file lacks a stream.")
    main = video or audio
    assert main is not None
    apart = abs(video.end_s - audio.end_s) if video is not None and audio is not None else 0.0
    if apart > max(0.1, 2.0 / max(1.0, plan.canvas.fps)):
        raise RenderFailed("Picture and sound of the finished file differ in length.")
    width, height = _shown(plan, video)
    return Rendered(
        path=str(out),
        format=plan.format,
        size=out.stat().st_size,
        sha256=hashed.result(),
        duration_s=round(main.end_s, 3),
        width=width,
        height=height,
        loudness=levels.to_dict() if levels else None,
        notes=notes,
        stages=clock.stages,
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shown(plan: Plan, video: packets.Packets | None) -> tuple[int, int]:
    if video is None:
        return 0, 0
    if plan.way in ("copy", "splice") and plan.shots[0].size:
        return plan.shots[0].size
    return video.width, video.height
