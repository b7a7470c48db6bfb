"""What fills the slots of a primitive: conditions, expressions, small numbers and letters, each with its words."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Slots = dict[str, str | int]
Draw = Callable[[Random], Slots]


def condition(rng: Random) -> Slots:
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


def changes(rng: Random) -> Slots:
    """Two conditions, the second as {test2} and {is2}, and two expressions, {a} and {b}, in words {a_says} and {b_says}."""
    (a, a_says), (b, b_says) = _change(rng), _change(rng)
    second = condition(rng)
    return {**condition(rng), "a": a, "a_says": a_says, "b": b, "b_says": b_says, "test2": second["test"], "is2": second["is"]}


def branches(rng: Random) -> Slots:
    """A remainder and its modulus, a number and a bound."""
    m = rng.randint(2, 6)
    return {"m": m, "j": rng.randrange(m), "k": rng.randint(2, 9), "h": rng.randint(5, 40)}


def numbers(**ranges: tuple[int, int]) -> Draw:
    """Whole numbers, each from a range, both ends included."""
    return lambda rng: {name: rng.randint(low, high) for name, (low, high) in ranges.items()}


def offset(low: int, high: int) -> Draw:
    """A number to start from or to multiply by: {k}, and in words, which say nothing of 0 and of 1."""

    def draw(rng: Random) -> Slots:
        k = rng.randint(low, high)
        places = "place" if k == 1 else "places"
        return {"k": k, "plus": f"{k} plus " if k else "", "times": f"{k} times " if k > 1 else "", "places": places}

    return draw


def letters(rng: Random) -> Slots:
    """Two different letters."""
    a, b = rng.sample("abcdefghilmnoprstuw", 2)
    return {"a": a, "b": b}


def letter(rng: Random) -> Slots:
    """{a}, {k} and {j}: a letter and two small numbers; {first}: the first {j} characters, in words."""
    j = rng.randint(1, 4)
    first = "first character" if j == 1 else f"first {j} characters"
    return {"a": rng.choice("abcdeilmnorstu"), "k": rng.randint(2, 7), "j": j, "first": first}
