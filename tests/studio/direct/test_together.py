"""Two requests in one message: neither vanishes. Each is done, or named as not understood."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from game_music_maker.studio.direct.explain import explain
from game_music_maker.studio.direct.interpreter import understand

CORPUS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("corpus.yaml").read_text(encoding="utf-8"))
SUBJECTS = {
    **dict.fromkeys(("make_score", "change_score", "choose_take", "remove_score", "use_own_music", "speed"), "music"),
    **dict.fromkeys(("set_level", "mute", "duck"), "levels"),
    **dict.fromkeys(("add_title", "change_title", "remove_title"), "words"),
    **dict.fromkeys(("aspect", "crop_bars"), "shape"),
    **dict.fromkeys(("trim", "cut_out", "reorder", "join", "slideshow"), "course"),
    **dict.fromkeys(("rotate", "visual"), "picture"),
}
"""Kind of an edit → what it is about; edits about one thing may be one request, and other kinds are not asked here."""
POINTING = re.compile(r"\b(?:it|that|this|them|they|one|again|the intro|the rest)\b|intro|bigger|较|一点|[它这那再]")
JOINS = {True: ("，", "然后", " / "), False: (", ", " and ", " / ", ", then ")}


def _subjects(case: dict[str, Any]) -> set[str | None]:
    return {SUBJECTS.get(edit["kind"]) for edit in case["edits"]}


def _pairs(stage: str, count: int) -> list[tuple[dict[str, Any], dict[str, Any], str]]:
    chance = random.Random(f"together {stage}")
    cases = [c for c in CORPUS if c["stage"] == stage and c["edits"] and None not in _subjects(c)]
    pairs: list[tuple[dict[str, Any], dict[str, Any], str]] = []
    while len(pairs) < count:
        first, second = chance.sample(cases, 2)
        chinese = [bool(re.search(r"[\u3400-\u9fff]", case["say"])) for case in (first, second)]
        alone = not _subjects(first) & _subjects(second) and not POINTING.search(second["say"].lower())
        if alone and chinese[0] is chinese[1]:
            pairs.append((first, second, chance.choice(JOINS[chinese[0]])))
    return pairs


@pytest.mark.parametrize("stage", ["clip", "score", "clips"])
def test_no_request_vanishes_beside_another(stage: str, stages: dict[str, Any]) -> None:
    lost = []
    for first, second, between in _pairs(stage, 100):
        say = first["say"].rstrip(" .。!！?？") + between + second["say"]
        done = understand(say, stages[stage].timeline, stages[stage].context)
        kinds = {edit.kind for edit in done.edits}
        asked = {edit["kind"] for case in (first, second) for edit in case["edits"]}
        if not asked <= kinds and not done.leftovers:
            lost.append((say, asked - kinds))
    assert not lost


@pytest.mark.parametrize(
    ("say", "kinds"),
    [
        ('epic music, title "第一关 Level 1" at the top for 3 s at 0:02, crop to 9:16 with blur',
         ["make_score", "add_title", "aspect"]),
        ("make it calmer, get rid of the letterbox bars", ["change_score", "crop_bars"]),
        ("chop off the first three seconds and could the strings be less prominent", ["cut_out", "change_score"]),
        ('title "Level 1", fade to black at the end', ["add_title", "fade"]),
        ("12秒的时候在底部显示字幕「快跑」然后10秒到14秒半速", ["add_title", "speed"]),
        ("have the score dip whenever there's dialogue, music 20% louder", ["duck", "set_level"]),
        ("crop to 9:16 and remove the black bars", ["aspect", "crop_bars"]),
    ],
)  # fmt: skip
def test_requests_of_different_kinds_stay_apart(say: str, kinds: list[str], stages: dict[str, Any]) -> None:
    done = understand(say, stages["score"].timeline, stages["score"].context)
    assert [edit.kind for edit in done.edits] == kinds
    assert not done.leftovers


@pytest.mark.parametrize(
    ("wish", "reasons"),
    [
        ("apply a sepia filter and mirror it", ["cannot.colours", "cannot.mirror"]),
        ("加滤镜然后镜像", ["cannot.colours", "cannot.mirror"]),
        ("make it black and white", ["cannot.colours"]),
    ],
)
def test_each_impossible_wish_gets_its_reason(wish: str, reasons: list[str]) -> None:
    assert list(explain([wish])[0].ids) == ["not_understood", *reasons]
