"""What the studio says: every sentence in both languages, and the language that a message gets."""

from __future__ import annotations

import ast
import re
import string
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import game_music_maker.studio
from game_music_maker.studio.music.library import library
from game_music_maker.studio.replies import Said, language_of, say, table

STUDIO = Path(game_music_maker.studio.__file__).parent


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_both_languages_tell_the_same() -> None:
    for id, row in table().items():
        if id.startswith("error."):
            continue  # an error is told in English as it was raised
        only = _fields(row["en"]) ^ _fields(row["zh"])
        if id == "name":
            assert only == {"en", "zh"}
        else:
            assert only <= {"count"}, f"{id}: a count may be a plural alone"
        assert re.search(r"[\u3400-\u9fff]", row["zh"]) or not re.search(
            r"[a-z]{3}", re.sub(r"\{.*?\}", "", row["zh"])
        ), id


def _said_in_code() -> dict[str, str]:
    """Pattern of an id (``fit.*``) → where `say` is called with it."""
    found: dict[str, str] = {}

    def patterns(node: ast.expr) -> list[str]:
        if isinstance(node, ast.Constant):
            return [str(node.value)]
        if isinstance(node, ast.JoinedStr):
            return ["".join(str(p.value) if isinstance(p, ast.Constant) else "*" for p in node.values)]
        if isinstance(node, ast.IfExp):
            return patterns(node.body) + patterns(node.orelse)
        return []

    for path in STUDIO.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                for pattern in patterns(node.args[0]):
                    found[pattern] = path.name
    return found


def test_every_sentence_of_the_code_stands_in_the_table_and_none_is_left_over() -> None:
    said = _said_in_code()
    assert len(said) > 100
    assert [f"{id} in {file}" for id, file in said.items() if not any(fnmatchcase(row, id) for row in table())] == []
    by_variable = {"take.", "revise.none_", "progress."}  # chosen by name where they are told
    spare = [id for id in table() if not any(fnmatchcase(id, pattern) for pattern in said)]
    assert [id for id in spare if not id.startswith(tuple(by_variable))] == []


def test_every_mode_has_a_name() -> None:
    assert {f"mode.{mode}" for mode in library().modes} <= set(table())


def test_numbers_lists_and_nested_sentences() -> None:
    said = say("clips.no_such", count=1) + say("title.gone", count=2)
    assert said.text("en") == (
        "There is 1 clip on the timeline; nothing was changed. 2 titles outside of it went away."
    )
    assert say("clips.no_such", count=3).text("en").startswith("There are 3 clips")
    assert said.text("zh") == "时间线上只有 1 段素材，没有改动。范围之外的 2 条文字已去掉。"
    names = (say("title.quoted", text="{A}"), say("title.quoted", text="B"))
    assert say("title.removed", count=2, names=names).text("zh") == "已去掉标题：“{A}”、“B”。"
    level = say("level.set", name=say("name.original"), share=0.35, part=Said(), was=Said())
    assert level.text("en") == "Original sound set to 35%."
    assert level.text("zh") == "原声已调到 35%。"


@pytest.mark.parametrize(
    ("message", "default", "language"),
    [
        ("music at 35%", "zh", "en"),
        ("把音乐调到35%", "en", "zh"),
        ("BGM音量35%", "en", "zh"),
        ('add a title "第一关" at the top', "zh", "en"),
        ("加标题 “Level 1 - The Beginning of it all”", "en", "zh"),
        ("title 第一关 at the top for 3 seconds please", "zh", "en"),
        ("9:16", "en", "en"),
        ("9:16", "zh-CN", "zh"),
        ("50%", "ZH", "zh"),
        ("", "fr", "en"),
        ("“第一关”", "en", "en"),
    ],
)
def test_the_language_of_a_reply_is_that_of_the_message(message: str, default: str, language: str) -> None:
    assert language_of(message, default) == language
