"""Presets as data: the demo and the grids that ship with kit."""
