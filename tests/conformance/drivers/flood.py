"""Says hello, and answers the first case with a line that never ends."""

# ruff: noqa: T201 -- printing is its interface

import json
import sys

for text in sys.stdin:
    if json.loads(text)["type"] == "hello":
        sdk = {"name": "flood", "version": "0", "language": "python"}
        capabilities = {"dialects": ["anthropic-messages"], "features": ["virtual_clock"]}
        hello = {"type": "hello", "protocol": 1, "sdk": sdk, "capabilities": capabilities}
        print(json.dumps(hello), flush=True)
    else:
        for _ in range(40):
            sys.stdout.write("x" * 1024 * 1024)
        sys.stdout.flush()
