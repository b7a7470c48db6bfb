"""Word problems whose answers are computed: a story is told while its graph of quantities is drawn, and the engine solves it.

A story has an opening, events and an ending. Each is a `Move`: phrasings with slots for the numbers, and the steps by which an
engine gets from the numbers to what is known after it. So a problem is a small graph of quantities; its numbers, its solution
and its answer are read off the graph, in the form of GSM8K (arXiv 2110.14168): one sentence a step, with the calculation in
calculator annotations, and `#### ` and the answer last.

`numbers` draws the numbers, `moves` says what a story is made of, `scenes` is the table of all there is to tell, and `stories`
is the engine.
"""

from generators.tasks.math.stories import DIFFICULTIES, problems

__all__ = ["DIFFICULTIES", "problems"]
