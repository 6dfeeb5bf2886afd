"""The in-process driver: an agent, the handle of a run, and the loop around the engine."""
