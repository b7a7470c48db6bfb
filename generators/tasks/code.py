"""Small Python functions to be written, in the form of HumanEval (arXiv 2107.03374), with tests and with wrong versions.

A function is a chain of primitives, each from one kind of value to another: keep the even numbers, square each, add them up.
A closed grammar yields the code and the words of every primitive, so that whatever runs here was written here. What the
function returns is computed, never stated: the examples, the tests and the verdicts on the mutants come from running it.

What a function does to a fixed set of inputs is its behaviour. The split is a hash of that, so no test function is in the
training data of any seed, not even written differently.
"""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Literal, NamedTuple

from kit.core.errors import KitError
from kit.core.records import CodeProblem, TaskSplit
from kit.core.seeds import digest, key_of

Kind = Literal["numbers", "text", "words", "number"]
"""What goes in and comes out: list[int], str, list[str], int (as an input, never negative)."""

Value = list[int] | list[str] | str | int
DIFFICULTIES = range(1, 5)

_TYPES: dict[Kind, str] = {"numbers": "list[int]", "text": "str", "words": "list[str]", "number": "int"}
_INPUTS: dict[Kind, str] = {"numbers": "numbers", "text": "text", "words": "words", "number": "n"}
_OUTPUTS: dict[Kind, tuple[str, ...]] = {
    "numbers": ("values", "results", "found", "items"),
    "text": ("result", "changed", "output", "line"),
    "words": ("parts", "chosen", "terms", "pieces"),
    "number": ("total", "answer", "amount", "score"),
}


class Primitive(NamedTuple):
    """One part of a function. codes: ways to write it, with {v} for what goes in and {o} for what comes out. says: ways to
    ask for it, as a command. tag: for the function's name. draws: the values of its own slots."""

    tag: str
    takes: Kind
    gives: Kind
    codes: tuple[str, ...]
    says: tuple[str, ...]
    draws: Callable[[Random], dict[str, str | int]] = lambda rng: {}


class Part(NamedTuple):
    """A primitive with its slots filled."""

    primitive: Primitive
    code: str
    says: str


# What is done with each number ------------------------------------------------------------------------------------------


def _test(rng: Random) -> dict[str, str | int]:
    """A condition on a number: {test} its code, {is} and {are} in words."""
    k, m = rng.randint(-3, 12), rng.randint(2, 7)
    r, high = rng.randrange(m), k + rng.randint(2, 9)
    code, says = rng.choice([
        ("x % 2 == 0", "is even"), ("x % 2 != 0", "is odd"), (f"x > {k}", f"is greater than {k}"),
        (f"x < {k}", f"is less than {k}"), (f"x >= {k}", f"is at least {k}"), (f"x <= {k}", f"is at most {k}"),
        (f"x % {m} == 0", f"is divisible by {m}"), (f"x % {m} != 0", f"is not divisible by {m}"),
        (f"x % {m + 1} == {r}", f"is {r} modulo {m + 1}"),
        (f"{k} <= x <= {high}", f"is between {k} and {high} inclusive"),
        (f"x < {k} or x > {high}", f"is less than {k} or greater than {high}"),
        (f"x > {k} and x % {m} == 0", f"is greater than {k} and divisible by {m}"),
    ])  # fmt: skip
    return {"test": code, "is": says, "are": says.replace("is ", "are ", 1)}


def _change(rng: Random) -> tuple[str, str]:
    """An expression in x, and what it is called."""
    k, m = rng.randint(1, 12), rng.randint(2, 9)
    return rng.choice([
        (f"x + {k}", f"itself plus {k}"), (f"x - {k}", f"itself minus {k}"), (f"{k} - x", f"{k} minus itself"),
        (f"x * {m}", f"itself times {m}"), ("x * x", "its square"), (f"x * x + {k}", f"its square plus {k}"),
        (f"x * x - {k}", f"its square minus {k}"), (f"x * {m} + {k}", f"itself times {m} plus {k}"),
        (f"x * {m} - {k}", f"itself times {m} minus {k}"), (f"x // {m}", f"itself divided by {m}, rounded down"),
        (f"x % {m}", f"itself modulo {m}"), ("abs(x)", "its absolute value"), (f"abs(x - {k})", f"its distance from {k}"),
        (f"min(x, {k})", f"the smaller of itself and {k}"), (f"max(x, {k})", f"the larger of itself and {k}"),
    ])  # fmt: skip


def _changes(rng: Random) -> dict[str, str | int]:
    """A test and three expressions."""
    (a, a_says), (b, b_says) = _change(rng), _change(rng)
    second = _test(rng)
    return {**_test(rng), "a": a, "a_says": a_says, "b": b, "b_says": b_says, "test2": second["test"], "is2": second["is"]}


def _branches(rng: Random) -> dict[str, str | int]:
    m = rng.randint(2, 6)
    return {"m": m, "j": rng.randrange(m), "k": rng.randint(2, 9), "h": rng.randint(5, 40)}


def _numbers(**ranges: tuple[int, int]) -> Callable[[Random], dict[str, str | int]]:
    return lambda rng: {name: rng.randint(low, high) for name, (low, high) in ranges.items()}


def _offset(low: int, high: int) -> Callable[[Random], dict[str, str | int]]:
    """A number to start from or to multiply by: {k}, and in words, which say nothing of 0 and of 1."""

    def draw(rng: Random) -> dict[str, str | int]:
        k = rng.randint(low, high)
        places = "place" if k == 1 else "places"
        return {"k": k, "plus": f"{k} plus " if k else "", "times": f"{k} times " if k > 1 else "", "places": places}

    return draw


def _letters(rng: Random) -> dict[str, str | int]:
    a, b = rng.sample("abcdefghilmnoprstuw", 2)
    return {"a": a, "b": b}


def _affine(rng: Random) -> dict[str, str | int]:
    """A letter and two small numbers."""
    j = rng.randint(1, 4)
    first = "first character" if j == 1 else f"first {j} characters"
    return {"a": rng.choice("abcdeilmnorstu"), "k": rng.randint(2, 7), "j": j, "first": first}


def _loop(body: str) -> str:
    return "{o} = []\nfor x in {v}:\n    " + body.replace("\n", "\n    ")


_NUMBERS = (
    Primitive("keep", "numbers", "numbers", (
        _loop("if {test}:\n    {o}.append(x)"), "{o} = [x for x in {v} if {test}]",
    ), ("keep only the numbers x where x {is}", "keep only the numbers that {are}", "take the numbers that {are}"), _test),
    Primitive("drop", "numbers", "numbers", (
        _loop("if {test}:\n    continue\n{o}.append(x)"), "{o} = [x for x in {v} if not ({test})]",
    ), ("leave out every number that {is}", "remove all numbers that {are}"), _test),
    Primitive("map", "numbers", "numbers", (
        _loop("{o}.append({a})"), "{o} = [{a} for x in {v}]",
    ), ("replace each number by {a_says}", "turn each number into {a_says}"), _changes),
    Primitive("choose", "numbers", "numbers", (
        _loop("if {test}:\n    {o}.append({a})\nelse:\n    {o}.append({b})"), "{o} = [{a} if {test} else {b} for x in {v}]",
    ), ("replace each number that {is} by {a_says}, and each other number by {b_says}",), _changes),
    Primitive("where", "numbers", "numbers", (
        _loop("if {test}:\n    {o}.append({a})\nelse:\n    {o}.append(x)"),
    ), ("replace each number that {is} by {a_says}, leaving the others as they are",), _changes),
    Primitive("cases", "numbers", "numbers", (
        _loop("if {test}:\n    {o}.append({a})\nelif {test2}:\n    {o}.append({b})\nelse:\n    {o}.append(x)"),
    ), ("replace each number that {is} by {a_says}, of the rest each that {is2} by {b_says}, and leave the others as they are",),
        _changes),
    Primitive("running", "numbers", "numbers", (
        "{o} = []\nsum_so_far = {k}\nfor x in {v}:\n    sum_so_far += x\n    {o}.append(sum_so_far)",
    ), ("replace each number by {plus}the sum of all numbers up to and including it",), _offset(0, 9)),
    Primitive("steps", "numbers", "numbers", (
        "{o} = []\nfor i in range({k}, len({v})):\n    {o}.append({v}[i] - {v}[i - {k}])",
        "{o} = []\ni = {k}\nwhile i < len({v}):\n    {o}.append({v}[i] - {v}[i - {k}])\n    i += 1",
    ), ("list how much each number, from index {k} on, exceeds the one {k} {places} before it",), _offset(1, 3)),
    Primitive("neighbors", "numbers", "numbers", (
        "{o} = []\nfor i in range(len({v}) - 1):\n    {o}.append({v}[i] * {k} + {v}[i + 1])",
    ), ("list, for every two neighbors, {times}the first plus the second",), _offset(1, 6)),
    Primitive("weigh", "numbers", "numbers", (
        "{o} = []\nfor i, x in enumerate({v}):\n    {o}.append(x * (i + {k}))",
    ), ("multiply each number by its index plus {k}, the first index being 0",), _numbers(k=(1, 9))),
    Primitive("shift", "numbers", "numbers", (
        "{o} = []\nfor i, x in enumerate({v}):\n    {o}.append(x + i * {k})", "{o} = [x + i * {k} for i, x in enumerate({v})]",
    ), ("add {times}its index to each number, the first index being 0",), _offset(1, 9)),
    Primitive("every", "numbers", "numbers", (
        "{o} = []\nfor i in range({j}, len({v}), {k}):\n    {o}.append({v}[i])", "{o} = {v}[{j}::{k}]",
        "{o} = []\ni = {j}\nwhile i < len({v}):\n    {o}.append({v}[i])\n    i += {k}",
    ), ("take the number at index {j} and every {k} places after it",), _numbers(j=(0, 2), k=(2, 4))),
    Primitive("first", "numbers", "numbers", ("{o} = {v}[:{k}]",), ("take the first {k} numbers",), _numbers(k=(2, 6))),
    Primitive("skip", "numbers", "numbers", ("{o} = {v}[{k}:]",), ("leave out the first {k} numbers",), _numbers(k=(2, 4))),
    Primitive("sort", "numbers", "numbers", ("{o} = sorted({v})",), ("sort the numbers from smallest to largest",)),
    Primitive("descend", "numbers", "numbers", (
        "{o} = sorted({v}, reverse=True)",
    ), ("sort the numbers from largest to smallest",)),
    Primitive("reverse", "numbers", "numbers", (
        "{o} = {v}[::-1]", "{o} = []\nfor i in range(len({v}) - 1, -1, -1):\n    {o}.append({v}[i])",
    ), ("reverse the order of the numbers",)),
    Primitive("unique", "numbers", "numbers", (
        _loop("if x not in {o}:\n    {o}.append(x)"),
    ), ("keep only the first occurrence of each number",)),
    Primitive("until", "numbers", "numbers", (
        _loop("if {test}:\n    break\n{o}.append(x)"),
        "i = 0\nwhile i < len({v}):\n    x = {v}[i]\n    if {test}:\n        break\n    i += 1\n{o} = {v}[:i]",
    ), ("take the numbers before the first one that {is} (all, if there is none)",), _test),
    Primitive("sum", "numbers", "number", (
        "{o} = {k}\nfor x in {v}:\n    {o} += x", "{o} = {k}\ni = 0\nwhile i < len({v}):\n    {o} += {v}[i]\n    i += 1",
    ), ("return {plus}the sum of the numbers",), _offset(0, 9)),
    Primitive("product", "numbers", "number", (
        "{o} = {k}\nfor x in {v}:\n    {o} *= x",
    ), ("return {times}the product of the numbers (the product of none is 1)",), _offset(1, 5)),
    Primitive("count", "numbers", "number", (
        "{o} = 0\nfor x in {v}:\n    if {test}:\n        {o} += 1", "{o} = sum(1 for x in {v} if {test})",
    ), ("return how many of the numbers {are}", "count the numbers that {are}"), _test),
    Primitive("sum_where", "numbers", "number", (
        "{o} = 0\nfor x in {v}:\n    if {test}:\n        {o} += {a}", "{o} = sum({a} for x in {v} if {test})",
    ), ("add up, for each number that {is}, {a_says} (0 if there is none)",), _changes),
    Primitive("balance", "numbers", "number", (
        "{o} = 0\nfor x in {v}:\n    if {test}:\n        {o} += x\n    else:\n        {o} -= x",
    ), ("return the sum of the numbers that {are} minus the sum of all others",), _test),
    Primitive("largest", "numbers", "number", (
        "{o} = {k}\nfor x in {v}:\n    if x > {o}:\n        {o} = x", "{o} = max({v} + [{k}])",
    ), ("return the largest of the numbers, or {k} if none is larger than that",), _numbers(k=(0, 9))),
    Primitive("smallest", "numbers", "number", (
        "{o} = {k}\nfor x in {v}:\n    if x < {o}:\n        {o} = x", "{o} = min({v} + [{k}])",
    ), ("return the smallest of the numbers, or {k} if none is smaller than that",), _numbers(k=(0, 9))),
    Primitive("where_is", "numbers", "number", (
        "{o} = -1\nfor i, x in enumerate({v}):\n    if {test}:\n        {o} = i\n        break",
    ), ("return the index of the first number that {is}, or -1 if there is none",), _test),
    Primitive("last_place", "numbers", "number", (
        "{o} = -1\nfor i, x in enumerate({v}):\n    if {test}:\n        {o} = i",
    ), ("return the index of the last number that {is}, or -1 if there is none",), _test),
    Primitive("rises", "numbers", "number", (
        "{o} = 0\nfor i in range(1, len({v})):\n    if {v}[i] > {v}[i - 1] + {k}:\n        {o} += 1",
    ), ("count how often a number is more than {k} greater than the one before it",), _numbers(k=(1, 5))),
    Primitive("run", "numbers", "number", (
        "{o} = 0\nlength = 0\nfor x in {v}:\n    if {test}:\n        length += 1\n        {o} = max({o}, length)\n"
        "    else:\n        length = 0",
    ), ("return the length of the longest unbroken run of numbers that {are}",), _test),
    Primitive("fold", "numbers", "number", (
        "{o} = {j}\nfor x in {v}:\n    {o} = ({o} * {k} + x) % {m}",
    ), ("fold the numbers into one: start from {j}, and for each of them multiply by {k}, add it and reduce modulo {m}",),
        _numbers(j=(0, 3), k=(2, 9), m=(11, 99))),
)  # fmt: skip

_TEXT = (
    Primitive("backwards", "text", "text", (
        "{o} = {v}[::-1]", "{o} = ''\nfor c in {v}:\n    {o} = c + {o}",
    ), ("reverse the text",)),
    Primitive("no_vowels", "text", "text", (
        "{o} = ''\nfor c in {v}:\n    if c.lower() not in 'aeiou':\n        {o} += c",
        "{o} = ''.join(c for c in {v} if c.lower() not in 'aeiou')",
    ), ("remove all vowels (a, e, i, o, u, of either case)",)),
    Primitive("swap", "text", "text", ("{o} = {v}.replace('{a}', '{b}')",), ("replace every '{a}' by '{b}'",), _letters),
    Primitive("without", "text", "text", (
        "{o} = ''\nfor c in {v}:\n    if c != '{a}':\n        {o} += c", "{o} = ''.join(c for c in {v} if c != '{a}')",
    ), ("remove every '{a}'",), _letters),
    Primitive("repeat", "text", "text", (
        "{o} = ''\nfor c in {v}:\n    if c == '{a}':\n        {o} += c * {k}\n    else:\n        {o} += c",
    ), ("write every '{a}' {k} times in place of once",), _affine),
    Primitive("every", "text", "text", (
        "{o} = ''\nfor i in range({j}, len({v}), {k}):\n    {o} += {v}[i]", "{o} = {v}[{j}::{k}]",
    ), ("take the character at index {j} and every {k} places after it",), _numbers(j=(0, 2), k=(2, 4))),
    Primitive("upper_every", "text", "text", (
        "{o} = ''\nfor i, c in enumerate({v}):\n    if i % {k} == {j}:\n        {o} += c.upper()\n"
        "    else:\n        {o} += c.lower()",
    ), ("put in upper case every character whose index is {j} modulo {k}, and in lower case all others",),
        lambda rng: {"k": (k := rng.randint(2, 5)), "j": rng.randrange(k)}),
    Primitive("upper_letters", "text", "text", (
        "{o} = ''\nfor c in {v}:\n    if c == '{a}' or c == '{b}':\n        {o} += c.upper()\n    else:\n        {o} += c",
    ), ("put every '{a}' and every '{b}' in upper case",), _letters),
    Primitive("turn", "text", "text", (
        "{o} = {v}[{k}:] + {v}[:{k}]",
    ), ("move the first {k} characters to the end",), _numbers(k=(2, 5))),
    Primitive("start", "text", "text", ("{o} = {v}[:{k}]",), ("take the first {k} characters",), _numbers(k=(4, 12))),
    Primitive("tail", "text", "text", ("{o} = {v}[{k}:]",), ("leave out the first {k} characters",), _numbers(k=(2, 6))),
    Primitive("letters", "text", "text", (
        "{o} = ''.join(c for c in {v} if c.isalpha())", "{o} = ''\nfor c in {v}:\n    if c.isalpha():\n        {o} += c",
    ), ("keep only the letters",)),
    Primitive("squeeze", "text", "text", (
        "{o} = ''\nfor c in {v}:\n    if {o}[-1:] != c:\n        {o} += c",
    ), ("write every run of the same character just once",)),
    Primitive("split", "text", "words", ("{o} = {v}.split()",), ("split the text into words at the spaces",)),
    Primitive("cut", "text", "words", (
        "{o} = []\nfor i in range(0, len({v}), {k}):\n    {o}.append({v}[i:i + {k}])",
    ), ("cut the text into pieces of {k} characters (the last may be shorter)",), _numbers(k=(2, 6))),
    Primitive("places", "text", "numbers", (
        "{o} = []\nfor i, c in enumerate({v}):\n    if c == '{a}':\n        {o}.append(i + {j})",
    ), ("list the positions of '{a}', counting from {j}",), _affine),
    Primitive("vowels", "text", "number", (
        "{o} = {k}\nfor c in {v}:\n    if c.lower() in 'aeiou':\n        {o} += 1",
    ), ("return {plus}the number of vowels (a, e, i, o, u, of either case)",), _offset(0, 5)),
    Primitive("count_letter", "text", "number", (
        "{o} = 0\nfor c in {v}:\n    if c == '{a}':\n        {o} += {j}\n    elif c == '{b}':\n        {o} -= 1",
    ), ("score {j} for every '{a}' and -1 for every '{b}', and return the sum",),
        lambda rng: {**_letters(rng), "j": rng.randint(1, 6)}),
    Primitive("weight", "text", "number", (
        "{o} = 0\nfor i, c in enumerate({v}):\n    if c == '{a}':\n        {o} += i * {k} + {j}",
    ), ("add up, for every '{a}', {k} times its index plus {j}, the first index being 0",), _affine),
    Primitive("different", "text", "number", ("{o} = len(set({v}))",), ("return how many different characters there are",)),
    Primitive("size", "text", "number", ("{o} = len({v}) * {k} + {j}",), ("return {k} times the length plus {j}",), _affine),
    Primitive("digits", "text", "number", (
        "{o} = {k}\nfor c in {v}:\n    if c.isdigit():\n        {o} += int(c)",
    ), ("return {plus}the sum of the digits in the text",), _offset(0, 9)),
)  # fmt: skip

_WORDS = (
    Primitive("long", "words", "words", (
        "{o} = []\nfor w in {v}:\n    if len(w) > {k}:\n        {o}.append(w)", "{o} = [w for w in {v} if len(w) > {k}]",
    ), ("keep only the words longer than {k} characters",), _affine),
    Primitive("short", "words", "words", (
        "{o} = [w for w in {v} if len(w) <= {k}]",
    ), ("keep only the words of at most {k} characters",),
        _affine),
    Primitive("with", "words", "words", (
        "{o} = []\nfor w in {v}:\n    if '{a}' in w:\n        {o}.append(w)", "{o} = [w for w in {v} if '{a}' in w]",
    ), ("keep only the words that contain '{a}'",), _affine),
    Primitive("no", "words", "words", (
        "{o} = [w for w in {v} if '{a}' not in w]",
    ), ("leave out the words that contain '{a}'",), _affine),
    Primitive("often", "words", "words", (
        "{o} = []\nfor w in {v}:\n    if w.count('{a}') + w.count('{b}') >= {k}:\n        {o}.append(w)",
    ), ("keep only the words in which '{a}' and '{b}' together occur at least {k} times",),
        lambda rng: {**_letters(rng), "k": rng.randint(2, 3)}),
    Primitive("flip", "words", "words", ("{o} = [w[::-1] for w in {v}]",), ("reverse each word",)),
    Primitive("flip_long", "words", "words", (
        "{o} = []\nfor w in {v}:\n    if len(w) >= {k}:\n        {o}.append(w[::-1])\n    else:\n        {o}.append(w)",
    ), ("reverse each word of at least {k} characters",), _affine),
    Primitive("clip", "words", "words", (
        "{o} = [w[:{k}] for w in {v}]",
    ), ("cut each word after its first {k} characters",), _affine),
    Primitive("palindromes", "words", "words", (
        "{o} = []\nfor w in {v}:\n    if w == w[::-1]:\n        {o}.append(w)", "{o} = [w for w in {v} if w == w[::-1]]",
    ), ("keep only the palindromes (words that read the same backwards)",)),
    Primitive("by_length", "words", "words", (
        "{o} = sorted({v}, key=len)",
    ), ("sort the words by length, ties in their old order",) ),
    Primitive("alphabetical", "words", "words", ("{o} = sorted({v})",), ("sort the words as Python compares strings",)),
    Primitive("order", "words", "words", ("{o} = {v}[::-1]",), ("reverse the order of the words",)),
    Primitive("pick", "words", "words", (
        "{o} = []\nfor i in range({j}, len({v}), {k}):\n    {o}.append({v}[i])", "{o} = {v}[{j}::{k}]",
    ), ("take the word at index {j} and every {k} places after it",), _numbers(j=(0, 2), k=(2, 3))),
    Primitive("lengths", "words", "numbers", (
        "{o} = [len(w) for w in {v}]", "{o} = []\nfor w in {v}:\n    {o}.append(len(w))",
    ), ("take the length of each word",)),
    Primitive("score", "words", "numbers", (
        "{o} = []\nfor w in {v}:\n    {o}.append(len(w) + {k} * w.count('{a}'))",
    ), ("turn each word into its length plus {k} for every '{a}' in it",), _affine),
    Primitive("join", "words", "text", ("{o} = '{dash}'.join({v})",), ("join the words with '{dash}' between them",),
        lambda rng: {"dash": rng.choice("-_./:|")}),
    Primitive("initials", "words", "text", (
        "{o} = ''\nfor w in {v}:\n    {o} += w[:{j}]",
    ), ("string together the {first} of each word",), _affine),
    Primitive("longest", "words", "text", (
        "{o} = ''\nfor w in {v}:\n    if len(w) > len({o}):\n        {o} = w",
    ), ("return the longest word, the first of them in a tie ('' if there is none)",)),
    Primitive("how_many", "words", "number", (
        "{o} = 0\nfor w in {v}:\n    if len(w) > {k} or w[:1] == '{a}':\n        {o} += {j}",
    ), ("return {j} for every word that is longer than {k} characters or starts with '{a}', added up",), _affine),
    Primitive("total", "words", "number", (
        "{o} = {j}\nfor w in {v}:\n    {o} += len(w)", "{o} = {j} + sum(len(w) for w in {v})",
    ), ("return {j} plus the length of all words together",), _affine),
)  # fmt: skip

_NUMBER = (
    Primitive("digits", "number", "numbers", (
        "{o} = []\nrest = abs({v})\nwhile rest > 0:\n    {o}.append(rest % {m})\n    rest //= {m}",
    ), ("list the digits of the number in base {m}, the last one first (of 0, none; a sign is left out)",), _numbers(m=(2, 10))),
    Primitive("up_to", "number", "numbers", (
        "{o} = list(range({k}, {v} + 1))", "{o} = []\ni = {k}\nwhile i <= {v}:\n    {o}.append(i)\n    i += 1",
    ), ("list the whole numbers from {k} up to and including the number",), _numbers(k=(0, 4))),
    Primitive("divisors", "number", "numbers", (
        "{o} = []\nfor d in range(1, {v} + 1):\n    if {v} % d == 0:\n        {o}.append(d)",
        "{o} = [d for d in range(1, {v} + 1) if {v} % d == 0]",
    ), ("list the positive divisors of the number in rising order (none, if it is not positive)",)),
    Primitive("multiples", "number", "numbers", (
        "{o} = [i * {m} for i in range({k}, {v} + 1)]",
    ), ("list {m} times every whole number from {k} up to and including the number",), _numbers(m=(2, 9), k=(0, 3))),
    Primitive("halving", "number", "numbers", (
        "{o} = []\nx = {v}\nwhile x > {k}:\n    {o}.append(x)\n    x //= {m}",
    ), ("list the number and what is left of it when it is divided by {m}, rounding down, again and again, as long as that is "
        "more than {k}",), _numbers(m=(2, 4), k=(0, 4))),
    Primitive("line", "number", "number", (
        "{o} = {v} * {m} + {k}", "{o} = {k}\n{o} += {v} * {m}",
    ), ("multiply the number by {m} and add {k}",), _numbers(m=(2, 9), k=(1, 20))),
    Primitive("rest", "number", "number", ("{o} = ({v} + {k}) % {m}",), ("add {k} to the number and take the result modulo {m}",),
        _numbers(k=(1, 9), m=(5, 20))),
    Primitive("branch", "number", "number", (
        "if {v} % {m} == {j}:\n    {o} = {v} + {k}\nelif {v} > {h}:\n    {o} = {v} - {k}\nelse:\n    {o} = {v} * {k}",
    ), ("add {k} to the number if it is {j} modulo {m}, otherwise subtract {k} if it is greater than {h}, and otherwise "
        "multiply it by {k}",), _branches),
    Primitive("digit_sum", "number", "number", (
        "{o} = {k}\nrest = abs({v})\nwhile rest > 0:\n    {o} += rest % 10\n    rest //= 10",
    ), ("return {plus}the sum of the decimal digits of the number, a sign left out",), _offset(0, 9)),
)  # fmt: skip

PRIMITIVES: dict[Kind, tuple[Primitive, ...]] = {"numbers": _NUMBERS, "text": _TEXT, "words": _WORDS, "number": _NUMBER}


# Running what was drawn -------------------------------------------------------------------------------------------------

_STEPS = 2_000


class _Endless(Exception):  # noqa: N818
    """A while loop went round too often."""


def _function(source: str, name: str) -> Callable[[Value], Value]:
    """The function of a source text from this grammar. Its while loops raise `_Endless` when they go on and on."""
    left = _STEPS

    def tick() -> bool:
        nonlocal left
        left -= 1
        if left < 0:
            raise _Endless
        return True

    space: dict[str, Callable[[Value], Value]] = {"_tick": tick}  # type: ignore[dict-item]
    exec(source.replace("while ", "while _tick() and "), space)
    function = space[name]

    def call(value: Value) -> Value:
        nonlocal left
        left = _STEPS
        return function(value)

    return call


@functools.lru_cache(maxsize=50_000)
def _alone(code: str) -> Callable[[Value], Value]:
    """A part as a function of its own."""
    lines = code.format(v="v", o="o").replace("\n", "\n    ")
    return _function(f"def part(v):\n    {lines}\n    return o\n", "part")


_BANK = tuple(
    "apple level river noon cloud radar stone window kayak bread music civic garden otter letter tiger refer ocean silver planet "
    "deed banana coffee market stats puddle sonnet madam tunnel bottle".split()
)


def _input(rng: Random, kind: Kind, constants: Sequence[int], letters: str) -> Value:
    """A random input; where the code has constants and letters, close to them."""
    if kind == "number":
        return rng.choice([rng.randint(0, 12), rng.randint(0, 70), max(0, rng.choice(constants or [0]) + rng.randint(-1, 1))])
    if kind == "numbers":
        near = [c + d for c in constants for d in (-1, 0, 1)] or [0]
        low, high = rng.choice([(-9, 20), (0, 6), (-20, 60)])
        return [rng.choice(near) if rng.random() < 0.4 else rng.randint(low, high) for _ in range(rng.randint(1, 9))]
    made = [_word(rng, letters) for _ in range(rng.randint(1, 6))]
    if kind == "words":
        return made
    return " ".join(w.capitalize() if rng.random() < 0.2 else w for w in made[:4])


def _word(rng: Random, letters: str) -> str:
    if rng.random() < 0.6:
        return rng.choice(_BANK)
    pool = (letters or "aeiou") + rng.choice(["aeiou", "rst", "0123456789", "lmn"])
    return "".join(rng.choice(pool) for _ in range(rng.randint(1, 9)))


_EDGES: dict[Kind, tuple[Value, ...]] = {
    "numbers": ([], [0], [4, 4]), "text": ("", "a", "Noon"), "words": ([], ["level"]), "number": (0, 1),
}  # fmt: skip


@functools.cache
def _probes(kind: Kind) -> tuple[Value, ...]:
    """The inputs by which functions are told apart, the same for all."""
    rng = Random(key_of(0, "code probes", kind))
    return (*_EDGES[kind], *(_input(rng, kind, (3, 7), "abcdefghilmnoprstuw") for _ in range(28)))


def behaviour(parts: Sequence[Part]) -> tuple[str, ...] | None:
    """What a chain of parts makes of every probe, written out; None where that gets out of hand."""
    found = []
    for value in _probes(parts[0].primitive.takes):
        for part in parts:
            value = _alone(part.code)(value)
            if not _handy(value):
                return None
        found.append(repr(value))
    return tuple(found)


def _handy(value: Value) -> bool:
    if isinstance(value, int):
        return abs(value) < 1_000_000
    return len(value) <= 130 and (isinstance(value, str) or all(isinstance(v, str) or abs(v) < 1_000_000 for v in value))


def split_of(outputs: Sequence[str]) -> TaskSplit:
    """Which split a function of this behaviour belongs to, for every seed."""
    return "test" if key_of(0, "code split", *outputs) % 4 == 0 else "train"


# Drawing a function -----------------------------------------------------------------------------------------------------

_STARTS: tuple[Kind, ...] = ("numbers", "numbers", "numbers", "text", "text", "words", "number")


def _drawn(rng: Random, length: int) -> tuple[Part, ...]:
    """A chain of parts. Lists are made of a number only at the start, where it is known to be small, and seldom does a chain
    come down to a number before its end."""
    kind = rng.choice(_STARTS)
    parts: list[Part] = []
    for i in range(length):
        fits = [p for p in PRIMITIVES[kind] if not parts or kind != "number" or p.gives == "number"]
        if i < length - 1 and rng.random() < 0.8:
            fits = [p for p in fits if p.gives != "number"] or fits
        fits = [p for p in fits if all(p.tag != other.primitive.tag for other in parts)]
        primitive = rng.choice(fits)
        slots = _Slots(primitive.draws(rng))
        parts.append(Part(primitive, rng.choice(primitive.codes).format_map(slots), rng.choice(primitive.says).format_map(slots)))
        kind = primitive.gives
    return tuple(parts)


class _Slots(dict[str, str | int]):
    """Leaves the variables, {v} and {o}, to be filled later."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def _telling(parts: Sequence[Part], outputs: Sequence[str]) -> bool:
    """Whether the chain does something, and every part of it matters."""
    if len(set(outputs)) < 8:
        return False
    for i, part in enumerate(parts):
        rest = [*parts[:i], *parts[i + 1 :]]
        if part.primitive.takes == part.primitive.gives and rest and behaviour(rest) == tuple(outputs):
            return False
    return True


def _body(parts: Sequence[Part]) -> str:
    """The code of a chain, one line after another."""
    lines: list[str] = []
    names = {kind: iter(_OUTPUTS[kind]) for kind in _TYPES}
    value = _INPUTS[parts[0].primitive.takes]
    for part in parts:
        name = next(names[part.primitive.gives])
        lines += part.code.format(v=value, o=name).split("\n")
        value = name
    last = parts[-1].code.split("\n")
    if len(last) == 1:
        lines[-1] = "return " + lines[-1].removeprefix(f"{value} = ")
    else:
        lines.append(f"return {value}")
    return "".join(f"    {line}\n" for line in lines)


_OPENERS = ("", "", "For the given {noun}: ", "Do this with the given {noun}: ")
_NOUNS: dict[Kind, str] = {"numbers": "list of whole numbers", "text": "text", "words": "list of words", "number": "number n"}


def _said(rng: Random, parts: Sequence[Part]) -> str:
    """What a chain does, as a task."""
    clauses = [part.says for part in parts]
    for i, part in enumerate(parts):
        if part.primitive.takes == "number":
            clauses[i] = clauses[i].replace("the number", "the result" if i else "n")
    clauses[:-1] = [c.replace("return ", "find ", 1) if c.startswith("return ") else c for c in clauses[:-1]]
    if "return " not in clauses[-1]:
        clauses[-1] += ". Return the result"
    opener = rng.choice(_OPENERS).format(noun=_NOUNS[parts[0].primitive.takes])
    if rng.random() < 0.5:
        text = opener + ", then ".join([clauses[0], *clauses[1:]])
    else:
        text = opener + ". Then ".join([clauses[0], *clauses[1:]])
    return text[0].upper() + text[1:] + "."


def _named(parts: Sequence[Part]) -> str:
    """A name for the function, which is never that of a builtin."""
    first, *rest = (part.primitive.tag for part in parts)
    noun = "number" if parts[0].primitive.takes == "number" else parts[0].primitive.takes
    return "_".join([first, noun, *rest])


# Wrong versions ---------------------------------------------------------------------------------------------------------

_WRONG: dict[str, tuple[str, ...]] = {
    " > ": (" < ", " >= "), " < ": (" > ", " <= "), " >= ": (" < ", " > "), " <= ": (" > ", " < "),
    " == ": (" != ",), " != ": (" == ",), " + ": (" - ",), " - ": (" + ",), " * ": (" + ",), " // ": (" * ",), " % ": (" // ",),
    " += ": (" -= ", " = "), " -= ": (" += ",), " *= ": (" += ",), " //= ": (" -= ",), " and ": (" or ",), " or ": (" and ",),
    " not in ": (" in ",), "max(": ("min(",), "min(": ("max(",), "sorted(": ("list(",), "upper(": ("lower(",),
    "abs(": ("(",), "isalpha(": ("isalnum(",), "lower(": ("upper(",), "if not (": ("if (",), "[::-1]": ("[::1]",),
    ".split()": (".split('e')",), "break": ("continue",), "continue": ("break",),
    "elif ": ("if ",), "reverse=True": ("reverse=False",),
}  # fmt: skip
_SITE = re.compile("|".join(map(re.escape, sorted(_WRONG, key=len, reverse=True))) + r"|(?<![\w'])\d+(?![\w'])")


def wrong_versions(body: str) -> list[str]:
    """Every body that differs from this one in one place: a comparison, an operator, a bound, a starting value."""
    found = []
    for site in _SITE.finditer(body):
        token = site.group()
        others = _WRONG.get(token) or tuple(str(n) for n in (int(token) + 1, int(token) - 1) if n >= 0)
        found += [body[: site.start()] + other + body[site.end() :] for other in others]
    return found


_MUTANTS = 5
_ASSERTS = 12


def _outputs(source: str, name: str, inputs: Sequence[Value]) -> list[str | None] | None:
    """What a function makes of each input, written out (None: it raises); None where it can not be told or does not end."""
    try:
        function = _function(source, name)
        found: list[str | None] = []
        for value in inputs:
            try:
                found.append(repr(function(value)))
            except (ArithmeticError, LookupError, TypeError, ValueError, UnboundLocalError, AttributeError):
                found.append(None)
    except (_Endless, MemoryError, SyntaxError):
        return None
    return found


def _written(rng: Random, parts: Sequence[Part]) -> CodeProblem | None:
    """The problem of a chain; None where fewer than two of its wrong versions can be caught."""
    name, body, takes = _named(parts), _body(parts), parts[0].primitive.takes
    head = f"def {name}({_INPUTS[takes]}: {_TYPES[takes]}) -> {_TYPES[parts[-1].primitive.gives]}:\n"
    # What is asked depends on the function alone, whoever draws it.
    draws = Random(key_of(0, "code inputs", body))
    constants = [int(n) for n in re.findall(r"(?<![\w.])-?\d+", body)]
    letters = "".join(re.findall(r"'(\w)'", body))
    inputs = _distinct([*_EDGES[takes], *(_input(draws, takes, constants, letters) for _ in range(30))])
    right = _outputs(head + body, name, inputs)
    if right is None or None in right or len(inputs) < 10:
        return None
    versions = wrong_versions(body)
    draws.shuffle(versions)
    asked, mutants = [0, 1], []
    for version in versions[: 3 * _MUTANTS]:
        found = _outputs(head + version, name, inputs)
        if found is None or found.count(None) > len(found) // 2 or version in mutants:
            continue
        caught = [i for i, output in enumerate(found) if output != right[i]]
        if not caught or (len(asked) == _ASSERTS and not set(caught) & set(asked)):
            continue
        if not set(caught) & set(asked):
            asked.append(caught[0])
        mutants.append(version)
        if len(mutants) == _MUTANTS:
            break
    if len(mutants) < 2:
        return None
    # The rest of the eight: rather inputs with outputs of their own.
    for i in sorted(range(2, len(inputs)), key=lambda i: (right.index(right[i]) != i, i)):
        if len(asked) < 8 and i not in asked:
            asked.append(i)
    shown = _shown(inputs, [output or "" for output in right], asked)
    if len(shown) < 2:
        return None
    prompt = head + _docstring(_said(rng, parts), [f">>> {name}({inputs[i]!r})\n{right[i]}" for i in shown])
    asserts = "".join(f"    assert candidate({inputs[i]!r}) == {right[i]}\n" for i in asked)
    return CodeProblem(
        id=digest("code", prompt), prompt=prompt, entry_point=name, canonical_solution=body,
        test=f"def check(candidate):\n{asserts}", mutants=tuple(mutants), difficulty=len(parts),
    )  # fmt: skip


def _distinct(values: Sequence[Value]) -> list[Value]:
    return list({repr(value): value for value in values}.values())


def _shown(inputs: Sequence[Value], outputs: Sequence[str], asked: Sequence[int]) -> list[int]:
    """Two inputs to show: short, with different outputs that say something; rather not those that are tested."""
    fits = [i for i in range(2, len(inputs)) if len(repr(inputs[i])) <= 50 and 0 < len(outputs[i]) <= 60]
    fits = [i for i in fits if outputs[i] not in ("[]", "''")]
    fits.sort(key=lambda i: i in asked)
    return fits[:1] + [i for i in fits if outputs[i] != outputs[fits[0]]][:1]


def _docstring(task: str, examples: Sequence[str]) -> str:
    lines = textwrap.wrap(task, 90)
    for example in examples:
        lines += example.split("\n")
    return '    """' + "".join(f"{line}\n    " for line in lines) + '"""\n'


_PATIENCE = 20_000


def problems(seed: int, split: TaskSplit, count: int, difficulty: Sequence[int] = DIFFICULTIES) -> Iterator[CodeProblem]:
    """`count` functions, no two of which do the same; the first of them are the smaller set. difficulty: how many primitives.

    Raises KitError where nothing new is to be found any more.

    >>> next(problems(0, "train", 1, (1,))).difficulty
    1
    """
    seen: set[str] = set()
    row = missed = 0
    while len(seen) < count:
        if missed == _PATIENCE:
            raise KitError(f"there are hardly more than {len(seen)} {split} functions of {list(difficulty)} parts: ask for fewer")
        # Not a numpy stream: a scalar draw from one takes ten times as long.
        rng = Random(key_of(seed, "code problem", row))
        row += 1
        missed += 1
        parts = _drawn(rng, rng.choice(difficulty))
        outputs = behaviour(parts)
        if outputs is None or split_of(outputs) != split or (known := digest(*outputs)) in seen or not _telling(parts, outputs):
            continue
        problem = _written(rng, parts)
        if problem is not None:
            seen.add(known)
            missed = 0
            yield replace(problem, split=split)
