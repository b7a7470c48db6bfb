"""From what a model wrote to a program: the function that was asked for, whole, with what it needs."""

from __future__ import annotations

import ast
import re
import symtable
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from kit.core.records import CodeProblem

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_OTHER_LANGUAGES = frozenset(
    "bash sh shell zsh console terminal powershell text txt plaintext plain output none latex tex html css json yaml "
    "yml toml xml sql csv diff mermaid c cpp c++ csharp c# java javascript js typescript ts go rust ruby php kotlin swift scala "
    "r julia haskell perl lua".split()
)
"""What a block may say it holds that is no Python; whatever else it says is taken for a dialect."""

_TRIES = 20
"""How often what cannot be read is cut off, or a block taken for longer, before it is left as it is."""

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
    output = re.sub(r"(?m)^(?![^\S\n]*```)([^`\n]*[^`\s])(```+)[^\S\n]*$", r"\1\n\2", output.replace("\r\n", "\n"))
    blocks = _blocks(output, problem)
    whole = [b for b in blocks if _defines(b, problem.entry_point)]
    chosen = next((b for b in reversed(whole) if not _is_stub(b, problem.entry_point)), whole[-1] if whole else "")
    if not chosen:
        chosen = next((b for b in blocks if b.strip()), "")
    code = chosen.strip("\n").rstrip()
    if not code.strip():
        return None
    to_the_end = output.rstrip().endswith(code[-200:].rstrip())
    if whole:
        before = (preamble(problem), *_needed(code, [b for b in blocks if b is not chosen], problem.entry_point))
        readable = code if _tree(code) else _readable(code) or code
        return Program(_joined(*before, code), _definitions_of(_joined(*before, readable), problem.entry_point), to_the_end)
    given = _joined(_with_body(problem, code))
    return Program(given, _definitions_of(_joined(_mended_body(problem, code)), problem.entry_point), to_the_end)


def preamble(problem: CodeProblem) -> str:
    """What stands before the function in the prompt: imports, and helpers that its tests may use."""
    return re.split(rf"^(?:async )?def {re.escape(problem.entry_point)}\b", problem.prompt, maxsplit=1, flags=re.M)[0]


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").disable(["inline", "html_block"])


def _blocks(output: str, problem: CodeProblem) -> list[str]:
    """The blocks of code of a text in Markdown, in their order; without any, all of it from where code begins.

    A block ends behind the fence that leaves it whole: one may stand in a docstring. A text that begins within a block, which
    only its end shows, is a block up to there. What says that it is no Python counts where nothing else defines the function.
    """
    name = problem.entry_point
    tokens = _markdown().parse(output)
    fences = [t for t in tokens if t.type == "fence" and t.map]
    if not fences:
        indented = [t.content for t in tokens[1:] if t.type == "code_block"]
        spans = [span for span in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", output) if name in span and _tree(span)]
        if nested := next((t.content for t in tokens if t.type == "code_block" and "```" in t.content), None):
            return _blocks(nested, problem)
        written = [part for part in (*indented, *spans) if _defines(part, name)]
        return written or [part for part in indented if _is_body(part, problem)] or [_from_code_on(output, name)]
    lines = output.split("\n")
    assert fences[0].map
    before = "\n".join(lines[: fences[0].map[0]]).rstrip()
    fenced = any(_defines(f.content, name) or _is_body(f.content, problem) for f in fences)
    if not fenced and (_defines(before, name) or _is_body(before, problem)):
        return [before]
    found: list[tuple[bool, str]] = []
    end, tries = 0, _TRIES
    for fence in fences:
        assert fence.map
        if fence.map[0] < end:
            continue
        content, end = fence.content, fence.map[1]
        language = _language(fence.info)
        if language in ("markdown", "md"):
            found += [(True, block) for block in _blocks(content, problem)]
            continue
        if not _tree(content):
            closing = islice((i for i in range(end, len(lines)) if lines[i].strip() == fence.markup), tries)
            longer = ((textwrap.dedent("\n".join(lines[fence.map[0] + 1 : i])), i + 1) for i in closing)
            content, end = next(((text, at) for text, at in longer if _tree(text)), (content, end))
            tries = tries // 2  # few blocks hold a fence, and a text may have thousands
        found.append((language not in _OTHER_LANGUAGES, textwrap.dedent(content)))
    python = [block for is_python, block in found if is_python]
    return python if any(_defines(block, name) for block in python) else [block for _, block in found]


def _is_body(text: str, problem: CodeProblem) -> bool:
    """Whether a text reads as the body of the function, which gives something back."""
    if not re.search(r"\b(?:return|yield)\b", text):
        return False
    return _tree(_with_body(problem, text.strip("\n"))) is not None


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
    return _readable(code) or code


def _readable(code: str, least: int = 0) -> str | None:
    """Code up to where it can no longer be read: prose behind it, or a line that was cut off. None where no more than `least`
    lines are left."""
    lines = code.rstrip().split("\n")
    for _ in range(_TRIES):
        read = _read("\n".join(lines))
        if isinstance(read, ast.Module):
            break
        lines = lines[: min(read, len(lines)) - 1]
        while lines and not lines[-1].strip():
            lines.pop()
        if len(lines) <= least:
            return None
    return "\n".join(lines) if _tree("\n".join(lines)) else None


def _mended_body(problem: CodeProblem, code: str) -> str:
    """The prompt with a body whose indent is put right, where its first line or all of it lacks some, without text that follows
    it; as it was given where nothing of it can be read."""
    prompt = problem.prompt.rstrip()
    step = re.match(r"[ \t]*", prompt.rpartition("\n")[2])
    indent = step[0] if step and step[0] else "    "
    first, _, rest = code.partition("\n")
    bodies = (f"{indent}{first.lstrip()}\n{rest}", textwrap.indent(textwrap.dedent(code), indent), textwrap.indent(code, indent))
    programs = [_with_body(problem, code, indent), *(f"{prompt}\n{body}" for body in bodies)]
    whole = next((text for text in programs if _tree(text)), None)
    parts = [_readable(text, prompt.count("\n") + 1) or "" for text in programs] if whole is None else []
    return whole or max(parts, key=len) or programs[0]


def _with_body(problem: CodeProblem, code: str, indent: str = "    ") -> str:
    """The prompt with a body as it was given; one without any indent is indented as a whole."""
    body = code if code.startswith((" ", "\t")) else textwrap.indent(code, indent)
    return f"{problem.prompt.rstrip()}\n{body}"


@lru_cache(64)  # one output's blocks are looked at again and again
def _read(code: str) -> ast.Module | int:
    """Code as a tree; or the line in which it cannot be read."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(code)
    except SyntaxError as error:
        return error.lineno or 1
    except (ValueError, RecursionError, MemoryError):
        return 1


def _tree(code: str) -> ast.Module | None:
    """Code as a tree; None where it is none, or holds nothing."""
    read = _read(code)
    return read if isinstance(read, ast.Module) and read.body else None


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


def _needed(code: str, others: Sequence[str], name: str) -> list[str]:
    """What other blocks define or import that code uses and does not define itself, in their order, the last of each name. Of
    what only runs there, a use of the function say, nothing is taken."""
    tree = _tree(code)
    if not tree or not others:
        return []
    own = {defined for node in tree.body for defined in _names(node)}
    offered: dict[str, tuple[int, str]] = {}
    for block in others:
        lines = block.split("\n")
        for node in other.body if (other := _tree(block)) else ():
            start = node.decorator_list[0].lineno if isinstance(node, _Definition) and node.decorator_list else node.lineno
            text = "\n".join(lines[start - 1 : node.end_lineno])
            if isinstance(node, ast.Assign | ast.AnnAssign) and _free(text) & {name, "input", "open"}:
                continue
            if isinstance(node, _Definition | ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign):
                offered.update((defined, (len(offered), text)) for defined in _names(node) if defined not in own)
    wanted = _free(code) | {"*"}
    taken: dict[str, tuple[int, str]] = {}
    while fresh := {used for used in wanted & offered.keys() if used not in taken}:
        taken.update((used, offered[used]) for used in fresh)
        wanted = wanted.union(*(_free(offered[used][1]) for used in fresh))
    return list(dict.fromkeys(text for _, text in sorted(taken.values())))


def _free(code: str) -> set[str]:
    """The names that code takes from outside its functions: no parameters, and nothing that they assign themselves."""
    try:
        tables = [symtable.symtable(code, "<code>", "exec")]
    except (SyntaxError, ValueError, RecursionError):
        return set()
    found = set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        found |= {
            s.get_name() for s in table.get_symbols() if s.is_referenced() and (s.is_global() or table.get_type() == "module")
        }
    return found


def _definitions_of(code: str, name: str) -> str:
    """Code without what is run beside its definitions, unless the function itself is not defined then."""
    tree = _tree(code)
    if not tree:
        return code
    kept = [n for n in tree.body if next(_names(n), None)]
    if len(kept) == len(tree.body) or not any(name in _names(node) for node in kept):
        return code
    here = set(map(id, kept))
    gone = [n for n in tree.body if id(n) not in here]
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
    if "__future__" in text and (tree := _tree(text)):
        future = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
        lines = text.split("\n")
        for node in reversed(future):
            lines[node.lineno - 1 : node.end_lineno] = []
        text = "\n".join([*dict.fromkeys(map(ast.unparse, future)), *lines])
    return f"{text}\n"
