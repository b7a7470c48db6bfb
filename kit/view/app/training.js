// Training: what runs log, step by step, while they run and afterwards.

const CURVES = {
  loss: "loss",
  learning_rate: "learning rate",
  grad_norm: "norm of the gradient",
  tokens_per_second: "tokens a second",
  mfu: "share of the devices (MFU)",
};

function trainingTabs(section, number) {
  async function curves(now) {
    const { runs } = section.told;
    const chosen = runs.filter(({ run }) => (now.more.runs ?? "").split("|").includes(run));
    const shown = (chosen.length ? chosen : runs.slice(0, 1)).slice(0, COLOURS.length);
    const choice = (run) => {
      const kept = shown.map((each) => each.run);
      const next = kept.includes(run) ? kept.filter((each) => each !== run) : [...kept, run];
      go({ more: { ...now.more, runs: next.join("|") } });
    };
    const boxes = el(
      "fieldset",
      { class: "runs" },
      el("legend", {}, "runs"),
      runs.map(({ run, config, results, finished }) =>
        el(
          "label",
          {},
          el("input", { type: "checkbox", checked: shown.some((each) => each.run === run), onchange: () => choice(run) }),
          " ",
          word(run),
          el(
            "span",
            { class: "note" },
            ` ${config.recipe ?? ""}${results.tokens ? ` · ${count(results.tokens)} tokens` : ""}${finished ? "" : " · running"}`,
          ),
        ),
      ),
    );
    const measured = [...new Set(shown.flatMap(({ history }) => history.flatMap(Object.keys)))].filter(
      (name) => name in CURVES || name.startsWith("probe"),
    );
    const figures = measured.map((name) =>
      lines(
        shown.map(({ run, history }) => ({
          name: run,
          points: history
            .filter((entry) => Number.isFinite(entry[name]))
            .map((entry) => ({ x: entry.step, y: entry[name], title: `step ${entry.step}: ${short(entry[name])}` })),
        })),
        { x: "step", y: CURVES[name] ?? name.replaceAll("_", " "), wide: 520, high: 240 },
      ),
    );
    return [
      el(
        "article",
        { class: "whole" },
        runs.length > 1 ? boxes : null,
        el("div", { class: "figures" }, figures.length ? figures : el("p", { class: "note" }, "Nothing is logged yet.")),
        shown.map(({ run, config }) => el("details", {}, el("summary", {}, `settings of ${run}`), settings(config))),
      ),
    ];
  }
  return { curves: { label: "curves", show: curves } };
}
