"""Evaluation: tasks, scoring, why answers fail, and the evaluate stage."""
