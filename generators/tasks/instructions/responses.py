"""Responses that follow their instructions, put together from the bank of sentences."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from generators.tasks.instructions.measures import MEASURES
from generators.tasks.instructions.sentences import ABOUT, ENDS, PLACEHOLDERS, PLAIN, POSTSCRIPTS, TITLES, WITH_COMMAS, Topic
from generators.tasks.instructions.shapes import SHAPES
from generators.tasks.instructions.wordings import Kwargs


class Draft:
    """A response while it is put together. kwargs: by id, the arguments of its instructions, those that are not known yet left
    out."""

    def __init__(self, rng: Random, topic: Topic, ids: Sequence[str]) -> None:
        self.rng, self.topic = rng, topic
        self.kwargs: dict[str, Kwargs] = {id_: {} for id_ in ids}
        self.sentences = self._sentences()
        if self.has("detectable_content:postscript"):
            self.kwargs["detectable_content:postscript"] = {"postscript_marker": rng.choice(("P.S.", "P.P.S"))}

    def has(self, id_: str) -> bool:
        return id_ in self.kwargs

    def _sentences(self) -> list[str]:
        """Something about the topic first, then facts and remarks; what single sentences have to hold is put into them."""
        rng, topic = self.rng, self.topic
        facts = {word: topic.facts[word] for word in rng.sample(sorted(topic.facts), rng.randint(3, len(topic.facts) - 2))}
        if self.has("keywords:existence"):
            self.kwargs["keywords:existence"] = {"keywords": rng.sample(sorted(facts), rng.randint(1, 3))}
        if self.has("detectable_format:number_highlighted_sections"):
            marked = rng.sample(sorted(facts), rng.randint(1, 3))
            facts |= {word: facts[word].replace(word, f"*{word}*") for word in marked}
            self.kwargs["detectable_format:number_highlighted_sections"] = {"num_highlights": len(marked)}
        if self.has("change_case:capital_word_frequency") and rng.random() < 0.7:
            loud = rng.sample(sorted(facts), rng.randint(1, 3))
            facts |= {word: facts[word].replace(word, word.upper()) for word in loud}
            self.kwargs["change_case:capital_word_frequency"] = {"capital_relation": "at least", "capital_frequency": len(loud)}
        first, *about = (sentence.format(the=f"the {topic.noun}") for sentence in rng.sample(ABOUT, rng.randint(2, 4)))
        rest = [*facts.values(), *about, *rng.sample(PLAIN, rng.randint(1, 4))]
        if not self.has("punctuation:no_comma"):
            rest += rng.sample(WITH_COMMAS, rng.randint(0, 2))
        if self.has("detectable_content:number_placeholders"):
            number = rng.randint(1, 4)
            rest += rng.sample(PLACEHOLDERS, number)
            self.kwargs["detectable_content:number_placeholders"] = {"num_placeholders": number}
        rng.shuffle(rest)
        return [first, *rest]

    def written(self, request: str) -> str:
        """The whole response: shape, beginning and end, case; `request` is what has to be repeated, where that is asked for."""
        rng, noun = self.rng, self.topic.noun
        text = " ".join(self.sentences)
        for id_ in SHAPES.keys() & self.kwargs.keys():  # one at most
            text, self.kwargs[id_] = SHAPES[id_](rng, self.topic, self.sentences)
        if self.has("detectable_format:title"):
            name = noun.capitalize()
            title = rng.choice(TITLES).format(Noun=name, A=self.topic.a.replace(noun, name))
            text = f"<<{title}>>\n{text}"
        if self.has("detectable_content:postscript"):
            text += f"\n\n{self.kwargs['detectable_content:postscript']['postscript_marker']} {rng.choice(POSTSCRIPTS)}"
        if self.has("startend:end_checker"):
            phrase = rng.choice(ENDS)
            self.kwargs["startend:end_checker"] = {"end_phrase": phrase}
            text += ("\n\n" if self.has("detectable_format:number_bullet_lists") else " ") + phrase
        if self.has("startend:quotation"):
            text = f'"{text}"'
        if self.has("change_case:english_lowercase"):
            text = text.lower()
        if self.has("change_case:english_capital"):
            text = text.upper()
        if self.has("combination:repeat_prompt"):
            self.kwargs["combination:repeat_prompt"] = {"prompt_to_repeat": request}
            text = f"{request}\n\n{text}"
        for id_, measure in MEASURES.items():
            if self.kwargs.get(id_) == {}:
                self.kwargs[id_] = measure(rng, self.topic, text)
        return text
