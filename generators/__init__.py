"""Worlds of facts that no model has seen: relations, names, worlds, reasoning graphs, questions, documents, examples."""
