"""Timelines that messages are read against."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from game_music_maker.studio.direct.context import Context, File, Touched
from game_music_maker.studio.direct.edits import AddTitle, apply, place_file, place_score
from game_music_maker.studio.timeline import Timeline

CUTS = (12_000.0, 34_000.0, 60_000.0)
CLIP = File("v1", "clip1.mp4", "video", 90_000)
CLIPS = (CLIP, File("v2", "clip2.mp4", "video", 30_000), File("v3", "clip3.mp4", "video", 30_000))
IMAGES = tuple(File(f"i{i}", f"{i}.png", "image") for i in (1, 2, 3))


@dataclass(frozen=True)
class Stage:
    timeline: Timeline
    context: Context


def placed(*files: File) -> Timeline:
    timeline = Timeline()
    for file in files:
        timeline = place_file(timeline, file)
    return timeline


def scored(timeline: Timeline, seconds: float = 90) -> Timeline:
    return place_score(timeline, "s1", "Dark Dungeon", seconds * 1000)


def _stage(timeline: Timeline, last: Touched | None, files: tuple[File, ...] = ()) -> Stage:
    return Stage(timeline, Context(cuts_ms=CUTS, files=files, last_touched=last))


@pytest.fixture(scope="session")
def stages() -> dict[str, Stage]:
    """By the names that the corpus uses."""
    one = scored(placed(CLIP))
    titled, _ = apply(AddTitle(text="Level 1"), one, Context())
    return {
        "clip": _stage(placed(CLIP), None),
        "score": _stage(one, "score"),
        "title": _stage(titled, "title"),
        "picture": _stage(one, "picture"),
        "clips": _stage(scored(placed(*CLIPS)), None),
        "images": _stage(scored(placed(*IMAGES)), None, IMAGES),
        "sound": _stage(scored(Timeline()), "score"),
    }
