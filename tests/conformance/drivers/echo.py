"""Sends back every line that it gets."""

# ruff: noqa: T201 -- printing is its interface

import sys

for text in sys.stdin:
    print(text, end="", flush=True)
