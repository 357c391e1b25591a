"""What a terminal shows: one bar for the whole command, whatever parts it has, and what an answer says."""

from __future__ import annotations

import io
import sys

import pytest

from game_music_maker.cli.output import Output
from game_music_maker.cli.tool_commands import lines


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_counts_the_whole_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    output = Output(as_json=False, quiet=False)
    output.part(0.0, 0.2)
    output.progress(1.0, "making footage")
    output.part(0.2, 1.0)
    output.progress(0.5, "composing")
    first, second = sys.stderr.getvalue().split("\r")[1:]  # type: ignore[attr-defined]
    assert "20%  making footage" in first
    assert "60%  composing  about" in second


@pytest.mark.parametrize(("as_json", "quiet"), [(True, False), (False, True)])
def test_no_bar_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch, as_json: bool, quiet: bool) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    Output(as_json=as_json, quiet=quiet).progress(0.5, "composing")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    Output(as_json=False, quiet=False).progress(0.5, "composing")
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]


def test_a_person_reads_each_thing_once_and_why_a_render_took_long() -> None:
    turn = {"message": "Music composed. Title added.", "reply": "Music composed.\nTitle added."}
    assert lines(turn) == ["Music composed. Title added."]
    done = {"message": "The export is ready.", "path": "/a.mp4", "notes": ["The picture was encoded as a whole."]}
    assert lines(done)[1:] == ["/a.mp4", "  The picture was encoded as a whole."]
