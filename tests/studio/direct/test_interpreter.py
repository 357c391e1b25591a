"""How messages are cut up, how exact things are read, and what is said of the rest."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from game_music_maker.studio.direct.edits import AddTitle, ChangeScore, MakeScore, Mute, SetLevel
from game_music_maker.studio.direct.explain import explain
from game_music_maker.studio.direct.interpreter import understand
from game_music_maker.studio.direct.lexer import lex

BRIEF = "generate looping fantasy background music that matches the pace of this dungeon exploration scene"


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("0:20", 20), ("1:02.5", 62.5), ("20s", 20), ("20 sec", 20), ("twenty seconds", 20), ("half a minute", 30),
        ("a minute and a half", 90), ("1m30s", 90), ("two minutes", 120), ("1:00:05", 3605), ("250 ms", 0.25),
        ("一分三十秒", 90), ("1分半", 90), ("二十秒", 20), ("十五秒", 15), ("半分钟", 30), ("两分钟", 120),
        ("两秒半", 2.5), ("一百二十秒", 120), ("３秒", 3),
    ],
)  # fmt: skip
def test_times(words: str, seconds: float) -> None:
    lexed = lex(f"x {words} y")
    assert lexed.of("t", lexed.text) == [seconds * 1000]


@pytest.mark.parametrize(
    ("words", "share"),
    [
        ("35%", 0.35),
        ("thirty five percent", 0.35),
        ("百分之三十五", 0.35),
        ("三成", 0.3),
        ("百分之百", 1.0),
        ("１２%", 0.12),
    ],
)
def test_shares(words: str, share: float) -> None:
    lexed = lex(f"music at {words}")
    assert lexed.of("p", lexed.text) == [pytest.approx(share)]


@pytest.mark.parametrize("left, right", ['""', "“”", "''", "‘’", "「」", "『』", "《》", "«»", "``", "＂＂"])  # noqa: PT006
def test_quoted_words_are_taken_as_they_stand(left: str, right: str, stages: dict[str, Any]) -> None:
    text = "Ｍute 50% of it, 9:16; and THEN trim"
    stage = stages["score"]
    found = understand(f"add a title {left}{text}{right} at the top", stage.timeline, stage.context)
    assert found.edits == (AddTitle(text=text, position="top"),)
    assert found.leftovers == ()


def test_a_long_description_is_one_brief(stages: dict[str, Any]) -> None:
    stage = stages["clip"]
    assert understand(BRIEF, stage.timeline, stage.context).edits == (MakeScore(text=BRIEF),)
    text = "Calm and mysterious music with flute and harp, no drums"
    assert understand(text, stage.timeline, stage.context).edits == (MakeScore(text=text),)


def test_a_brief_keeps_its_words_beside_other_requests(stages: dict[str, Any]) -> None:
    stage = stages["clip"]
    found = understand(
        f'{BRIEF}, without drums, then add a title "Level 1" at the top for 3 s and mute the original sound',
        stage.timeline,
        stage.context,
    )
    assert found.edits == (MakeScore(text=f"{BRIEF}, without drums"), AddTitle(text="Level 1", position="top"), Mute())


def test_wishes_for_the_score_become_one_revision(stages: dict[str, Any]) -> None:
    stage = stages["score"]
    found = understand("make it calmer, add strings and drop the drums after 0:20", stage.timeline, stage.context)
    assert found.edits == (ChangeScore(text="make it calmer, add strings and drop the drums after 0:20"),)


def test_what_is_not_understood_is_named_beside_what_is_done(stages: dict[str, Any]) -> None:
    stage = stages["score"]
    found = understand("music at 35%, then paint the dragon purple", stage.timeline, stage.context)
    assert found.edits == (SetLevel(share=0.35),)
    assert found.leftovers == ("paint the dragon purple",)
    assert "paint the dragon purple" in explain(found.leftovers)[0].text("en")


def test_a_cut_that_is_not_there_is_a_leftover(stages: dict[str, Any]) -> None:
    stage = stages["score"]
    found = understand("keep only what comes after the ninth cut", stage.timeline, stage.context)
    assert found.edits == ()
    assert "name a time" in explain(found.leftovers)[0].text("en")


def test_it_is_what_the_same_message_touched(stages: dict[str, Any]) -> None:
    stage = stages["score"]
    found = understand('add a title "Go" and make it bigger', stage.timeline, stage.context)
    assert [edit.kind for edit in found.edits] == ["add_title", "change_title"]
    found = understand("把原声调到50%，再小声一点", stage.timeline, stage.context)
    assert [getattr(edit, "target", None) for edit in found.edits] == ["original", "original"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "。。。",
        "<<<",
        "<t0> <q9>",
        "\x00\x01",
        "and and, then.",
        "%%%",
        "9:",
        "((((",
        "a" * 20_000,
        "第第第",
        "“",
    ],
)
def test_any_text_is_survived(text: str, stages: dict[str, Any]) -> None:
    stage = stages["score"]
    found = understand(text, stage.timeline, stage.context)
    assert found.edits == ()
    assert bool(found.leftovers) == bool(text.strip()), "what says nothing is named, not dropped"


def test_greetings_get_a_word_of_help(stages: dict[str, Any]) -> None:
    stage = stages["clip"]
    for text in ("Thanks!", "hello there", "谢谢你", "你好！"):
        found = understand(text, stage.timeline, stage.context)
        assert found.edits == ()
        assert explain(found.leftovers)[0].text("en").startswith("Ready")


def test_neither_numpy_nor_an_http_client_is_loaded() -> None:
    script = (
        "import sys\nfrom game_music_maker.studio.direct.interpreter import understand\n"
        "from game_music_maker.studio.direct.context import Context\n"
        "from game_music_maker.studio.timeline import Timeline\n"
        "understand('epic music', Timeline(), Context())\n"
        "print(*sorted({'numpy', 'scipy', 'httpx', 'soundfile'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == []


def test_what_was_not_understood_is_kept_beside_what_was(stages: dict[str, Any]) -> None:
    stage = stages["title"]
    found = understand("把亮度调高，再来一版", stage.timeline, stage.context)
    assert found.edits == (MakeScore(again=True),)
    assert found.leftovers == ("把亮度调高",)
