"""The evaluate stage: a model and questions in, one record per question out. Killed, it resumes from its journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from evals.config import EvalConfig, Slice
from evals.errors import error_kind
from evals.scoring.qa import exact_match, f1, near_miss, set_f1, set_match
from evals.tasks import TASKS
from kit.core.config import dump
from kit.core.errors import KitError
from kit.core.records import EvalRecord, Question, Style
from kit.core.seeds import digest
from kit.core.store import (
    append_journal,
    file_digest,
    finished,
    input_key,
    intact_manifest,
    read_journal,
    read_table,
    run_stage,
    stage_key,
    with_model,
    write_table,
)
from kit.models.prompts import ANSWER_CUE, extract_answer, user_message
from kit.models.tokens import cloze_ids, encode, prompt_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from kit.infer.backend import Backend

RECORDS = "records.parquet"


@dataclass(frozen=True, slots=True)
class Ask:
    """One prompt to be answered. `part`: -1 for the question itself, else the index of the sub-question asked."""

    slice: Slice
    question: Question
    part: int
    prompt: str
    golds: tuple[str, ...]


def evaluate(config: EvalConfig, data: str, model: str, out: Path) -> Path:
    """Evaluate `model` into `out` unless it is there already; returns `out`.

    data: a directory made by the generate stage, a MuSiQue file, or a hub data set id. model: as for training.
    Raises KitError for anything the user can mend.
    """
    resolved, inputs = with_model(dump(config), {"data": _key(data)}, model)
    key = stage_key("eval", resolved, inputs)
    if finished(out, key):
        return out
    asks = _asks(config, TASKS[config.task].load(data))
    with run_stage(out, "eval", resolved, inputs) as stage:
        import torch

        from kit.infer.hf import TransformersBackend
        from kit.models.load import check_vocabulary, checkpoint_path, choose_dtype, load_model, load_tokenizer

        torch.set_num_threads(config.threads)
        source = checkpoint_path(model)
        tokenizer = load_tokenizer(source)
        network = load_model(source, choose_dtype(config.precision))
        check_vocabulary(network, tokenizer, model)
        if torch.cuda.is_available():
            network.to("cuda")  # type: ignore[arg-type]  # the decorated `to` is typed as unbound
        backend = TransformersBackend(network, tokenizer, config.batch_tokens, config.max_batch)
        outputs = _answer(asks, config, backend, tokenizer, out / ".answers.jsonl", key)
        records = _records(asks, outputs)
        write_table(out / RECORDS, EvalRecord, records)
        (out / ".answers.jsonl").unlink(missing_ok=True)
        stage.results["questions"] = len(records)
    return out


def _key(data: str) -> str:
    path = Path(data)
    if path.is_dir():
        return input_key(path)
    return file_digest(path) if path.exists() else data


def _asks(config: EvalConfig, questions: Sequence[Question]) -> list[Ask]:
    """Every prompt of every slice. Raises KitError when a slice finds no question."""
    asks: list[Ask] = []
    for part in config.slices:
        chosen = [q for q in questions if part.holds(q)]
        if not chosen:
            splits = sorted({q.split for q in questions})
            raise KitError(f"no questions of slice {part.name}; the data hold {', '.join(splits)}")
        for question in chosen[: part.limit]:
            context = question.context if part.context == "facts" else ()
            prompt = user_message(question.text, part.style, context)
            asks.append(Ask(part, question, -1, prompt, question.answers))
            if part.sub_questions:
                for i, sub in enumerate(question.sub_questions):
                    asks.append(Ask(part, question, i, user_message(sub.text, part.style, context), (sub.answer,)))
    return asks


def _answer(
    asks: Sequence[Ask],
    config: EvalConfig,
    backend: Backend,
    tokenizer: PreTrainedTokenizerBase,
    journal: Path,
    run: str,
) -> list[str]:
    """The output of every ask. Equal prompts are answered once; answers go to the journal as batches finish."""
    known: dict[str, str] = {row["key"]: row["output"] for row in read_journal(journal) if row["run"] == run}
    keys = [digest(a.slice.mode, a.slice.style, a.prompt, a.golds if a.slice.mode == "choice" else ()) for a in asks]
    fresh = {key: ask for key, ask in zip(keys, asks, strict=True) if key not in known}
    with tqdm(total=len(fresh), desc="answers", unit="q", delay=2, disable=None) as bar:

        def keep(batch: Sequence[str], outputs: Sequence[str]) -> None:
            known.update(zip(batch, outputs, strict=True))
            append_journal(journal, [{"run": run, "key": k, "output": o} for k, o in zip(batch, outputs, strict=True)])
            bar.update(len(batch))

        for style in sorted({a.slice.style for a in fresh.values()}):
            group = [k for k, a in fresh.items() if a.slice.style == style and a.slice.mode != "choice"]
            prompts = [_prompt_ids(tokenizer, fresh[k]) for k in group]
            names = group

            def generated(indices: Sequence[int], results: Sequence[str], names: list[str] = names) -> None:
                cue = [f"{ANSWER_CUE} " if fresh[names[i]].slice.mode == "prefilled" else "" for i in indices]
                keep([names[i] for i in indices], [c + r.strip() for c, r in zip(cue, results, strict=True)])

            backend.generate(prompts, config.max_new_tokens[style], generated)
        choices = [k for k, a in fresh.items() if a.slice.mode == "choice"]
        for key, output in zip(choices, _choose([fresh[k] for k in choices], config, backend, tokenizer), strict=True):
            keep([key], [output])
    return [known[k] for k in keys]


def _prompt_ids(tokenizer: PreTrainedTokenizerBase, ask: Ask) -> list[int]:
    if ask.slice.style == "cloze":
        return cloze_ids(tokenizer, ask.prompt)
    text = prompt_text(tokenizer, ask.prompt)
    return encode(tokenizer, text) + (encode(tokenizer, ANSWER_CUE) if ask.slice.mode == "prefilled" else [])


def _choose(asks: Sequence[Ask], config: EvalConfig, backend: Backend, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """For each ask the candidate with the highest log-likelihood per token after the cue, worded as an answer."""
    pairs: list[tuple[list[int], list[int]]] = []
    options: list[list[str]] = []
    for ask in asks:
        names = sorted([ask.golds[0], *ask.question.candidates[: config.candidates]])
        options.append(names)
        head = encode(tokenizer, prompt_text(tokenizer, ask.prompt))
        bare = encode(tokenizer, ANSWER_CUE)
        for name in names:
            whole = encode(tokenizer, f"{ANSWER_CUE} {name}.")
            shared = next((i for i, (a, b) in enumerate(zip(whole, bare, strict=False)) if a != b), len(bare))
            pairs.append((head + whole[:shared], whole[shared:]))
    scores = [0.0] * len(pairs)

    def keep(indices: Sequence[int], results: Sequence[float]) -> None:
        for i, result in zip(indices, results, strict=True):
            scores[i] = result / len(pairs[i][1])

    backend.log_likelihood(pairs, keep)
    outputs, start = [], 0
    for names in options:
        best = max(range(len(names)), key=lambda i: scores[start + i])
        outputs.append(f"{ANSWER_CUE} {names[best]}.")
        start += len(names)
    return outputs


def _extract(style: Style, output: str, golds: Sequence[str]) -> str | None:
    """The answer in an output. A cloze continues with the object: as many words of it as the gold has."""
    if style != "cloze":
        return extract_answer(output)
    words = output.split("\n")[0].split()[: max(len(g.split()) for g in golds)]
    return " ".join(words).rstrip(".,;") or None


def _records(asks: Sequence[Ask], outputs: Sequence[str]) -> list[EvalRecord]:
    right: dict[tuple[str, str], list[bool]] = {}
    for ask, output in zip(asks, outputs, strict=True):
        if ask.part >= 0:
            answered = exact_match(_extract(ask.slice.style, output, ask.golds), ask.golds)
            right.setdefault((ask.slice.name, ask.question.id), []).append(answered)
    records = []
    for ask, output in zip(asks, outputs, strict=True):
        style, question = ask.slice.style, ask.question
        extracted = _extract(style, output, ask.golds)
        members = question.members if ask.part < 0 else ()
        correct = set_match(extracted, members) if members else exact_match(extracted, ask.golds)
        subs = question.sub_questions if ask.part < 0 else (question.sub_questions[ask.part],)
        hops_right = right.get((ask.slice.name, question.id)) if ask.part < 0 else None
        scores = {
            "exact_match": float(correct),
            "f1": set_f1(extracted, members) if members else f1(extracted, ask.golds),
            "near_miss": float(near_miss(extracted, ask.golds)),
        }
        if question.outdated and ask.part < 0:
            scores["outdated"] = float(exact_match(extracted, question.outdated))
        if hops_right is not None:
            scores["sub_questions_right"] = float(all(hops_right))
        certificate = question.certificate
        if certificate and ask.part < 0:
            scores["popularity_guess"] = float(certificate.popularity_guess)
            scores["type_prior"] = certificate.type_prior
        records.append(
            EvalRecord(
                question_id=question.id,
                task="multihop",
                prompt=ask.prompt,
                output=output,
                extracted=extracted,
                answers=ask.golds,
                scores=scores,
                error="answer"
                if style == "cloze" and not correct
                else error_kind(style, output, extracted, correct, subs, hops_right),
                tags={
                    "slice": ask.slice.name,
                    "part": "question" if ask.part < 0 else f"sub-{ask.part + 1}",
                    "hops": str(question.hops),
                    "shape": question.shape,
                    "asked": f"{question.difficulty.asked} of {len(question.support)}" if question.difficulty else "",
                    "bridge": question.sub_questions[0].answer if question.hops > 1 and question.sub_questions else "",
                },
            )
        )
    return records


def read_records(directory: Path) -> list[EvalRecord]:
    """The records of a finished evaluation."""
    manifest = intact_manifest(directory)
    if manifest.stage != "eval":
        raise KitError(f"{directory} holds a {manifest.stage} run, not an evaluation")
    return read_table(directory / RECORDS, EvalRecord)
