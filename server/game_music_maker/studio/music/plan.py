"""The seam of the score plan: `make_plan` fills one, `takes` gives several directions, `revise` edits one."""

from .complete import make_plan, takes
from .revise import revise

__all__ = ["make_plan", "revise", "takes"]
