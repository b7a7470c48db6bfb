"""Checkpoints, the tiny architecture, tokenizers and prompts: the one place, for training and evaluation alike."""
