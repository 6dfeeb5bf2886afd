"""Says hello, and dies of the first case."""

# ruff: noqa: T201 -- printing is its interface

import json
import os
import signal
import sys

for text in sys.stdin:
    if json.loads(text)["type"] == "hello":
        sdk = {"name": "crashing", "version": "0", "language": "python"}
        capabilities = {"dialects": ["anthropic-messages"], "features": ["virtual_clock"]}
        hello = {"type": "hello", "protocol": 1, "sdk": sdk, "capabilities": capabilities}
        print(json.dumps(hello), flush=True)
    else:
        sys.stderr.write("Segmentation fault, almost\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGKILL)
