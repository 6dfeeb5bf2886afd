"""Tools: typed functions, and functions behind a JSON Schema."""

from isoloop.tools._context import ToolContext, ToolResult
from isoloop.tools._tool import Tool, tool

__all__ = ["Tool", "ToolContext", "ToolResult", "tool"]
