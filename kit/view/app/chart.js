// Curves and points with their intervals, each a link where there is something behind it.

// Okabe and Ito's colours, told apart by colour-blind eyes, and shapes beside them.
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#56B4E9", "#7F7F7F", "#8A2BE2"];
const MARKS = [
  (x, y) => `M${x - 4.5} ${y} a4.5 4.5 0 1 0 9 0 a4.5 4.5 0 1 0 -9 0`,
  (x, y) => `M${x - 4} ${y - 4} h8 v8 h-8 z`,
  (x, y) => `M${x} ${y - 5.5} l5.5 9 h-11 z`,
  (x, y) => `M${x} ${y - 5.5} l5 5.5 -5 5.5 -5 -5.5 z`,
];

const MARKED = 30; // points of a line, beyond which it goes without marks

/** Round values between two, about `many` of them. */
function ticks(low, high, many = 5) {
  const rough = (high - low) / many || 1;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * size).find((each) => each >= rough);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

/**
 * Lines over an axis. series: [{name, points: [{x, y, low, high, href, title}]}]. log: whether x is drawn by its logarithm, 0 before
 * the first. within: what y is drawn between.
 */
function lines(series, { x: called, y: measured, log = false, within = null, wide = 640, high = 300 }) {
  const points = series.flatMap((each) => each.points).filter((point) => Number.isFinite(point.y));
  if (!points.length) return el("p", { class: "note" }, "nothing is logged yet");
  const values = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  const least = values.find((value) => value > 0) ?? 1;
  const along = (value) => (log ? (value > 0 ? Math.log10(value) : Math.log10(least) - 0.6) : value);
  const [from, to] = [along(values[0]), along(values.at(-1))];
  const [bottom, top] = within ?? [Math.min(...points.map((p) => p.low ?? p.y)), Math.max(...points.map((p) => p.high ?? p.y))];
  const left = 52,
    right = 16,
    above = 12,
    below = 40;
  const px = (value) => left + ((along(value) - from) / (to - from || 1)) * (wide - left - right);
  const py = (value) => high - below - ((value - bottom) / (top - bottom || 1)) * (high - above - below);
  const drawn = [shape("title", {}, `${measured} by ${called}`)];
  for (const at of ticks(bottom, top)) {
    drawn.push(
      shape("line", { class: "rule", x1: left, x2: wide - right, y1: py(at), y2: py(at) }),
      shape("text", { class: "tick end", x: left - 6, y: py(at) + 4 }, short(at)),
    );
  }
  for (const at of log ? values : ticks(values[0], values.at(-1)))
    drawn.push(shape("text", { class: "tick", x: px(at), y: high - below + 16 }, short(at)));
  drawn.push(shape("text", { class: "tick", x: (left + wide) / 2, y: high - 6 }, called));
  series.forEach(({ points: own }, number) => {
    const colour = COLOURS[number % COLOURS.length],
      mark = MARKS[number % MARKS.length];
    const there = own.filter((point) => Number.isFinite(point.y)).sort((a, b) => a.x - b.x);
    drawn.push(
      shape("path", {
        class: "line",
        stroke: colour,
        d: there.map((p, i) => `${i ? "L" : "M"}${px(p.x).toFixed(1)} ${py(p.y).toFixed(1)}`).join(" "),
      }),
    );
    if (there.length > MARKED) return;
    for (const point of there) {
      if (point.low !== undefined)
        drawn.push(shape("line", { stroke: colour, x1: px(point.x), x2: px(point.x), y1: py(point.low), y2: py(point.high) }));
      drawn.push(
        linked(
          point,
          shape(
            "path",
            { class: "mark", fill: colour, d: mark(px(point.x), py(point.y)) },
            shape("title", {}, point.title ?? short(point.y)),
          ),
        ),
      );
    }
  });
  return el(
    "figure",
    {},
    legend(series),
    el("figcaption", {}, measured),
    el(
      "div",
      { class: "scroll" },
      shape("svg", { viewBox: `0 0 ${wide} ${high}`, width: wide, role: "img", class: "chart" }, ...drawn),
    ),
  );
}

function legend(series) {
  if (series.length < 2) return null;
  return el(
    "ul",
    { class: "legend" },
    series.map(({ name }, number) =>
      el(
        "li",
        {},
        shape(
          "svg",
          { width: 14, height: 12, "aria-hidden": "true" },
          shape("path", { fill: COLOURS[number % COLOURS.length], d: MARKS[number % MARKS.length](7, 6) }),
        ),
        name,
      ),
    ),
  );
}

/** A row a point: its name, where it lies between two values with its interval, and its figure. rows: [{name, y, low, high, href, n}]. */
function dots(rows, measured, [bottom, top] = [0, 1]) {
  const wide = 320,
    row = 22;
  const px = (value) => 8 + ((value - bottom) / (top - bottom)) * (wide - 16);
  return el(
    "div",
    { class: "scroll" },
    el(
      "table",
      { class: "dots" },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          ["", measured, ""].map((cell) => el("th", { scope: "col" }, cell)),
        ),
      ),
      el(
        "tbody",
        {},
        rows.map((point) =>
          el(
            "tr",
            {},
            el("td", {}, point.name),
            el(
              "td",
              {},
              shape(
                "svg",
                {
                  width: wide,
                  height: row,
                  viewBox: `0 0 ${wide} ${row}`,
                  class: "chart",
                  role: "img",
                  "aria-label": figure(point),
                },
                ...ticks(bottom, top).map((at) => shape("line", { class: "rule", x1: px(at), x2: px(at), y1: 0, y2: row })),
                shape("line", {
                  stroke: COLOURS[0],
                  "stroke-width": 2,
                  x1: px(point.low),
                  x2: px(point.high),
                  y1: row / 2,
                  y2: row / 2,
                }),
                shape("path", { fill: COLOURS[0], d: MARKS[0](px(point.y), row / 2) }),
              ),
            ),
            el("td", {}, point.href ? el("a", { href: point.href }, figure(point)) : figure(point)),
          ),
        ),
      ),
    ),
  );
}

function figure({ y, low, high, n }) {
  return `${y.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]${n ? ` (n=${n})` : ""}`;
}

function linked(point, mark) {
  return point.href ? shape("a", { href: point.href }, mark) : mark;
}

/** 12,000; 0.25; 1e-4 */
function short(value) {
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential().replace("e-0", "e-");
  return Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 4 });
}
