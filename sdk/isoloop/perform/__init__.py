"""Carrying out one effect: a model call, a tool call. Every driver does it in this way."""
