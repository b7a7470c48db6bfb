"""A question's reasoning graph, as a networkx graph and as a drawing in SVG that needs no font and no script."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import networkx as nx

from kit.core.records import Question

UNASKED = {
    "union": "all of these",
    "count": "how many",
    "same": "whether they are",
    "least": "one of them",
    "most": "one of them",
}
"""Steps that no sub-question asks for (or several, one of each that is compared), and what stands for what they find."""

LINE, CHARACTER, MARGIN = 18, 7.2, 14
"""In pixels: the height of a line of text, the mean width of a character of it, the room around it."""

GAP, BESIDE = 58, 28
"""Between a row of boxes and the next, and between two boxes of a row."""

STYLE = """
text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1b1b1b; text-anchor: middle }
.step { font-size: 12px; font-style: italic; fill: #555; paint-order: stroke; stroke: #fff; stroke-width: 5px }
rect { fill: #eef3fb; stroke: #4a6fa5 }
.head rect { fill: #fff7e0; stroke: #a67c00 }
.answer rect { fill: #e3f4e6; stroke: #2e7d46; stroke-width: 2 }
path { stroke: #777; fill: none }
marker path { fill: #777; stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #eee } .step { fill: #bbb; stroke: #15181d } path { stroke: #aaa } marker path { fill: #aaa }
  rect { fill: #23304a } .head rect { fill: #40351a } .answer rect { fill: #1d3a26 }
}"""


def reasoning_graph(question: Question, names: dict[str, str]) -> nx.DiGraph:
    """Registers as nodes 0, 1, … and what each step reads as edges.

    names: of the entities that heads may be. Nodes have `label` (a head's name, what a step found, or what it is where no
    sub-question tells it) and `kind` (head, found or answer); edges have `step` ("born_in", or "count").
    """
    graph = nx.DiGraph()
    for register, head in enumerate(question.heads):
        graph.add_node(register, label=names.get(head, head), kind="head")
    told = iter(question.sub_questions)
    last = len(question.heads) + len(question.steps) - 1
    for register, step in enumerate(question.steps, len(question.heads)):
        asked = None if step.op in UNASKED else next(told, None)
        label = question.answers[0] if register == last else asked.answer if asked else UNASKED.get(step.op, "?")
        graph.add_node(register, label=label, kind="answer" if register == last else "found")
        words = {"follow": step.relation, "inverse": f"{step.relation}, backwards", "having": f"those with {step.relation}"}
        for source in step.inputs:
            graph.add_edge(source, register, step=words.get(step.op, " ".join(filter(None, (step.op, step.relation)))))
    return graph


def svg(graph: nx.DiGraph, title: str) -> str:
    """A drawing from top to bottom: a box a node, each row as deep as its longest path from a head.

    title: what a screen reader says. The same graph gives the same text, on any machine.
    """
    depth: dict[int, int] = {}
    for node in nx.topological_sort(graph):
        depth[node] = max((depth[before] + 1 for before in graph.predecessors(node)), default=0)
    # A head that is read late stands just above what reads it.
    for node in graph:
        if graph.nodes[node]["kind"] == "head" and graph.out_degree(node):
            depth[node] = min(depth[after] for after in graph.successors(node)) - 1
    rows = [sorted(node for node in graph if depth[node] == level) for level in range(max(depth.values()) + 1)]
    lines = {node: list(_wrapped(graph.nodes[node]["label"])) for node in graph}
    wide = {node: max(len(line) for line in lines[node]) * CHARACTER + 2 * MARGIN for node in graph}
    high = {node: float(len(lines[node]) * LINE + MARGIN) for node in graph}
    labels = [graph.edges[edge]["step"] for edge in graph.edges]
    room = max((len(label) for label in labels), default=0) * CHARACTER
    width = max(max(sum(wide[n] for n in row) + BESIDE * (len(row) - 1) for row in rows), room * max(map(len, rows))) + 2 * MARGIN
    centres, top = {}, float(MARGIN)
    for row in rows:
        left = (width - sum(wide[n] for n in row) - BESIDE * (len(row) - 1)) / 2
        tallest = max(high[n] for n in row)
        for node in row:
            centres[node] = (left + wide[node] / 2, top + tallest / 2)
            left += wide[node] + BESIDE
        top += tallest + GAP
    height = top - GAP + MARGIN
    drawn = [*_edges(graph, centres, high), *(_box(graph, n, centres[n], wide[n], high[n], lines[n]) for n in graph)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
            '<path d="M0 0 L8 4 L0 8 z"/></marker></defs>',
            *drawn,
            "</svg>\n",
        ]
    )


def _edges(graph: nx.DiGraph, centres: dict[int, tuple[float, float]], high: dict[int, float]) -> Iterator[str]:
    for before, after in graph.edges:
        (x, y), (to_x, to_y) = centres[before], centres[after]
        start, end = y + high[before] / 2, to_y - high[after] / 2
        yield f'<path d="M{x:.1f} {start:.1f} L{to_x:.1f} {end:.1f}" marker-end="url(#tip)"/>'
    # Two steps into one box that are called the same are named once, between them.
    for after in graph:
        named: dict[str, list[tuple[float, float]]] = {}
        for before in graph.predecessors(after):
            (x, y), (to_x, to_y) = centres[before], centres[after]
            middle = ((x + to_x) / 2, (y + high[before] / 2 + to_y - high[after] / 2) / 2 + 4)
            named.setdefault(graph.edges[before, after]["step"], []).append(middle)
        for step, places in named.items():
            x, y = (sum(values) / len(places) for values in zip(*places, strict=True))
            yield f'<text class="step" x="{x:.1f}" y="{y:.1f}">{escape(step)}</text>'


def _box(graph: nx.DiGraph, node: int, centre: tuple[float, float], width: float, height: float, lines: list[str]) -> str:
    x, y = centre
    first = y - (len(lines) - 1) * LINE / 2 + 4.5
    texts = "".join(f'<text x="{x:.1f}" y="{first + i * LINE:.1f}">{escape(line)}</text>' for i, line in enumerate(lines))
    kind: Any = graph.nodes[node]["kind"]
    return (
        f'<g class="{kind}"><rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'rx="6"/>{texts}</g>'
    )


def _wrapped(label: str, most: int = 26, lines: int = 3) -> Iterator[str]:
    """A label in lines of some length; what is too long ends in an ellipsis."""
    left = label.split()
    for number in range(lines):
        line = left.pop(0) if left else ""
        while left and len(line) + 1 + len(left[0]) <= most:
            line += f" {left.pop(0)}"
        yield f"{line} …" if left and number == lines - 1 else line
        if not left:
            return
