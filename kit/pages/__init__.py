"""What pages and cards share: their style, and graphs as drawings."""

from importlib.resources import files

STYLE = (files("kit.pages") / "style.css").read_text("utf-8")
"""Colours for light and dark, type, tables, and the statuses of claims."""
