"""Every message of the corpus means what it is said to mean, and nothing more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from game_music_maker.studio.direct.explain import explain
from game_music_maker.studio.direct.interpreter import understand

CORPUS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("corpus.yaml").read_text(encoding="utf-8"))


def _shown(edit: Any, wanted: dict[str, Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": edit.kind, **edit.model_dump(mode="json", exclude_defaults=True)}
    if edit.kind in ("make_score", "change_score") and "text" not in (wanted or {}):
        found.pop("text", None)
    return found


@pytest.mark.parametrize("case", CORPUS, ids=[case["say"] for case in CORPUS])
def test_what_a_message_means(case: dict[str, Any], stages: dict[str, Any]) -> None:
    stage = stages[case["stage"]]
    understanding = understand(case["say"], stage.timeline, stage.context)
    wanted = case["edits"]
    shown = [_shown(edit, w) for edit, w in zip(understanding.edits, [*wanted, *[None] * 9], strict=False)]
    assert shown == wanted
    assert bool(understanding.leftovers) is not bool(wanted)
    if not wanted:
        assert all(explain(understanding.leftovers))


def test_the_corpus_is_large_and_in_both_languages() -> None:
    chinese = [case for case in CORPUS if re.search(r"[\u3400-\u9fff]", case["say"])]
    refused = [case for case in CORPUS if not case["edits"]]
    assert len(CORPUS) >= 300
    assert len(chinese) >= 150
    assert len(refused) >= 20
    assert len({edit["kind"] for case in CORPUS for edit in case["edits"]}) >= 24
