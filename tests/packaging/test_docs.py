"""Pages that say what the code says have not drifted from it, and the defaults they name are real."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from game_music_maker import errors
from game_music_maker.settings import Settings
from game_music_maker.tools.catalogue import TOOLS

ROOT = Path(__file__).resolve().parents[2]


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generator", ROOT / "scripts" / "docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DOCS = _generator()


@pytest.mark.parametrize("name", DOCS.PAGES)
def test_a_written_page_is_what_the_code_says(name: str) -> None:
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert page == DOCS.PAGES[name](), "run `python scripts/docs.py`"


def test_defaults_in_the_settings_table_are_the_real_ones() -> None:
    settings = Settings.from_environ({})
    rows = dict(re.findall(r"\| `(\w+)` \| .* \| (.*?) \|\n", (ROOT / "docs/settings.md").read_text(encoding="utf-8")))
    assert rows["NEMO_API_URL"] == settings.api_url
    assert rows["NEMO_WEB_URL"] == settings.web_url
    assert rows["GAME_MUSIC_MAKER_BACKEND"] == settings.backend
    for word in ("RETRY", "RECOVERY", "STILL_WORKING", "IDLE", "TURN"):
        default = getattr(settings, f"{word.lower()}_seconds")
        assert float(rows[f"GAME_MUSIC_MAKER_{word}_SECONDS"]) == default


def test_the_page_for_agents_names_every_error_and_every_tool() -> None:
    page = (ROOT / "docs/agents.md").read_text(encoding="utf-8")
    words = set(re.findall(r"`([a-z_]+)`", page))
    assert set(errors.BY_CODE) <= words
    assert {tool.name for tool in TOOLS} <= words


def test_the_published_score_plan_schema_is_a_schema() -> None:
    import jsonschema

    schema = json.loads((ROOT / "docs/score-plan.schema.json").read_text(encoding="utf-8"))
    checker = jsonschema.validators.validator_for(schema)
    assert list(checker(checker.META_SCHEMA).iter_errors(schema)) == []
