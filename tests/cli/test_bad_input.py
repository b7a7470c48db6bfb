"""Every mistake a user can make: one line that says what is wrong and what to do, exit code 2, nothing half-written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file, save_file

from kit.cli.main import main
from kit.core.config import resolve
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train

TINY = {"hidden": 16, "layers": 1, "heads": 2, "intermediate": 32}


@pytest.fixture(scope="module")
def model_dir(small_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = resolve(TrainConfig, with_defaults({"recipe": "pretrain", "tiny": TINY, "steps": 1}))
    return train(config, str(small_dir), "tiny", tmp_path_factory.mktemp("model") / "run")


@pytest.fixture
def places(small_dir: Path, model_dir: Path, tmp_path: Path) -> dict[str, str]:
    """The directories that the cases name. Those that a case damages are copies."""
    data, model = tmp_path / "data", tmp_path / "model"
    shutil.copytree(small_dir, data)
    shutil.copytree(model_dir, model)
    return {"tmp": str(tmp_path), "data": str(data), "model": str(model), "out": str(tmp_path / "out")}


def text(name: str, content: str | bytes) -> Callable[[Path], None]:
    """Write a file under the case's directory."""

    def write(root: Path) -> None:
        (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def rewritten(name: str, change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    """Change a table of the data directory, and vouch for it in the manifest: as a program of the user's would."""

    def write(root: Path) -> None:
        from kit.core.store import file_digest

        path = root / "data" / name
        pq.write_table(change(pq.read_table(path)), path)
        manifest = json.loads((root / "data" / "manifest.json").read_text())
        manifest["outputs"][name] = file_digest(path)
        (root / "data" / "manifest.json").write_text(json.dumps(manifest))

    return write


def nothing(_: Path) -> None: ...


def _bare(root: Path) -> Path:
    """The checkpoint of the run by itself, as anybody's."""
    return Path(shutil.copytree(root / "model" / "model", root / "bare", dirs_exist_ok=True))


def _strip(root: Path, pattern: str) -> None:
    for path in _bare(root).glob(pattern):
        path.unlink()


def _cut(root: Path, name: str, of: str = "model/model") -> None:
    path = (_bare(root) if of == "bare" else root / of) / name
    path.write_bytes(path.read_bytes()[:100])


def _set(file: str, **values: object) -> Callable[[Path], None]:
    """Change settings of a checkpoint's JSON file."""

    def write(root: Path) -> None:
        path = _bare(root) / file
        found = json.loads(path.read_text("utf-8")) if path.exists() else {}
        path.write_text(json.dumps({**found, **values}), "utf-8")

    return write


def _unfinished(root: Path) -> None:
    (root / "model" / "manifest.json").unlink()
    (root / "model" / ".unfinished").mkdir()
    told = {"stage": "train", "key": "of another time", "makes": ["model"]}
    (root / "model" / ".unfinished" / "run.json").write_text(json.dumps(told), "utf-8")


def _lacking(root: Path) -> None:
    """Weights without those of one layer."""
    path = _bare(root) / "model.safetensors"
    found = load_file(path)
    save_file({k: v for k, v in found.items() if "down_proj" not in k}, path, {"format": "pt"})


GENERATE = ["generate", "--out", "{out}"]
SMALL = [*GENERATE, "--config", "{data}/config.json"]
TRAIN = ["train", "--data", "{data}", "--model", "{model}", "--recipe", "posttrain", "-o", "steps=1", "--out", "{out}"]
DOCUMENTS = ["-o", "rows.known=2", "-o", "rows.examples=0", "-o", "epochs=null"]
EVAL = ["eval", "--model", "{model}", "--data", "{data}", "--out", "{out}"]
TASK = [*EVAL, "--task"]
SPOKEN = "language:response_language"

CASES: list[tuple[str, Callable[[Path], None], list[str], str]] = [
    # Commands and options.
    ("an unknown command", nothing, ["genrate"], "did you mean generate?"),
    ("no --out", nothing, ["generate"], "Missing option '--out'"),
    ("an option that is not", nothing, [*GENERATE, "--sede", "3"], "No such option"),
    ("a seed that is no number", nothing, [*GENERATE, "--seed", "x"], "not a valid integer"),
    ("a negative seed", nothing, [*GENERATE, "--seed", "-1"], "seed: Input should be greater than or equal to 0"),
    ("an --out that is a file", text("file", "x"), ["generate", "--out", "{tmp}/file"], "is a file"),
    ("an --out under a file", text("file", "x"), ["generate", "--out", "{tmp}/file/x"], "Not a directory"),
    ("two seeds at once", nothing, ["demo", "--seed", "1", "--seeds", "2"], "either --seed or --seeds"),
    ("a plan of nothing", nothing, ["plan", "nope.toml"], "cannot read nope.toml"),
    ("a plan with a mistake", nothing, ["plan", "demo", "-o", "arms.inject.label=3"], "arms.inject.label"),
    ("no workers", nothing, ["demo", "--workers", "0", "--out", "{out}"], "not in the range"),
    # Settings.
    ("an unknown preset", nothing, [*GENERATE, "--preset", "dmo"], "did you mean demo?"),
    ("an unknown key", nothing, [*GENERATE, "-o", "wrold.known=3"], "did you mean world?"),
    ("a list that is none", nothing, [*GENERATE, "-o", "world.relations=[a"], "neither JSON nor TOML"),
    ("a key without value", nothing, [*GENERATE, "-o", "seed"], "key=value"),
    ("a value used as a table", nothing, [*GENERATE, "-o", "seed=1", "-o", "seed.x=1"], "is a value, not a table"),
    ("a number as text", nothing, [*GENERATE, "-o", 'examples.count="many"'], "examples.count"),
    ("a fraction for a count", nothing, [*GENERATE, "-o", "examples.count=1.5"], "examples.count"),
    ("a share over one", nothing, [*GENERATE, "-o", "examples.facts_share=1.5"], "examples.facts_share"),
    ("an unknown relation", nothing, [*GENERATE, "-o", 'world.relations=["born_inn"]'], "did you mean born_in?"),
    ("an unknown entity type", nothing, [*GENERATE, "-o", "world.known.persn=3"], "did you mean person?"),
    ("an unknown document style", nothing, [*GENERATE, "-o", 'documents.styles=["digst"]'], "did you mean digest?"),
    ("too many paraphrases", nothing, [*GENERATE, "-o", "documents.paraphrases=80"], "documents.paraphrases"),
    ("a negative size", nothing, [*GENERATE, "-o", "world.known.person=-5"], "world.known.person"),
    ("an absurd size", nothing, [*GENERATE, "-o", "world.novel.person=1000000"], "ask for fewer"),
    ("more examples than the world has", nothing, [*SMALL, "-o", "examples.count=100000"], "too few"),
    ("a world too small", nothing, [*GENERATE, "-o", 'world.known={"person":2,"company":1,"city":1}'], "ask for"),
    ("a settings file that is not there", nothing, [*GENERATE, "--config", "{tmp}/none.toml"], "cannot read"),
    ("a settings file that is a directory", nothing, [*GENERATE, "--config", "{tmp}"], "cannot read"),
    ("broken TOML", text("c.toml", "a = = 1"), [*GENERATE, "--config", "{tmp}/c.toml"], "not valid TOML"),
    ("broken JSON", text("c.json", '{"a": '), [*GENERATE, "--config", "{tmp}/c.json"], "not valid JSON"),
    ("JSON that is a list", text("c.json", "[1]"), [*GENERATE, "--config", "{tmp}/c.json"], "must hold a table"),
    ("settings in Latin-1", text("c.toml", b'name = "\xe9"'), [*GENERATE, "--config", "{tmp}/c.toml"], "UTF-8"),
    ("a preset and a file", nothing, [*GENERATE, "--preset", "demo", "--config", "{tmp}/c"], "either --preset or --config"),
    # Training.
    ("no recipe", nothing, ["train", "--data", "{data}", "--model", "tiny", "--out", "{out}"], "give --recipe"),
    ("an unknown recipe", nothing, [*TRAIN, "--recipe", "pretrian"], "did you mean pretrain?"),
    ("an unknown source of rows", nothing, [*TRAIN, "-o", "rows.novle=3"], "did you mean novel?"),
    ("no rows at all", nothing, [*TRAIN, "-o", "rows.examples=0"], "at least one row"),
    ("steps and epochs", nothing, [*TRAIN, "-o", "epochs=1.0", "-D", "3"], "either steps or epochs"),
    ("a part of the model on one device", nothing, [*TRAIN, "-D", "9", "-o", "parallel=fsdp"], "set -o devices=N"),
    ("parts of a matrix", nothing, [*TRAIN, "-o", "parallel=fsdp", "-o", "optimizer=muon"], "muon turns whole matrices"),
    ("a negative rate", nothing, [*TRAIN, "-o", "learning_rate=-1"], "learning_rate"),
    ("more examples than there are", nothing, [*TRAIN, "-D", "100000"], "generate more"),
    ("rows longer than allowed", nothing, [*TRAIN, "-D", "9", "-o", "max_length=8"], "raise -o max_length"),
    ("data that are not there", nothing, [*TRAIN, "--data", "{tmp}/none"], "does not exist"),
    ("an unfinished data directory", lambda r: (r / "data/manifest.json").unlink(), TRAIN, "no manifest.json"),
    ("a model run for data", nothing, [*TRAIN, "--data", "{model}"], "not a data directory"),
    ("a broken manifest", text("data/manifest.json", '{"schema": 1'), TRAIN, "is damaged"),
    ("a table of another size", text("data/documents.parquet", b"PAR1"), TRAIN, "documents.parquet is missing or changed"),
    ("a table that is gone", lambda r: (r / "data/examples.parquet").unlink(), TRAIN, "examples.parquet is missing or changed"),
    (
        "a column that is gone",
        rewritten("documents.parquet", lambda t: t.drop_columns(["text"])),
        TRAIN,
        "lacks column text",
    ),
    (
        "a column of another type",
        rewritten("documents.parquet", lambda t: t.set_column(1, "text", pa.array([[1]] * len(t)))),
        TRAIN,
        "wrong type",
    ),
    ("a model that is not there", nothing, [*TRAIN, "--model", "{tmp}/none"], "none does not exist, and is no name on the hub"),
    ("a name that the hub is not asked for", nothing, [*TRAIN, "--model", "nobody/nothing"], "the hub does not give it"),
    ("a checkpoint without tokenizer", lambda r: _strip(r, "tokenizer*"), [*TRAIN, "--model", "{tmp}/bare"], "no tokenizer"),
    ("a checkpoint without weights", lambda r: _strip(r, "*.safetensors"), [*TRAIN, "--model", "{tmp}/bare"], "no model"),
    ("a checkpoint cut short", lambda r: _cut(r, "model.safetensors", "bare"), [*TRAIN, "--model", "{tmp}/bare"], "no model"),
    (
        "weights that lack a layer's",
        _lacking,
        [*TRAIN, "--model", "{tmp}/bare"],
        "lacks weights: model.layers.0.mlp.down_proj.weight",
    ),
    (
        "sizes that are not those of the weights",
        _set("config.json", hidden_size=48),
        [*TRAIN, "--model", "{tmp}/bare"],
        "no model",
    ),
    ("an unknown architecture", _set("config.json", model_type="llamma"), [*TRAIN, "--model", "{tmp}/bare"], "no model can be"),
    (
        "an encoder",
        _set("config.json", model_type="bert", architectures=["BertModel"]),
        [*TRAIN, "--model", "{tmp}/bare"],
        "no causal",
    ),
    (
        "a config that is no table",
        lambda r: (_bare(r) / "config.json").write_text("[]") and None,
        [*TRAIN, "--model", "{tmp}/bare"],
        "table",
    ),
    ("a run that is not finished", _unfinished, TRAIN, "is unfinished: run its command again"),
    ("what a run that is not finished has made", _unfinished, [*TRAIN, "--model", "{model}/model"], "is unfinished"),
    ("a world as a model", nothing, [*TRAIN, "--model", "{data}"], "holds a generate run, not a model"),
    (
        "an adapter's fate of a new model",
        nothing,
        [*TRAIN, "--model", "tiny", "-D", "4", "-o", "adapter=merge"],
        "pretrain first",
    ),
    ("a system turn of nothing", nothing, [*TRAIN, "-D", "4", "-o", "system="], "system"),
    ("a word for a boolean", nothing, [*TRAIN, "-D", "4", "-o", "template.x=False"], "write true or false, in small letters"),
    ("a precision for a server", nothing, [*EVAL, "--url", "http://127.0.0.1:9/v1", "-o", "precision=bf16"], "runs none"),
    ("a new model as one to be asked", nothing, [*EVAL, "--model", "tiny"], "tiny does not exist"),
    (
        "an adapter without its base",
        _set("adapter_config.json", base_model_name_or_path="../gone"),
        [*TRAIN, "--model", "{tmp}/bare"],
        "an adapter for ../gone, which does not exist",
    ),
    (
        "an adapter that names no base",
        _set("adapter_config.json", r=4),
        [*TRAIN, "--model", "{tmp}/bare"],
        "does not say which model",
    ),
    (
        "rows that the model cannot read",
        _set("config.json", max_position_embeddings=8),
        [*TRAIN, "--model", "{tmp}/bare", *DOCUMENTS],
        "and the model reads 8 at once",
    ),
    ("an adapter on a new model", nothing, [*TRAIN, "--model", "tiny", "--lora"], "learns little: pretrain first"),
    ("modules that are not there", nothing, [*TRAIN, "-D", "4", "-o", 'lora.modules=["qproj"]'], "choose from down_proj"),
    ("an adapter to go on with that is none", nothing, [*TRAIN, "-D", "4", "-o", "adapter=continue"], "has none"),
    ("a new adapter without its settings", nothing, [*TRAIN, "-D", "4", "-o", "adapter=new"], "needs lora"),
    ("sizes for a checkpoint", nothing, [*TRAIN, "-D", "4", "-o", "tiny.hidden=64"], "tiny gives the sizes of a new model"),
    ("a head of no size", nothing, [*TRAIN, "--model", "tiny", "-D", "4", "-o", "tiny.hidden=100"], "must be whole and even"),
    ("a system turn for documents", nothing, [*TRAIN, *DOCUMENTS, "-o", "system=Hello"], "system says how examples are put"),
    (
        "an argument that the template has not",
        nothing,
        [*TRAIN, "-D", "4", "-o", "template.thinking=false"],
        "has no such argument",
    ),
    ("a date that nobody asks for", nothing, [*TRAIN, "-D", "4", "-o", "date=2025-01-01"], "does not ask for the date"),
    ("a day that is none", nothing, [*TRAIN, "-D", "4", "-o", "date=2025-02-30"], "no day of the calendar"),
    (
        "a directory with files of one's own",
        lambda r: (r / "out").mkdir() or ((r / "out" / "config.json").write_text("{}") and None),
        [*TRAIN, "-D", "4"],
        "already holds config.json, and no unfinished run made it",
    ),
    ("a train run whose weights changed", lambda r: _cut(r, "model.safetensors"), TRAIN, "is missing or changed"),
    ("a folder of a finished run", nothing, [*TRAIN, "-D", "4", "--out", "{model}/model"], "belongs to the finished run in"),
    ("a finished run of other settings", nothing, [*TRAIN, "--out", "{model}"], "of another configuration"),
    # Evaluation.
    (
        "a length for a style that is not asked",
        nothing,
        [*EVAL, "--task", "if", "-o", "max_new_tokens.cot=9"],
        "nothing is asked in style cot",
    ),
    (
        "how to ask what was recorded",
        text("o.jsonl", "{}"),
        [*EVAL, "--outputs", "{tmp}/o.jsonl", "-o", "system=Hi"],
        "were recorded",
    ),
    ("the cue for word problems", nothing, [*TASK, "math", "-o", "ask=cue"], "ask says how multihop questions are worded"),
    (
        "the cue without examples",
        nothing,
        [*TRAIN, "-o", "rows={{known=4}}", "-o", "ask=cue"],
        "ask says how multihop questions are worded",
    ),
    ("a wording that is none", nothing, [*EVAL, "-o", "ask=loud"], "ask"),
    (
        "the cue for examples that are no questions",
        text("e.jsonl", '{"prompt": "Hi", "completion": "Ho"}'),
        [*TRAIN, "--data", "{tmp}/e.jsonl", "-D", "1", "-o", "ask=cue"],
        "words the questions of kit and of public sets",
    ),
    (
        "a language that nobody tells apart",
        text("i.jsonl", json.dumps({"key": 1, "prompt": "x", "instruction_id_list": [SPOKEN], "kwargs": [{"language": "fn"}]})),
        [*EVAL, "--task", "if", "--data", "{tmp}/i.jsonl", "--split", "test"],
        "no language 'fn' is told apart; choose from",
    ),
    (
        "a reason to end that nobody gives",
        text("o.jsonl", '{"id": "x", "output": "y", "finish_reason": "lenght"}'),
        [*EVAL, "--outputs", "{tmp}/o.jsonl"],
        "finish_reason 'lenght'; did you mean length?",
    ),
    ("rows that are gzipped by name only", text("q.jsonl.gz", "x"), [*EVAL, "--data", "{tmp}/q.jsonl.gz"], "cannot read"),
    (
        "a server's setting twice",
        nothing,
        [*EVAL, "--url", "http://127.0.0.1:9/v1", "-o", "server.extra={{stream=true}}"],
        "stream",
    ),
    ("a date for a server", nothing, [*EVAL, "--url", "http://127.0.0.1:9/v1", "-o", "date=2025-01-01"], "a date of its own"),
    ("an unknown task", nothing, [*EVAL, "--task", "multihp"], "did you mean multihop?"),
    ("a task that is no name", nothing, [*EVAL, "-o", "task=[1]"], "unknown task [1]"),
    ("a server that is no table", nothing, [*EVAL, "--url", "http://127.0.0.1:9/v1", "-o", "server=abc"], "must be a table"),
    ("an unknown style", nothing, [*EVAL, "--style", "cott"], "style"),
    ("an unknown split", nothing, [*EVAL, "--split", "nvel"], "split"),
    ("a split without such questions", nothing, [*EVAL, "--hops", "9"], "no questions of slice novel/9-hop"),
    ("a mode that does not fit", nothing, [*EVAL, "--mode", "choice"], "needs style direct or cloze"),
    ("questions that are not there", nothing, [*EVAL, "--data", "{tmp}/none.jsonl"], "cannot read"),
    ("questions that are no JSON", text("q.jsonl", "\nx\n"), [*EVAL, "--data", "{tmp}/q.jsonl"], "line 2"),
    ("questions in Latin-1", text("q.jsonl", b'{"a": "\xe9"}'), [*EVAL, "--data", "{tmp}/q.jsonl"], "UTF-8"),
    (
        "questions of another schema",
        text("q.jsonl", '{"question": "?"}'),
        [*EVAL, "--data", "{tmp}/q.jsonl"],
        "column id is missing",
    ),
    ("a parquet file that is none", text("q.parquet", "x"), [*EVAL, "--data", "{tmp}/q.parquet"], "cannot read"),
    (
        "questions with one id twice",
        rewritten("questions.parquet", lambda t: pa.concat_tables([t, t.slice(0, 1)])),
        EVAL,
        "the same id",
    ),
    ("a task without its data", nothing, [*TASK, "math"], "has no math: generate some with -o tasks.math.test=200"),
    ("hops of a word problem", nothing, [*TASK, "math", "--hops", "2"], "hops is for slices of the task multihop"),
    (
        "samples that would all be the same",
        nothing,
        [*EVAL, "-o", 'slices=[{"split":"novel","samples":4}]'],
        "temperature above 0",
    ),
    ("stricter tests of no code", nothing, [*EVAL, "-o", "plus=x"], "plus is for the task code"),
    ("a server without an address", nothing, [*EVAL, "--backend", "server"], "backend server and the setting server go together"),
    ("a server that is none", nothing, [*EVAL, "--url", "127.0.0.1:1"], "must begin with http"),
    ("a server that is not there", nothing, [*EVAL, "--url", "http://127.0.0.1:9/v1", "-o", "server.tries=1"], "failed 1 times"),
    ("outputs that are not there", nothing, [*EVAL, "--outputs", "{tmp}/none.jsonl"], "none.jsonl"),
    ("shots from nowhere", nothing, [*EVAL, "--shots", "400"], "less than or equal to 64"),
    # Reading results.
    ("compare with no evaluation", nothing, ["compare", "{model}", "{model}"], "not an evaluation"),
    ("show what is not there", nothing, ["show", "{data}", "nosuchid"], "nosuchid"),
    ("show a train run", nothing, ["show", "{model}"], "not a data directory"),
    ("report of no sweep", nothing, ["report", "{data}"], "no finished sweep"),
    ("a sweep file that is not there", nothing, ["sweep", "{tmp}/none.toml", "--out", "{out}"], "cannot read"),
    ("export told of another model", nothing, ["export", "{model}", "-o", "model=x", "--out", "{out}"], "unknown key model"),
    ("an arm of unknown stages", nothing, ["demo", "-o", 'arms.inject.path=["injct"]', "--out", "{out}"], "did you mean inject?"),
    ("counts twice", nothing, ["demo", "-o", "counts=[1,1]", "--out", "{out}"], "different"),
]


@pytest.mark.parametrize(("prepare", "arguments", "message"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_one_line_exit_code_2_nothing_written(
    prepare: Callable[[Path], None],
    arguments: list[str],
    message: str,
    places: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare(tmp_path)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file() and p.name != ".lock"}
    monkeypatch.setattr("sys.argv", ["kit", *(a.format_map(places) if "{" in a and ":" not in a else a for a in arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr()
    assert stopped.value.code == 2, said.err
    assert message in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert said.err.startswith("kit: ")
    assert not said.out
    out = Path(places["out"])
    assert not (out / "manifest.json").exists()
    assert not [*out.rglob("*.parquet"), *out.rglob("*.safetensors"), *out.rglob("*.part")], "nothing half-written"
    after = {p: p.stat().st_mtime_ns for p in before if p.exists()}
    assert after == before, "what was there stays as it was"


def test_there_are_forty() -> None:
    assert len(CASES) >= 40
    assert len({c[0] for c in CASES}) == len(CASES)
