"""Text from outside."""

from __future__ import annotations

import pytest

from game_music_maker.project import text


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("a\x1b[31mred\x1b[0m", "ared"),
        ("a\u202eb\u2066c", "abc"),
        ("x\u200b\u200d\ufeff\U000e0041y", "xy"),
        ("one\r\ntwo\u2028three", "one\ntwo\nthree"),
        ("token nmv_usr_abc123 here", "token [removed] here"),
    ],
)
def test_what_is_not_for_reading_is_removed(raw: str, cleaned: str) -> None:
    assert text.clean(raw) == cleaned


def test_length_is_capped_and_the_cut_is_marked() -> None:
    assert text.clean("a" * 100, 20) == "a" * 18 + " …"


def test_a_message_is_at_most_four_sentences_without_ids_or_json() -> None:
    reply = '**Done.** Session 1234567890123456789 is set. {"a": 1}\n\nIt has 120 bpm. Four! Five.'
    assert text.brief(reply) == "Done. Session is set. It has 120 bpm. Four!"


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("a:b*c?.mp4", "a_b_c_.mp4"), ("CON.mp4", "_CON.mp4"), ("", "file"), ("..", "file")],
)
def test_file_names_are_made_safe(raw: str, safe: str) -> None:
    assert text.file_name(raw) == safe


def test_project_names_are_readable_in_any_script() -> None:
    assert text.slug("Dungeon_Run (1)") == "dungeon-run-1"
    assert text.slug("地牢 探索!") == "地牢-探索"
