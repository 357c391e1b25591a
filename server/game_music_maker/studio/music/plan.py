"""The seam of the score plan: `make_plan` fills one, `takes` gives several directions, `revise` edits one."""

from .complete import make_plan
from .revise import revise
from .takes import takes

__all__ = ["make_plan", "revise", "takes"]
