"""The published schema of the score plan is that of the model."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from game_music_maker.contract.score import ScorePlan
from game_music_maker.studio.music.brief import read_brief
from game_music_maker.studio.music.plan import make_plan

SCHEMA = Path(__file__).parents[3] / "docs" / "score-plan.schema.json"


def test_published_schema_is_the_models_own() -> None:
    """Written anew by: python -c "import json; from game_music_maker.contract.score import ScorePlan as P;
    print(json.dumps(P.model_json_schema(), indent=2))" > docs/score-plan.schema.json"""
    assert json.loads(SCHEMA.read_text("utf-8")) == ScorePlan.model_json_schema()


def test_a_complete_plan_fits_the_schema() -> None:
    plan, _ = make_plan(read_brief("tense boss battle, 20 seconds"))
    schema = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    assert list(schema.iter_errors(plan.model_dump(mode="json", exclude_none=True))) == []
