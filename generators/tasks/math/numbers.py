"""The numbers of a move, drawn so that what is done with them comes to whole numbers of a sensible size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

Draw = Callable[[Random, int], "tuple[int, ...] | None"]
"""From the quantity that the move changes to the numbers of the move; None where no number would do."""


def no_numbers(rng: Random, x: int) -> tuple[int, ...]:
    """For a move that has none."""
    return ()


def between(*ranges: tuple[int, int], most: int | None = None) -> Draw:
    """Numbers from ranges, both ends included, whatever the quantity is, if it is not more than `most`."""
    return lambda rng, x: None if most is not None and x > most else tuple(rng.randint(low, high) for low, high in ranges)


def tens(low: int, high: int) -> Draw:
    """A multiple of ten."""
    return lambda rng, x: (10 * rng.randint(low // 10, high // 10),)


def _divisor_from(candidates: Sequence[int], least: int) -> Draw:
    """A divisor of the quantity that goes into it at least so many times."""

    def draw(rng: Random, x: int) -> tuple[int, ...] | None:
        fits = [n for n in candidates if x % n == 0 and x // n >= least]
        return (rng.choice(fits),) if fits else None

    return draw


# gain_each: two numbers whose product can be added. part: of which the quantity has a whole one, as in "one third".
gain_each = between((2, 8), (3, 12), most=899)
factor = between((2, 5), most=250)
price = between((2, 12), most=400)
part = _divisor_from((3, 4, 5), 3)
divisor = _divisor_from(range(3, 13), 2)


def gain(rng: Random, x: int) -> tuple[int, ...] | None:
    """What can be added to the quantity."""
    return (rng.randint(3, max(9, min(x, 60))),) if x < 900 else None


def loss(rng: Random, x: int) -> tuple[int, ...] | None:
    """What can be taken from the quantity."""
    return (rng.randint(2, x - 3),) if 6 <= x < 60 else (rng.randint(x // 10, x // 2),) if x >= 60 else None


def loss_each(rng: Random, x: int) -> tuple[int, ...] | None:
    """Two numbers whose product can be taken from the quantity."""
    if x < 8:
        return None
    a = rng.randint(2, min(9, x // 3))
    return (a, rng.randint(2, min(12, (x - 2) // a))) if (x - 2) // a >= 2 else None


def loss_twice(rng: Random, x: int) -> tuple[int, ...] | None:
    """What can be taken from the quantity, and how many times as much can be taken after that."""
    b = rng.randint(2, 3)
    most = min(40, (x - 2) // (b + 1))
    return (rng.randint(2, most), b) if most >= 2 else None


def half(rng: Random, x: int) -> tuple[int, ...] | None:
    """Two, where the quantity is even."""
    return (2,) if x % 2 == 0 and x >= 6 else None


def double(rng: Random, x: int) -> tuple[int, ...] | None:
    """Two, where the quantity is not too large."""
    return (2,) if x <= 250 else None


def percent(rng: Random, x: int) -> tuple[int, ...] | None:
    """A percentage of which the quantity has a whole number, and some left."""
    fits = [p for p in (10, 20, 25, 30, 40, 60, 75, 80) if x * p % 100 == 0 and 2 <= x * p // 100 <= x - 2]
    return (rng.choice(fits),) if fits else None


def divided_and_priced(rng: Random, x: int) -> tuple[int, ...] | None:
    """A divisor, and the price of each group."""
    by = divisor(rng, x)
    return (*by, rng.randint(2, 12)) if by else None


def above(rng: Random, x: int) -> tuple[int, ...] | None:
    """A number that the quantity does not reach."""
    return (x + rng.randint(2, max(12, x // 2)),)


def sold_and_spent(rng: Random, x: int) -> tuple[int, ...] | None:
    """The price of each, and an amount that leaves something of what they sell for."""
    if not 3 <= x <= 400:
        return None
    a = rng.randint(2, 9)
    return (a, rng.randint(2, min(a * x - 2, 60)))


def sale(rng: Random, x: int) -> tuple[int, ...] | None:
    """A price, and a discount in percent, that leave something of the quantity."""
    full, off = 20 * rng.randint(1, 10), 5 * rng.randint(1, 10)
    return (full, off) if full - full * off // 100 <= x - 2 else None
