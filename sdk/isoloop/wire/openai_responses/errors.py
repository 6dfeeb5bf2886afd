"""Reads the failures inside an answer; error responses are read by `wire/_openai.py`.

event: error
    data: {"type":"error","code":"rate_limit_exceeded","message":"…","param":null}
    data: {"type":"error","error":{"type":"server_error","code":null,"message":"…"}}

event: response.failed
    data: {"type":"response.failed","response":{"error":{"code":"server_error","message":"…"}}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from isoloop.wire._openai import stream_error

if TYPE_CHECKING:
    from isoloop.contract import ErrorInfo


def event_error(members: dict[str, Any]) -> ErrorInfo:
    """Read an error event of either shape."""
    inner = members.get("error")
    if isinstance(inner, dict):
        # "status":429 stands beside the error
        beside = {n: members[n] for n in ("status", "status_code") if n in members}
        return stream_error({**beside, **cast("dict[str, Any]", inner)})
    return stream_error({n: v for n, v in members.items() if n != "type"})
