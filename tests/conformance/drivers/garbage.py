"""Prints what is no protocol."""

# ruff: noqa: T201 -- printing is its interface

import sys

for line in sys.stdin:
    print("Hello, I am a driver!", line[:10], flush=True)
