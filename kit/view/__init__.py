"""Directories of kit as a page or a local server: what lies in them, item by item."""
