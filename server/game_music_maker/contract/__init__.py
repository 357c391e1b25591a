"""What both sides of the wire say: pydantic models and constants, no I/O."""
