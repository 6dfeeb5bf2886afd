"""Says hello and `ready`, and then nothing more. Its child would outlive it."""

# ruff: noqa: T201 -- printing is its interface

import json
import subprocess
import sys

subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
for text in sys.stdin:
    kind = json.loads(text)["type"]
    if kind == "hello":
        sdk = {"name": "hanging", "version": "0", "language": "python"}
        capabilities = {"dialects": ["anthropic-messages"], "features": ["virtual_clock"]}
        hello = {"type": "hello", "protocol": 1, "sdk": sdk, "capabilities": capabilities}
        print(json.dumps(hello), flush=True)
    elif kind == "case.begin":
        print(json.dumps({"type": "ready"}), flush=True)
