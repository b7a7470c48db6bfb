"""From what a model wrote to a program: the function that was asked for, whole, with what it needs."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from kit.core.records import CodeProblem

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_OTHER_LANGUAGES = frozenset(
    "bash sh shell zsh console terminal powershell text txt plaintext plain output none markdown md latex tex html css json yaml "
    "yml toml xml sql csv diff mermaid c cpp c++ csharp c# java javascript js typescript ts go rust ruby php kotlin swift scala "
    "r julia haskell perl lua".split()
)
"""What a block may say it holds that is no Python; whatever else it says is taken for a dialect."""

_TRIES = 400
"""Lines that are left out at most, one by one, until what is left can be read."""

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Program(NamedTuple):
    """given: the program that an output stands for. mended: the same with what kept it from being read put right (an indent lost
    at its beginning, text behind it), or without what is run beside its definitions (tests, calls of input); the same again where
    there is nothing to mend. to_the_end: whether it ends where the output does."""

    given: str
    mended: str
    to_the_end: bool


def program(problem: CodeProblem, output: str) -> Program | None:
    """The program that an output stands for; None where it holds no code.

    Of the blocks of code the last one counts that defines the function and is no stub, with those definitions and imports of
    others that it uses; without blocks, all of the output. What stands before the function in the prompt (imports, helpers) comes
    before an answer that repeats the signature; a bare body follows the prompt.
    """
    blocks = _blocks(output, problem.entry_point)
    whole = [b for b in blocks if _defines(b, problem.entry_point)]
    chosen = next((b for b in reversed(whole) if not _is_stub(b, problem.entry_point)), whole[-1] if whole else "")
    if not chosen:
        chosen = next((b for b in blocks if b.strip()), "")
    code = chosen.strip("\n").rstrip()
    if not code.strip():
        return None
    to_the_end = output.rstrip().endswith(code[-200:].rstrip())
    if whole:
        given = _joined(preamble(problem), *_needed(code, [b for b in blocks if b is not chosen]), code)
        return Program(given, _definitions_of(given, problem.entry_point), to_the_end)
    bodies = list(_bodies(problem, code))
    given = _joined(bodies[0])
    readable = next((body for body in bodies if _tree(body)), bodies[0])
    return Program(given, _definitions_of(_joined(readable), problem.entry_point), to_the_end)


def preamble(problem: CodeProblem) -> str:
    """What stands before the function in the prompt: imports, and helpers that its tests may use."""
    return re.split(rf"^(?:async )?def {re.escape(problem.entry_point)}\b", problem.prompt, maxsplit=1, flags=re.M)[0]


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")


def _blocks(output: str, name: str) -> list[str]:
    """The blocks of code of a text in Markdown, in their order; without any, all of it from where code begins.

    A block ends behind the fence that leaves it whole: one may stand in a docstring. A text that begins within a block, which
    only its end shows, is a block up to there.
    """
    lines = output.split("\n")
    tokens = [t for t in _markdown().parse(output) if t.type in ("fence", "inline")]
    fences = [t for t in tokens if t.type == "fence" and t.map]
    if not fences:
        spans = [child.content for t in tokens for child in t.children or () if child.type == "code_inline"]
        return [s for s in spans if _tree(s) and _defines(s, name)] or [_from_code_on(output, name)]
    found: list[str] = []
    first = fences[0]
    assert first.map
    before = "\n".join(lines[: first.map[0]]).rstrip()
    begun = not first.info.strip() and before.strip() and not any(_defines(f.content, name) for f in fences)
    if begun and (_defines(before, name) or before[:1].isspace() or _tree(textwrap.dedent(before))):
        return [before]
    end = 0
    for fence in fences:
        assert fence.map
        if fence.map[0] < end or _language(fence.info) in _OTHER_LANGUAGES:
            continue
        content, end = fence.content, fence.map[1]
        if not _tree(content):
            marks = fence.markup
            closing = (i for i in range(end, len(lines)) if lines[i].strip() == marks)
            longer = ((textwrap.dedent("\n".join(lines[fence.map[0] + 1 : i])), i + 1) for i in closing)
            content, end = next(((text, at) for text, at in longer if _tree(text)), (content, end))
        found.append(textwrap.dedent(content))
    return found


def _language(info: str) -> str:
    """What a fence says it holds: "python", ".python title=x", "{.python .numberLines}"."""
    named = re.search(r"[\w+#]+", info)
    return named[0].lower() if named else ""


def _from_code_on(output: str, name: str) -> str:
    """A text without fences from the first line that is code by its looks, where it defines the function."""
    start = re.search(r"^(?:@|import |from \S+ import |class |(?:async )?def )", output, re.M)
    if not start or not _defines(output[start.start() :], name):
        return output
    code = output[start.start() :]
    return next((part for part in _shortened(code) if _tree(part)), code)


def _shortened(code: str) -> Iterator[str]:
    """Code as it is, and without its last line, its last two, and so on."""
    lines = code.rstrip().split("\n")
    for end in range(len(lines), max(0, len(lines) - _TRIES), -1):
        yield "\n".join(lines[:end])


def _bodies(problem: CodeProblem, code: str) -> Iterator[str]:
    """The prompt with a body: first as it was given, a whole one without indent being indented; then with the indent put right
    that its first line, or all of it, lacks; then each without the text that follows it."""
    prompt = problem.prompt.rstrip()
    step = re.match(r"[ \t]*", prompt.rpartition("\n")[2])
    indent = step[0] if step and step[0] else "    "
    first, _, rest = code.partition("\n")
    bare = textwrap.indent(code, indent)
    ways = [
        code if code.startswith((" ", "\t")) else bare,
        f"{indent}{first.lstrip()}\n{rest}",
        textwrap.indent(textwrap.dedent(code), indent),
        bare,
    ]
    yield from (f"{prompt}\n{way}" for way in ways)
    for way in ways:
        yield from (f"{prompt}\n{part}" for part in _shortened(way))


def _tree(code: str) -> ast.Module | None:
    """Code as a tree; None where it is none, or holds nothing."""
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if tree.body else None


def _names(node: ast.stmt) -> Iterator[str]:
    """What a statement of a module defines."""
    if isinstance(node, _Definition):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name))
    elif isinstance(node, ast.If | ast.Try | ast.With):
        yield from (name for inner in ast.iter_child_nodes(node) if isinstance(inner, ast.stmt) for name in _names(inner))


def _used(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _defines(code: str, name: str) -> bool:
    """Whether the function is defined at the top, though there may be a syntax error elsewhere."""
    if tree := _tree(code):
        return any(name in _names(node) for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom))
    return bool(re.search(rf"^(?:async )?def {re.escape(name)}\s*\(", code, re.M))


def _is_stub(code: str, name: str) -> bool:
    """Whether the last definition of the function does nothing: a docstring, `pass`, `...`, or NotImplementedError alone."""
    tree = _tree(code)
    found = [n for n in tree.body if isinstance(n, _Definition) and n.name == name] if tree else []
    return bool(found) and all(_says_nothing(node) for node in found[-1].body)


def _says_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Raise):
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _needed(code: str, others: Sequence[str]) -> list[str]:
    """What other blocks define or import that code uses and does not define itself, in their order, the last of each name."""
    tree = _tree(code)
    if not tree or not others:
        return []
    own = {name for node in tree.body for name in _names(node)}
    offered: dict[str, tuple[int, str, ast.stmt]] = {}
    for block in others:
        for node in other.body if (other := _tree(block)) else ():
            text = ast.get_source_segment(block, node) or ""
            if isinstance(node, _Definition) and node.decorator_list:
                text = "\n".join(block.split("\n")[node.decorator_list[0].lineno - 1 : node.end_lineno])
            offered.update((name, (len(offered), text, node)) for name in _names(node) if name not in own)
    wanted = _used(tree)
    taken: dict[str, tuple[int, str, ast.stmt]] = {}
    while fresh := {name for name in wanted & offered.keys() if name not in taken}:
        taken.update((name, offered[name]) for name in fresh)
        wanted = wanted.union(*(_used(offered[name][2]) for name in fresh))
    return list(dict.fromkeys(text for _, text, _ in sorted(taken.values(), key=lambda entry: entry[0])))


def _definitions_of(code: str, name: str) -> str:
    """Code without what is run beside its definitions, unless the function itself is not defined then."""
    tree = _tree(code)
    if not tree:
        return code
    kept = [n for n in tree.body if next(_names(n), None) or isinstance(n, ast.ImportFrom)]
    if len(kept) == len(tree.body) or not any(name in _names(node) for node in kept):
        return code
    gone = [n for n in tree.body if n not in kept]
    lines = code.split("\n")
    for node in reversed(gone):
        if node.col_offset == 0 and node.end_lineno and not _is_docstring(tree, node):
            lines[node.lineno - 1 : node.end_lineno] = []
    return "\n".join(lines) if _tree("\n".join(lines)) else code


def _is_docstring(tree: ast.Module, node: ast.stmt) -> bool:
    return node is tree.body[0] and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _joined(*parts: str) -> str:
    """Parts of a program as one, with what is imported from the future before all else, as it has to be."""
    text = "\n".join(part.rstrip() for part in parts if part.strip())
    future = re.findall(r"^from __future__ import [^\n(]+$", text, re.M)
    if future:
        rest = re.sub(r"^from __future__ import [^\n(]+\n?", "", text, flags=re.M)
        text = "\n".join([*dict.fromkeys(future), rest])
    return f"{text}\n"
