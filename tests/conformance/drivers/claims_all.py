"""Claims everything, and says `unsupported` to every case."""

# ruff: noqa: T201 -- printing is its interface

import json
import sys

for text in sys.stdin:
    kind = json.loads(text)["type"]
    if kind == "hello":
        sdk = {"name": "claims_all", "version": "0", "language": "python"}
        features = ["virtual_clock", "json_delivery", "parallel_tools", "abort", "steer"]
        capabilities = {"dialects": ["anthropic-messages"], "features": features}
        hello = {"type": "hello", "protocol": 1, "sdk": sdk, "capabilities": capabilities}
        print(json.dumps(hello), flush=True)
    elif kind == "case.begin":
        print(json.dumps({"type": "unsupported", "feature": "everything"}), flush=True)
    elif kind == "bye":
        break
