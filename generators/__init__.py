"""Worlds of facts that no model has seen: `world` (entities and facts), `questions` (reasoning graphs, shapes, probes), `text`
(documents, examples), `tasks` (maths, code, instructions); above them one configuration, and the stage that it decides."""
