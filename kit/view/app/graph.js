// Graphs as drawings: a question's reasoning as `kit/pages/graph.py` draws it, and an entity with who is next to it.

const UNASKED = { union: "all of these", count: "how many", same: "whether they are", least: "one of them", most: "one of them" };
const LINE = 18,
  CHARACTER = 7.2,
  MARGIN = 14,
  GAP = 58,
  BESIDE = 28;
const SVG = "http://www.w3.org/2000/svg";

function shape(tag, properties, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Nodes (`label`, `kind`) and edges (`from`, `to`, `step`) of a question; names: of the entities that heads may be. */
function reasoning(question, names) {
  const nodes = question.heads.map((head) => ({ label: names[head] ?? head, kind: "head", id: head }));
  const edges = [];
  const told = [...question.sub_questions];
  question.steps.forEach((step, number) => {
    const asked = step.op in UNASKED ? null : told.shift();
    const last = number === question.steps.length - 1;
    const label = last ? question.answers[0] : asked ? asked.answer : (UNASKED[step.op] ?? "?");
    const words = { follow: step.relation, inverse: `${step.relation}, backwards`, having: `those with ${step.relation}` };
    const called = words[step.op] ?? [step.op, step.relation].filter(Boolean).join(" ");
    step.inputs.forEach((input) => {
      // Two readings of one register are one edge.
      if (!edges.some((edge) => edge.from === input && edge.to === nodes.length))
        edges.push({ from: input, to: nodes.length, step: called });
    });
    nodes.push({ label, kind: last ? "answer" : "found" });
  });
  return { nodes, edges };
}

/** A label in lines of some length. */
function wrapped(label, most = 26, lines = 3) {
  const left = label.split(/\s+/).filter(Boolean),
    made = [];
  for (let number = 0; number < lines; number++) {
    let line = left.shift() ?? "";
    while (left.length && line.length + 1 + left[0].length <= most) line += ` ${left.shift()}`;
    made.push(left.length && number === lines - 1 ? `${line} …` : line);
    if (!left.length) break;
  }
  return made;
}

/** A drawing from top to bottom: a box a node, each row as deep as its longest path from a head. */
function drawing({ nodes, edges }, title) {
  const depth = nodes.map(() => 0);
  nodes.forEach((_, node) => {
    for (const edge of edges) if (edge.to === node) depth[node] = Math.max(depth[node], depth[edge.from] + 1);
  });
  nodes.forEach(({ kind }, node) => {
    const after = edges.filter((edge) => edge.from === node).map((edge) => depth[edge.to]);
    if (kind === "head" && after.length) depth[node] = Math.min(...after) - 1;
  });
  const rows = Array.from({ length: Math.max(...depth) + 1 }, (_, level) =>
    nodes.map((_, node) => node).filter((node) => depth[node] === level),
  );
  const lines = nodes.map(({ label }) => wrapped(label));
  const wide = lines.map((held) => Math.max(...held.map((line) => line.length)) * CHARACTER + 2 * MARGIN);
  const high = lines.map((held) => held.length * LINE + MARGIN);
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const across = (row) => sum(row.map((node) => wide[node])) + BESIDE * (row.length - 1);
  const room = Math.max(0, ...edges.map(({ step }) => step.length)) * CHARACTER;
  const width = Math.max(...rows.map(across), room * Math.max(...rows.map((row) => row.length))) + 2 * MARGIN;
  const centres = [];
  let top = MARGIN;
  for (const row of rows) {
    let left = (width - across(row)) / 2;
    const tallest = Math.max(...row.map((node) => high[node]));
    for (const node of row) {
      centres[node] = [left + wide[node] / 2, top + tallest / 2];
      left += wide[node] + BESIDE;
    }
    top += tallest + GAP;
  }
  const height = top - GAP + MARGIN;
  const drawn = [shape("title", {}, title), tip()];
  for (const { from, to } of edges) {
    const [[x, y], [toX, toY]] = [centres[from], centres[to]];
    drawn.push(shape("path", { d: `M${x} ${y + high[from] / 2} L${toX} ${toY - high[to] / 2}`, "marker-end": "url(#tip)" }));
  }
  // Two steps into one box that are called the same are named once, between them.
  nodes.forEach((_, after) => {
    const named = new Map();
    for (const { from, step } of edges.filter((edge) => edge.to === after)) {
      const [[x, y], [toX, toY]] = [centres[from], centres[after]];
      named.set(step, [...(named.get(step) ?? []), [(x + toX) / 2, (y + high[from] / 2 + toY - high[after] / 2) / 2 + 4]]);
    }
    for (const [step, places] of named) {
      const [x, y] = [0, 1].map((axis) => sum(places.map((at) => at[axis])) / places.length);
      drawn.push(shape("text", { class: "step", x, y }, step));
    }
  });
  nodes.forEach(({ kind }, node) => {
    const [x, y] = centres[node];
    const first = y - ((lines[node].length - 1) * LINE) / 2 + 4.5;
    drawn.push(
      shape(
        "g",
        { class: kind },
        shape("rect", { x: x - wide[node] / 2, y: y - high[node] / 2, width: wide[node], height: high[node], rx: 6 }),
        ...lines[node].map((line, i) => shape("text", { x, y: first + i * LINE }, line)),
      ),
    );
  });
  return shape(
    "svg",
    { viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`, width: Math.ceil(width), role: "img", class: "graph" },
    ...drawn,
  );
}

function tip() {
  return shape(
    "defs",
    {},
    shape(
      "marker",
      { id: "tip", viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" },
      shape("path", { d: "M0 0 L8 4 L0 8 z" }),
    ),
  );
}

/** An entity, those that point to it on the left, those that it points to on the right; each is a link. Of many the first. */
function neighbourhood(name, before, after, link, most = 12) {
  const sides = [before.slice(0, most), after.slice(0, most)];
  const row = 34,
    height = Math.max(...sides.map((side) => side.length), 1) * row + 2 * MARGIN;
  const cut = (label) => (label.length > 26 ? `${label.slice(0, 25)}…` : label);
  const longest = (labels) => Math.max(0, ...labels.map((label) => cut(label).length)) * CHARACTER;
  const wide = longest([name, ...sides.flat().map(({ label }) => label)]) + 2 * MARGIN;
  const gap = longest(sides.flat().map(({ step }) => step)) + 50;
  const middle = height / 2,
    width = 3 * wide + 2 * gap;
  const box = (kind, label, x, y, href) => {
    const made = shape(
      "g",
      { class: kind },
      shape("title", {}, label),
      shape("rect", { x: x - wide / 2, y: y - 13, width: wide, height: 26, rx: 6 }),
      shape("text", { x, y: y + 4.5 }, cut(label)),
    );
    return href ? shape("a", { href }, made) : made;
  };
  const drawn = [shape("title", {}, `${name} and who is next to it`), tip()];
  sides.forEach((side, which) => {
    const x = which ? width - wide / 2 : wide / 2,
      top = middle - ((side.length - 1) * row) / 2;
    side.forEach(({ label, step, id }, i) => {
      const y = top + i * row;
      const [from, to] = which
        ? [
            [width / 2 + wide / 2, middle],
            [x - wide / 2, y],
          ]
        : [
            [x + wide / 2, y],
            [width / 2 - wide / 2, middle],
          ];
      drawn.push(shape("path", { d: `M${from[0]} ${from[1]} L${to[0]} ${to[1]}`, "marker-end": "url(#tip)" }));
      const [near, far] = which ? [to, from] : [from, to];
      drawn.push(
        shape("text", { class: "step", x: near[0] * 0.62 + far[0] * 0.38, y: near[1] * 0.62 + far[1] * 0.38 + 4 }, step),
      );
      drawn.push(box("found", label, x, y, link(id)));
    });
  });
  drawn.push(box("answer", name, width / 2, middle, null));
  const more = before.length + after.length - sides[0].length - sides[1].length;
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, role: "img", class: "graph" }, ...drawn);
  return el(
    "div",
    {},
    el("div", { class: "scroll" }, svg),
    more > 0 ? el("p", { class: "note" }, `and ${more} more, listed below`) : null,
  );
}
