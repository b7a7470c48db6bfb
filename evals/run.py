"""The evaluate stage: a model and items in, one record per answer out. Killed, it resumes from its journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evals.config import BackendConfig, EvalConfig
from evals.export import as_lm_eval
from evals.final import Final, final_answer
from evals.summary import told_of
from evals.tasks import TASKS, check_styles
from evals.tasks.task import UNNORMALISED, Ask, Item
from kit.core.config import dump
from kit.core.errors import KitError
from kit.core.records import ASKED, RECORDS, EvalRecord, Style
from kit.core.seeds import derive_seed, digest
from kit.core.store import (
    append_journal,
    finished,
    intact_manifest,
    read_journal,
    read_table,
    run_stage,
    stage_key,
    write_json,
    write_table,
)
from kit.infer.backend import Backend, Decoding, Likelihood, Output, Prompt
from kit.models.checkpoint import read, run_of, training_manifest, with_model
from kit.models.prompts import ANSWER_CUE
from kit.models.tokens import Tokens
from kit.sources.hub import for_training
from kit.sources.published import as_named, local
from kit.sources.reading import source_keys


def evaluate(config: EvalConfig, data: str, model: str, out: Path) -> Path:
    """Evaluate `model` into `out` unless it is there already; returns `out`.

    data: a directory made by the generate stage, a published world, a file of rows, or a hub data set id. model: as for
    training; the name by which a server knows it. Raises KitError for anything the user can mend.
    """
    resolved, inputs = keyed(config, source_keys({"data": data, **config.sources()}), model)
    resolved |= as_named(data)
    data, config = local(data), config.model_copy(update={name: local(source) for name, source in config.sources().items()})
    key = stage_key("eval", resolved, inputs)
    if finished(out, key):
        return out
    task = TASKS[config.task]
    check_styles(config)
    loaded = task.load(data, config)
    source = task.load(for_training(config.shots_from), config) if config.shots_from else loaded
    examples = [item for item in source.items if teaches(item, config)]
    asks = task.asks(config, loaded.items, examples)
    with run_stage(out, "eval", resolved, inputs, (RECORDS, "results.json")) as stage:
        task.prepare()
        outputs = _answer(asks, config, open_backend(config, model), stage.working / "answers.jsonl")
        finals = [_final(ask, output) for ask, output in zip(asks, outputs, strict=True)]
        records = [_ended(r, final) for r, final in zip(task.records(config, asks, finals), finals, strict=True)]
        write_table(out / RECORDS, EvalRecord, records)
        write_json(out / "results.json", as_lm_eval(config, resolved["model"], records))
        stage.results["questions"] = len(records)
        stage.notes += [
            *_notes(stage.working / "notes.jsonl"),
            *filter(None, [_asked_otherwise(config, model)]),
            *told_of(records, config.ask == "cue"),
        ]
        stage.results["skipped_rows"] = len(loaded.skipped) + (len(source.skipped) if source is not loaded else 0)
    return out


def _final(ask: Ask[Any], output: Output) -> Final:
    """What is scored of an output: of one that was begun for the model, or chosen, or goes on with a text, all of it."""
    whole = ask.slice.mode != "generate" or ask.slice.style == "cloze"
    return Final(output.text, output.thought, output.finish) if whole else final_answer(output)


def _ended(record: EvalRecord, final: Final) -> EvalRecord:
    """A record with how its output ended, which is why it is wrong where there was none."""
    error = final.finish if record.error != "none" and final.finish in ("refused", "too_long") else record.error
    return replace(record, thought=final.thought, finish=final.finish, error=error)


def keyed(config: BackendConfig, inputs: dict[str, str], model: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings and inputs that decide a result: of a server where it is, what it serves and what more it is asked, not how
    often; a model that is not run here counts by its name."""
    settings = dump(config)
    if server := settings.get("server"):
        settings["server"] = {name: server[name] for name in ("url", "revision", "extra")}
    if config.backend in ("transformers", "vllm"):
        return with_model(settings, inputs, model)
    return {**settings, "model": model}, inputs


def _asked_otherwise(config: EvalConfig, model: str) -> str | None:
    """In what a model that kit taught from examples is not spoken to as it was taught."""
    run = run_of(model) if config.backend in ("transformers", "vllm") else None
    if run is None:
        return None
    taught = training_manifest(run).config
    if not any(taught.get("rows", {}).get(source) for source in ASKED) or all(s.style == "cloze" for s in config.slices):
        return None
    asked = dump(config.chat)
    if config.task == taught["task"] == "multihop":
        asked["ask"] = config.ask
    name = next((n for n in asked if n in taught and taught[n] != asked[n]), None)
    return None if name is None else f"the model was taught with {name} = {taught[name]!r}, and is asked with {asked[name]!r}"


def teaches(item: Item, config: EvalConfig) -> bool:
    """Whether an item may be a worked example: one for training, or any of a foreign source that was named for it."""
    named = config.shots_from is not None and not Path(config.shots_from).is_dir()
    return named or item.split == "train"


def open_backend(config: BackendConfig, model: str) -> Backend:
    """What runs `model`: a checkpoint that is loaded, a server's name of one, or whoever gave the recorded outputs."""
    if config.backend == "server":
        from kit.infer.server import ServerBackend

        assert config.server
        server = config.server
        return ServerBackend(server.url, model, server.concurrency, server.timeout, server.tries, config.chat, server.extra)
    if config.backend == "recorded":
        from kit.infer.recorded import RecordedBackend

        return RecordedBackend(Path(config.recorded or ""))
    import torch

    from kit.infer.hf import TransformersBackend
    from kit.models.load import check_vocabulary, choose_dtype, load, load_tokenizer

    torch.set_num_threads(config.threads)
    checkpoint = read(model)
    tokens = Tokens(load_tokenizer(checkpoint, config.trust_remote_code), config.chat, checkpoint.stops)
    if config.backend == "vllm":
        from kit.infer.vllm import VllmBackend

        settings = {"max_model_len": config.max_model_len, "gpu_memory_utilization": config.memory_share}
        return VllmBackend(
            checkpoint,
            tokens,
            str(choose_dtype(config.precision)).removeprefix("torch."),
            trust_remote_code=config.trust_remote_code,
            tensor_parallel_size=config.devices,
            **{name: value for name, value in settings.items() if value is not None},
        )
    if config.devices > 1 and torch.cuda.device_count() != config.devices:
        raise KitError(f"devices = {config.devices}, and {torch.cuda.device_count()} GPUs are visible: make it so many")
    spread = config.devices > 1
    network = load(checkpoint, choose_dtype(config.precision), config.trust_remote_code, spread)
    check_vocabulary(network, tokens, model)
    if torch.cuda.is_available() and not spread:
        network.to("cuda")  # type: ignore[arg-type]  # the decorated `to` is typed as unbound
    return TransformersBackend(network, tokens, checkpoint.window, config.batch_tokens, config.max_batch)


def _prompt(ask: Ask[Any]) -> Prompt:
    start = "" if ask.slice.mode == "generate" or ask.slice.style == "cloze" else ANSWER_CUE
    about = ask.item.id + (f"#{ask.sample}" if ask.sample else "") + (f"/{ask.part + 1}" if ask.part >= 0 else "")
    return Prompt(ask.message, ask.slice.style != "cloze", ask.shots, start, about)


def _answer(asks: Sequence[Ask[Any]], config: EvalConfig, backend: Backend, journal: Path) -> list[Output]:
    """The output of every ask. Equal prompts are answered once; answers go to the journal as batches finish."""
    known = read_outputs(journal)
    recorded = config.backend == "recorded"
    keys = [
        digest(
            a.slice.mode, a.slice.style, a.message, a.shots, a.sample, a.golds if a.slice.mode == "choice" else (),
            *((a.item.id, a.part) if recorded else ()),
        )
        for a in asks
    ]  # fmt: skip
    fresh = {key: ask for key, ask in zip(keys, asks, strict=True) if key not in known}
    with tqdm(total=len(fresh), desc="answers", unit="q", delay=2, disable=None) as bar:

        def keep(batch: Sequence[str], outputs: Sequence[Output]) -> None:
            known.update(zip(batch, outputs, strict=True))
            append_outputs(journal, dict(zip(batch, outputs, strict=True)))
            if untold := [note for note in backend.notes if note not in _notes(journal.with_name("notes.jsonl"))]:
                append_journal(journal.with_name("notes.jsonl"), [{"note": note} for note in untold])
            bar.update(len(batch))

        for group, decoding in _groups(fresh, config):
            names = group

            def generated(indices: Sequence[int], results: Sequence[Output], names: list[str] = names) -> None:
                starts = (fresh[names[i]].slice.mode == "prefilled" for i in indices)
                told = [f"{ANSWER_CUE} {r.text.strip()}" if given else r.text for given, r in zip(starts, results, strict=True)]
                keep([names[i] for i in indices], [r._replace(text=t) for r, t in zip(results, told, strict=True)])

            backend.generate([_prompt(fresh[k]) for k in group], decoding, generated)
        choices = [k for k, a in fresh.items() if a.slice.mode == "choice"]
        if choices:
            keep(choices, _choose([fresh[k] for k in choices], config, backend))
    return [known[k] for k in keys]


def read_outputs(journal: Path) -> dict[str, Output]:
    """What was answered already, by key."""
    return {row["key"]: Output(row["text"], row["finish"], row["thought"]) for row in read_journal(journal)}


def append_outputs(journal: Path, outputs: dict[str, Output]) -> None:
    """Keep outputs, so that nobody asks for them again."""
    append_journal(journal, [{"key": key, **output._asdict()} for key, output in outputs.items()])


def _notes(journal: Path) -> list[str]:
    """What is to be known of how the answers came about, those of a run that was killed among them."""
    return [row["note"] for row in read_journal(journal)]


def _groups(fresh: dict[str, Ask[Any]], config: EvalConfig) -> Iterator[tuple[list[str], Decoding]]:
    """What is generated alike: the asks of a style, those for the likeliest answer by themselves."""
    lengths = {**TASKS[config.task].max_new_tokens, **config.max_new_tokens}
    styles: list[tuple[Style, bool]] = sorted({(a.slice.style, a.likeliest) for a in fresh.values()})
    for style, likeliest in styles:
        group = [k for k, a in fresh.items() if (a.slice.style, a.likeliest) == (style, likeliest) and a.slice.mode != "choice"]
        temperature = 0.0 if likeliest else config.temperature
        seeds = [derive_seed(config.seed, "sample", k) for k in group] if temperature else []
        yield group, Decoding(lengths[style], temperature, seeds)


def _choose(asks: Sequence[Ask[Any]], config: EvalConfig, backend: Backend) -> list[Output]:
    """For each ask the candidate with the highest log-likelihood per token, worded as an answer, and below it the one that is
    likeliest as a whole (Brown et al. 2020 report either, by task)."""
    options = [sorted([ask.golds[0], *ask.wrong[: config.candidates]]) for ask in asks]
    prompts = [_prompt(ask) for ask, names in zip(asks, options, strict=True) for _ in names]
    scores = [Likelihood(0.0, 1)] * len(prompts)

    def keep(indices: Sequence[int], results: Sequence[Likelihood]) -> None:
        for i, result in zip(indices, results, strict=True):
            scores[i] = result

    backend.log_likelihood(prompts, [f" {name}." for names in options for name in names], keep)
    outputs, start = [], 0
    for names in options:
        found = dict(zip(names, scores[start : start + len(names)], strict=True))
        best = max(names, key=lambda name: found[name].log_probability / found[name].tokens)
        whole = max(names, key=lambda name: found[name].log_probability)
        outputs.append(Output(f"{prompts[start].start} {best}.\n{UNNORMALISED} {whole}.".strip()))
        start += len(names)
    return outputs


def read_records(directory: Path) -> list[EvalRecord]:
    """The records of a finished evaluation."""
    manifest = intact_manifest(directory)
    if manifest.stage != "eval":
        raise KitError(f"{directory} holds a {manifest.stage} run, not an evaluation")
    return read_table(directory / RECORDS, EvalRecord)
