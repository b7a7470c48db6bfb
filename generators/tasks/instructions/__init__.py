"""Prompts with instructions that can be checked, in the form of IFEval (arXiv 2311.07911), and a response that follows them.

A prompt asks for a short text about a topic and gives one to three instructions under IFEval's own ids and arguments. The
response is put together from a bank of sentences so that it follows them all; bounds on its length and its letters are then
read off the finished text, so that they can not be missed. Instructions that can not be followed together are never drawn
together.

`sentences`, `wordings` and `conflicts` are the tables, `responses` writes what is asked for with the help of `shapes` and
`measures`, and `prompt` puts it all together.
"""

from generators.tasks.instructions.prompt import DIFFICULTIES, prompts

__all__ = ["DIFFICULTIES", "prompts"]
