"""The grammar's rows: what a part of a function can do, with ways to write it and ways to ask for it."""

from __future__ import annotations

from typing import NamedTuple

from generators.tasks.code.kinds import Kind
from generators.tasks.code.slots import Draw, branches, changes, condition, letter, letters, numbers, offset


class Primitive(NamedTuple):
    """One part of a function. tag: for the function's name. codes: ways to write it, with {v} for what goes in and {o} for what
    comes out. says: ways to ask for it, as a command. draw: the values of its other slots."""

    tag: str
    takes: Kind
    gives: Kind
    codes: tuple[str, ...]
    says: tuple[str, ...]
    draw: Draw = lambda rng: {}


def _loop(body: str) -> str:
    """A loop over the numbers x that builds up a list."""
    return "{o} = []\nfor x in {v}:\n    " + body.replace("\n", "\n    ")


_NUMBERS = (
    Primitive("keep", "numbers", "numbers", (
        _loop("if {test}:\n    {o}.append(x)"), "{o} = [x for x in {v} if {test}]",
    ), ("keep only the numbers x where x {is}", "keep only the numbers that {are}", "take the numbers that {are}"), condition),
    Primitive("drop", "numbers", "numbers", (
        _loop("if {test}:\n    continue\n{o}.append(x)"), "{o} = [x for x in {v} if not ({test})]",
    ), ("leave out every number that {is}", "remove all numbers that {are}"), condition),
    Primitive("map", "numbers", "numbers", (
        _loop("{o}.append({a})"), "{o} = [{a} for x in {v}]",
    ), ("replace each number by {a_says}", "turn each number into {a_says}"), changes),
    Primitive("choose", "numbers", "numbers", (
        _loop("if {test}:\n    {o}.append({a})\nelse:\n    {o}.append({b})"), "{o} = [{a} if {test} else {b} for x in {v}]",
    ), ("replace each number that {is} by {a_says}, and each other number by {b_says}",), changes),
    Primitive("where", "numbers", "numbers", (
        _loop("if {test}:\n    {o}.append({a})\nelse:\n    {o}.append(x)"),
    ), ("replace each number that {is} by {a_says}, leaving the others as they are",), changes),
    Primitive("cases", "numbers", "numbers", (
        _loop("if {test}:\n    {o}.append({a})\nelif {test2}:\n    {o}.append({b})\nelse:\n    {o}.append(x)"),
    ), ("replace each number that {is} by {a_says}, of the rest each that {is2} by {b_says}, and leave the others as they are",),
        changes),
    Primitive("running", "numbers", "numbers", (
        "{o} = []\nsum_so_far = {k}\nfor x in {v}:\n    sum_so_far += x\n    {o}.append(sum_so_far)",
    ), ("replace each number by {plus}the sum of all numbers up to and including it",), offset(0, 9)),
    Primitive("steps", "numbers", "numbers", (
        "{o} = []\nfor i in range({k}, len({v})):\n    {o}.append({v}[i] - {v}[i - {k}])",
        "{o} = []\ni = {k}\nwhile i < len({v}):\n    {o}.append({v}[i] - {v}[i - {k}])\n    i += 1",
    ), ("list how much each number, from index {k} on, exceeds the one {k} {places} before it",), offset(1, 3)),
    Primitive("neighbors", "numbers", "numbers", (
        "{o} = []\nfor i in range(len({v}) - 1):\n    {o}.append({v}[i] * {k} + {v}[i + 1])",
    ), ("list, for every two neighbors, {times}the first plus the second",), offset(1, 6)),
    Primitive("weigh", "numbers", "numbers", (
        "{o} = []\nfor i, x in enumerate({v}):\n    {o}.append(x * (i + {k}))",
    ), ("multiply each number by its index plus {k}, the first index being 0",), numbers(k=(1, 9))),
    Primitive("shift", "numbers", "numbers", (
        "{o} = []\nfor i, x in enumerate({v}):\n    {o}.append(x + i * {k})", "{o} = [x + i * {k} for i, x in enumerate({v})]",
    ), ("add {times}its index to each number, the first index being 0",), offset(1, 9)),
    Primitive("every", "numbers", "numbers", (
        "{o} = []\nfor i in range({j}, len({v}), {k}):\n    {o}.append({v}[i])", "{o} = {v}[{j}::{k}]",
        "{o} = []\ni = {j}\nwhile i < len({v}):\n    {o}.append({v}[i])\n    i += {k}",
    ), ("take the number at index {j} and every {k} places after it",), numbers(j=(0, 2), k=(2, 4))),
    Primitive("first", "numbers", "numbers", ("{o} = {v}[:{k}]",), ("take the first {k} numbers",), numbers(k=(2, 6))),
    Primitive("skip", "numbers", "numbers", ("{o} = {v}[{k}:]",), ("leave out the first {k} numbers",), numbers(k=(2, 4))),
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
    ), ("take the numbers before the first one that {is} (all, if there is none)",), condition),
    Primitive("sum", "numbers", "number", (
        "{o} = {k}\nfor x in {v}:\n    {o} += x", "{o} = {k}\ni = 0\nwhile i < len({v}):\n    {o} += {v}[i]\n    i += 1",
    ), ("return {plus}the sum of the numbers",), offset(0, 9)),
    Primitive("product", "numbers", "number", (
        "{o} = {k}\nfor x in {v}:\n    {o} *= x",
    ), ("return {times}the product of the numbers (the product of none is 1)",), offset(1, 5)),
    Primitive("count", "numbers", "number", (
        "{o} = 0\nfor x in {v}:\n    if {test}:\n        {o} += 1", "{o} = sum(1 for x in {v} if {test})",
    ), ("return how many of the numbers {are}", "count the numbers that {are}"), condition),
    Primitive("sum_where", "numbers", "number", (
        "{o} = 0\nfor x in {v}:\n    if {test}:\n        {o} += {a}", "{o} = sum({a} for x in {v} if {test})",
    ), ("add up, for each number that {is}, {a_says} (0 if there is none)",), changes),
    Primitive("balance", "numbers", "number", (
        "{o} = 0\nfor x in {v}:\n    if {test}:\n        {o} += x\n    else:\n        {o} -= x",
    ), ("return the sum of the numbers that {are} minus the sum of all others",), condition),
    Primitive("largest", "numbers", "number", (
        "{o} = {k}\nfor x in {v}:\n    if x > {o}:\n        {o} = x", "{o} = max({v} + [{k}])",
    ), ("return the largest of the numbers, or {k} if none is larger than that",), numbers(k=(0, 9))),
    Primitive("smallest", "numbers", "number", (
        "{o} = {k}\nfor x in {v}:\n    if x < {o}:\n        {o} = x", "{o} = min({v} + [{k}])",
    ), ("return the smallest of the numbers, or {k} if none is smaller than that",), numbers(k=(0, 9))),
    Primitive("where_is", "numbers", "number", (
        "{o} = -1\nfor i, x in enumerate({v}):\n    if {test}:\n        {o} = i\n        break",
    ), ("return the index of the first number that {is}, or -1 if there is none",), condition),
    Primitive("last_place", "numbers", "number", (
        "{o} = -1\nfor i, x in enumerate({v}):\n    if {test}:\n        {o} = i",
    ), ("return the index of the last number that {is}, or -1 if there is none",), condition),
    Primitive("rises", "numbers", "number", (
        "{o} = 0\nfor i in range(1, len({v})):\n    if {v}[i] > {v}[i - 1] + {k}:\n        {o} += 1",
    ), ("count how often a number is more than {k} greater than the one before it",), numbers(k=(1, 5))),
    Primitive("run", "numbers", "number", (
        "{o} = 0\nlength = 0\nfor x in {v}:\n    if {test}:\n        length += 1\n        {o} = max({o}, length)\n"
        "    else:\n        length = 0",
    ), ("return the length of the longest unbroken run of numbers that {are}",), condition),
    Primitive("fold", "numbers", "number", (
        "{o} = {j}\nfor x in {v}:\n    {o} = ({o} * {k} + x) % {m}",
    ), ("fold the numbers into one: start from {j}, and for each of them multiply by {k}, add it and reduce modulo {m}",),
        numbers(j=(0, 3), k=(2, 9), m=(11, 99))),
)  # fmt: skip

_TEXT = (
    Primitive("backwards", "text", "text", (
        "{o} = {v}[::-1]", "{o} = ''\nfor c in {v}:\n    {o} = c + {o}",
    ), ("reverse the text",)),
    Primitive("no_vowels", "text", "text", (
        "{o} = ''\nfor c in {v}:\n    if c.lower() not in 'aeiou':\n        {o} += c",
        "{o} = ''.join(c for c in {v} if c.lower() not in 'aeiou')",
    ), ("remove all vowels (a, e, i, o, u, of either case)",)),
    Primitive("swap", "text", "text", ("{o} = {v}.replace('{a}', '{b}')",), ("replace every '{a}' by '{b}'",), letters),
    Primitive("without", "text", "text", (
        "{o} = ''\nfor c in {v}:\n    if c != '{a}':\n        {o} += c", "{o} = ''.join(c for c in {v} if c != '{a}')",
    ), ("remove every '{a}'",), letters),
    Primitive("repeat", "text", "text", (
        "{o} = ''\nfor c in {v}:\n    if c == '{a}':\n        {o} += c * {k}\n    else:\n        {o} += c",
    ), ("write every '{a}' {k} times in place of once",), letter),
    Primitive("every", "text", "text", (
        "{o} = ''\nfor i in range({j}, len({v}), {k}):\n    {o} += {v}[i]", "{o} = {v}[{j}::{k}]",
    ), ("take the character at index {j} and every {k} places after it",), numbers(j=(0, 2), k=(2, 4))),
    Primitive("upper_every", "text", "text", (
        "{o} = ''\nfor i, c in enumerate({v}):\n    if i % {k} == {j}:\n        {o} += c.upper()\n"
        "    else:\n        {o} += c.lower()",
    ), ("put in upper case every character whose index is {j} modulo {k}, and in lower case all others",),
        lambda rng: {"k": (k := rng.randint(2, 5)), "j": rng.randrange(k)}),
    Primitive("upper_letters", "text", "text", (
        "{o} = ''\nfor c in {v}:\n    if c == '{a}' or c == '{b}':\n        {o} += c.upper()\n    else:\n        {o} += c",
    ), ("put every '{a}' and every '{b}' in upper case",), letters),
    Primitive("turn", "text", "text", (
        "{o} = {v}[{k}:] + {v}[:{k}]",
    ), ("move the first {k} characters to the end",), numbers(k=(2, 5))),
    Primitive("start", "text", "text", ("{o} = {v}[:{k}]",), ("take the first {k} characters",), numbers(k=(4, 12))),
    Primitive("tail", "text", "text", ("{o} = {v}[{k}:]",), ("leave out the first {k} characters",), numbers(k=(2, 6))),
    Primitive("letters", "text", "text", (
        "{o} = ''.join(c for c in {v} if c.isalpha())", "{o} = ''\nfor c in {v}:\n    if c.isalpha():\n        {o} += c",
    ), ("keep only the letters",)),
    Primitive("squeeze", "text", "text", (
        "{o} = ''\nfor c in {v}:\n    if {o}[-1:] != c:\n        {o} += c",
    ), ("write every run of the same character just once",)),
    Primitive("split", "text", "words", ("{o} = {v}.split()",), ("split the text into words at the spaces",)),
    Primitive("cut", "text", "words", (
        "{o} = []\nfor i in range(0, len({v}), {k}):\n    {o}.append({v}[i:i + {k}])",
    ), ("cut the text into pieces of {k} characters (the last may be shorter)",), numbers(k=(2, 6))),
    Primitive("places", "text", "numbers", (
        "{o} = []\nfor i, c in enumerate({v}):\n    if c == '{a}':\n        {o}.append(i + {j})",
    ), ("list the positions of '{a}', counting from {j}",), letter),
    Primitive("vowels", "text", "number", (
        "{o} = {k}\nfor c in {v}:\n    if c.lower() in 'aeiou':\n        {o} += 1",
    ), ("return {plus}the number of vowels (a, e, i, o, u, of either case)",), offset(0, 5)),
    Primitive("count_letter", "text", "number", (
        "{o} = 0\nfor c in {v}:\n    if c == '{a}':\n        {o} += {j}\n    elif c == '{b}':\n        {o} -= 1",
    ), ("score {j} for every '{a}' and -1 for every '{b}', and return the sum",),
        lambda rng: {**letters(rng), "j": rng.randint(1, 6)}),
    Primitive("weight", "text", "number", (
        "{o} = 0\nfor i, c in enumerate({v}):\n    if c == '{a}':\n        {o} += i * {k} + {j}",
    ), ("add up, for every '{a}', {k} times its index plus {j}, the first index being 0",), letter),
    Primitive("different", "text", "number", ("{o} = len(set({v}))",), ("return how many different characters there are",)),
    Primitive("size", "text", "number", ("{o} = len({v}) * {k} + {j}",), ("return {k} times the length plus {j}",), letter),
    Primitive("digits", "text", "number", (
        "{o} = {k}\nfor c in {v}:\n    if c.isdigit():\n        {o} += int(c)",
    ), ("return {plus}the sum of the digits in the text",), offset(0, 9)),
)  # fmt: skip

_WORDS = (
    Primitive("long", "words", "words", (
        "{o} = []\nfor w in {v}:\n    if len(w) > {k}:\n        {o}.append(w)", "{o} = [w for w in {v} if len(w) > {k}]",
    ), ("keep only the words longer than {k} characters",), letter),
    Primitive("short", "words", "words", (
        "{o} = [w for w in {v} if len(w) <= {k}]",
    ), ("keep only the words of at most {k} characters",),
        letter),
    Primitive("with", "words", "words", (
        "{o} = []\nfor w in {v}:\n    if '{a}' in w:\n        {o}.append(w)", "{o} = [w for w in {v} if '{a}' in w]",
    ), ("keep only the words that contain '{a}'",), letter),
    Primitive("no", "words", "words", (
        "{o} = [w for w in {v} if '{a}' not in w]",
    ), ("leave out the words that contain '{a}'",), letter),
    Primitive("often", "words", "words", (
        "{o} = []\nfor w in {v}:\n    if w.count('{a}') + w.count('{b}') >= {k}:\n        {o}.append(w)",
    ), ("keep only the words in which '{a}' and '{b}' together occur at least {k} times",),
        lambda rng: {**letters(rng), "k": rng.randint(2, 3)}),
    Primitive("flip", "words", "words", ("{o} = [w[::-1] for w in {v}]",), ("reverse each word",)),
    Primitive("flip_long", "words", "words", (
        "{o} = []\nfor w in {v}:\n    if len(w) >= {k}:\n        {o}.append(w[::-1])\n    else:\n        {o}.append(w)",
    ), ("reverse each word of at least {k} characters",), letter),
    Primitive("clip", "words", "words", (
        "{o} = [w[:{k}] for w in {v}]",
    ), ("cut each word after its first {k} characters",), letter),
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
    ), ("take the word at index {j} and every {k} places after it",), numbers(j=(0, 2), k=(2, 3))),
    Primitive("lengths", "words", "numbers", (
        "{o} = [len(w) for w in {v}]", "{o} = []\nfor w in {v}:\n    {o}.append(len(w))",
    ), ("take the length of each word",)),
    Primitive("score", "words", "numbers", (
        "{o} = []\nfor w in {v}:\n    {o}.append(len(w) + {k} * w.count('{a}'))",
    ), ("turn each word into its length plus {k} for every '{a}' in it",), letter),
    Primitive("join", "words", "text", ("{o} = '{dash}'.join({v})",), ("join the words with '{dash}' between them",),
        lambda rng: {"dash": rng.choice("-_./:|")}),
    Primitive("initials", "words", "text", (
        "{o} = ''\nfor w in {v}:\n    {o} += w[:{j}]",
    ), ("string together the {first} of each word",), letter),
    Primitive("longest", "words", "text", (
        "{o} = ''\nfor w in {v}:\n    if len(w) > len({o}):\n        {o} = w",
    ), ("return the longest word, the first of them in a tie ('' if there is none)",)),
    Primitive("how_many", "words", "number", (
        "{o} = 0\nfor w in {v}:\n    if len(w) > {k} or w[:1] == '{a}':\n        {o} += {j}",
    ), ("return {j} for every word that is longer than {k} characters or starts with '{a}', added up",), letter),
    Primitive("total", "words", "number", (
        "{o} = {j}\nfor w in {v}:\n    {o} += len(w)", "{o} = {j} + sum(len(w) for w in {v})",
    ), ("return {j} plus the length of all words together",), letter),
)  # fmt: skip

_NUMBER = (
    Primitive("digits", "number", "numbers", (
        "{o} = []\nrest = abs({v})\nwhile rest > 0:\n    {o}.append(rest % {m})\n    rest //= {m}",
    ), ("list the digits of the number in base {m}, the last one first (of 0, none; a sign is left out)",), numbers(m=(2, 10))),
    Primitive("up_to", "number", "numbers", (
        "{o} = list(range({k}, {v} + 1))", "{o} = []\ni = {k}\nwhile i <= {v}:\n    {o}.append(i)\n    i += 1",
    ), ("list the whole numbers from {k} up to and including the number",), numbers(k=(0, 4))),
    Primitive("divisors", "number", "numbers", (
        "{o} = []\nfor d in range(1, {v} + 1):\n    if {v} % d == 0:\n        {o}.append(d)",
        "{o} = [d for d in range(1, {v} + 1) if {v} % d == 0]",
    ), ("list the positive divisors of the number in rising order (none, if it is not positive)",)),
    Primitive("multiples", "number", "numbers", (
        "{o} = [i * {m} for i in range({k}, {v} + 1)]",
    ), ("list {m} times every whole number from {k} up to and including the number",), numbers(m=(2, 9), k=(0, 3))),
    Primitive("halving", "number", "numbers", (
        "{o} = []\nx = {v}\nwhile x > {k}:\n    {o}.append(x)\n    x //= {m}",
    ), ("list the number and what is left of it when it is divided by {m}, rounding down, again and again, as long as that is "
        "more than {k}",), numbers(m=(2, 4), k=(0, 4))),
    Primitive("line", "number", "number", (
        "{o} = {v} * {m} + {k}", "{o} = {k}\n{o} += {v} * {m}",
    ), ("multiply the number by {m} and add {k}",), numbers(m=(2, 9), k=(1, 20))),
    Primitive("rest", "number", "number", ("{o} = ({v} + {k}) % {m}",), ("add {k} to the number and take the result modulo {m}",),
        numbers(k=(1, 9), m=(5, 20))),
    Primitive("branch", "number", "number", (
        "if {v} % {m} == {j}:\n    {o} = {v} + {k}\nelif {v} > {h}:\n    {o} = {v} - {k}\nelse:\n    {o} = {v} * {k}",
    ), ("add {k} to the number if it is {j} modulo {m}, otherwise subtract {k} if it is greater than {h}, and otherwise "
        "multiply it by {k}",), branches),
    Primitive("digit_sum", "number", "number", (
        "{o} = {k}\nrest = abs({v})\nwhile rest > 0:\n    {o} += rest % 10\n    rest //= 10",
    ), ("return {plus}the sum of the decimal digits of the number, a sign left out",), offset(0, 9)),
)  # fmt: skip

PRIMITIVES: dict[Kind, tuple[Primitive, ...]] = {"numbers": _NUMBERS, "text": _TEXT, "words": _WORDS, "number": _NUMBER}
