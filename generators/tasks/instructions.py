"""Prompts with instructions that can be checked, in the form of IFEval (arXiv 2311.07911), and a response that follows them.

A prompt asks for a short text about a topic and gives one to three instructions under IFEval's own ids and arguments. The
response is put together from a bank of sentences so that it follows them all; bounds on its length and its letters are then
read off the finished text, so that they can not be missed. Instructions that can not be followed together are never drawn
together.

The split is a hash of the topic and the ids: no topic is asked about with the same instructions in the training and in the
test data of any seeds.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import NamedTuple

from kit.core.errors import KitError
from kit.core.records import Instruction, InstructionPrompt, TaskSplit
from kit.core.seeds import digest, key_of

Kwargs = dict[str, str | int | list[str]]

DIFFICULTIES = range(1, 4)


class Topic(NamedTuple):
    """Something to write about. noun: the word that stands for it. facts: sentences that stand alone, by a word in each."""

    noun: str
    facts: dict[str, str]

    @property
    def a(self) -> str:
        return f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.noun}"


# What is written about --------------------------------------------------------------------------------------------------

# No sentence has a comma, an apostrophe or a word that other sentences are looked for by.
TOPICS = (
    Topic("lighthouse", {
        "tower": "The white tower rises above the rocks.", "lamp": "Its lamp turns slowly through the night.",
        "sailors": "Tired sailors are glad to see the light.", "stairs": "Narrow stairs wind all the way to the top.",
        "storm": "In a storm the waves reach the lowest windows.", "keeper": "A keeper once lived here all year round.",
    }),
    Topic("garden", {
        "roses": "The roses open in the first week of June.", "bees": "Small bees move from one flower to the next.",
        "bench": "There is an old bench under the apple tree.", "soil": "Good soil is dark and smells of rain.",
        "weeds": "The weeds come back faster than anyone would like.", "fence": "A low fence keeps the rabbits out.",
    }),
    Topic("bakery", {
        "bread": "Fresh bread leaves the oven before sunrise.", "flour": "Fine flour lies on every table in the back room.",
        "queue": "On Saturdays the queue reaches the next corner.", "butter": "The best rolls are made with plenty of butter.",
        "smell": "The warm smell fills the whole street.", "baker": "The baker gets up while the town is still asleep.",
    }),
    Topic("museum", {
        "paintings": "Large paintings hang in the main hall.", "guide": "A patient guide answers every question.",
        "tickets": "The tickets are free on the first Sunday of the month.",
        "children": "Many children like the room with the old coins.",
        "silence": "There is a pleasant silence in the upper rooms.",
        "skeleton": "The skeleton of a whale hangs from the ceiling.",
    }),
    Topic("library", {
        "shelves": "The tall shelves hold thousands of novels.", "card": "Anyone can get a card within five minutes.",
        "students": "A few students work at the long tables.", "maps": "Old maps are kept in a locked drawer.",
        "window": "The seat by the window is always taken first.", "quiet": "It is a quiet place to spend a wet afternoon.",
    }),
    Topic("bicycle", {
        "wheels": "The wheels need a little air every month.", "bell": "A small bell warns people on the path.",
        "chain": "The chain runs best with a drop of oil.", "hills": "Steep hills are hard work without low gears.",
        "basket": "The basket in front holds two bags of food.", "brakes": "Good brakes matter most on a wet road.",
    }),
    Topic("market", {
        "stalls": "The first stalls are set up before dawn.", "cheese": "One farmer sells cheese from his own goats.",
        "music": "There is always some music near the fountain.", "prices": "The prices fall shortly before noon.",
        "spices": "The spices come in every shade of red and brown.", "fish": "The fish is fresh every Friday.",
    }),
    Topic("volcano", {
        "ash": "Grey ash covers the upper slopes.", "crater": "The crater is almost a mile wide.",
        "lava": "The last lava flow stopped near the coast road.", "villages": "Three villages lie at the foot of the mountain.",
        "steam": "On cold mornings thin steam comes out of the ground.", "scientists": "Two scientists watch it day and night.",
    }),
    Topic("robot", {
        "arm": "Its long arm can lift a heavy box.", "battery": "The battery lasts for about nine hours.",
        "sensors": "Small sensors tell it where the walls are.", "factory": "It was built in a factory near the harbor.",
        "buttons": "Three buttons are enough to control it.", "wires": "Most of the wires are hidden behind a cover.",
    }),
    Topic("river", {
        "bridge": "A stone bridge crosses it in the old town.", "boats": "Flat boats carry sand to the next city.",
        "trout": "The trout hide in the shade of the trees.", "banks": "The banks are steep and full of reeds.",
        "flood": "After the last flood the lower path was closed.", "source": "Its source is a spring in the hills.",
    }),
    Topic("castle", {
        "walls": "The walls are three meters thick.", "gate": "The iron gate still opens with a loud creak.",
        "moat": "A dry moat runs around the whole place.", "king": "An unhappy king once lived here for a year.",
        "owls": "Two owls nest in the highest tower.", "cellar": "The cellar is cold even in summer.",
    }),
    Topic("telescope", {
        "lens": "The lens has to be cleaned with care.", "moon": "It shows every large hill on the moon.",
        "planets": "On clear nights several planets can be seen.", "roof": "It stands on the flat roof of the school.",
        "clouds": "Low clouds can spoil the whole evening.", "tripod": "A heavy tripod keeps it from shaking.",
    }),
    Topic("orchestra", {
        "violins": "The violins sit closest to the audience.", "drums": "The drums are heard only at the very end.",
        "conductor": "The conductor lifts one hand and waits.", "concert": "The next concert is planned for early May.",
        "flutes": "Two flutes play the first theme.", "practice": "They meet for practice every Thursday evening.",
    }),
    Topic("camel", {
        "desert": "It walks through the desert without haste.", "hump": "The hump stores fat for hard times.",
        "sand": "Broad feet keep it from sinking into the sand.", "thirst": "It can bear great thirst for many days.",
        "eyelashes": "Long eyelashes protect it from the dust.", "traders": "For centuries traders have relied on it.",
    }),
    Topic("school", {
        "teachers": "Most teachers arrive before eight.", "yard": "The yard has room for two football games.",
        "lessons": "The lessons end at three in the afternoon.", "chalk": "There is still a little chalk on every desk.",
        "lunch": "Hot lunch is served in the long hall.", "holidays": "Before the holidays nobody can sit still.",
    }),
    Topic("train", {
        "station": "It leaves the station at a quarter past seven.", "seats": "The blue seats are softer than they look.",
        "tunnel": "The longest tunnel takes almost ten minutes.", "conductor": "The conductor knows most people by name.",
        "valley": "The line follows the valley for hours.", "coffee": "Hot coffee is sold in the third carriage.",
    }),
    Topic("hospital", {
        "nurses": "The nurses work in three shifts.", "beds": "There are two hundred beds on six floors.",
        "doctors": "Young doctors spend their first year here.", "visitors": "Most visitors come in the late afternoon.",
        "entrance": "The main entrance never closes.", "kitchen": "The kitchen cooks for everyone in the building.",
    }),
    Topic("forest", {
        "oaks": "Some of the oaks are older than the town.", "deer": "Shy deer come out at dusk.",
        "path": "A soft path leads to a small pond.", "mushrooms": "After rain the mushrooms appear overnight.",
        "birds": "The birds are loudest shortly before sunrise.", "shade": "Deep shade keeps the air cool in July.",
    }),
    Topic("kite", {
        "string": "The string should be strong and light.", "wind": "A steady wind is better than a hard one.",
        "tail": "A long tail keeps it from spinning.", "beach": "The wide beach is the best place for it.",
        "paper": "Thin paper is enough for a calm day.", "sticks": "Two crossed sticks make a simple frame.",
    }),
    Topic("harbor", {
        "ships": "Large ships wait outside for the tide.", "gulls": "The gulls follow every boat that comes in.",
        "nets": "Wet nets dry along the wall.", "cranes": "Yellow cranes move slowly against the sky.",
        "salt": "The air tastes of salt and smoke.", "ropes": "Thick ropes lie in neat circles on the stones.",
    }),
    Topic("piano", {
        "keys": "Some of the keys have turned yellow.", "pedal": "The left pedal makes every note softer.",
        "songs": "She knows about forty songs by heart.", "tuner": "A tuner comes once a year.",
        "wood": "The dark wood shines in the evening light.", "lid": "The heavy lid is closed when nobody plays.",
    }),
    Topic("island", {
        "ferry": "The ferry goes there twice a day.", "cliffs": "Steep cliffs guard the northern side.",
        "goats": "Wild goats climb where no one else can.", "cottages": "Only nine cottages are lived in all year.",
        "sunset": "Everyone meets on the pier at sunset.", "well": "Fresh water comes from a single well.",
    }),
    Topic("clock", {
        "hands": "The hands are made of black iron.", "hour": "It strikes every full hour.",
        "gears": "Dozens of gears turn behind the face.", "minutes": "It loses two minutes a week.",
        "pendulum": "A brass pendulum swings from side to side.", "grandfather": "My grandfather used to wind it on Sundays.",
    }),
    Topic("farm", {
        "cows": "The cows are milked at five in the morning.", "tractor": "A red tractor stands behind the barn.",
        "hay": "The hay has to be dry before it is stored.", "hens": "Twenty hens walk freely in the yard.",
        "fields": "The fields reach down to the stream.", "harvest": "During the harvest everybody helps.",
    }),
    Topic("theater", {
        "stage": "The stage is smaller than it seems.", "actors": "The actors arrive two hours early.",
        "curtain": "The heavy curtain is more than a century old.", "applause": "The applause lasts longer on Fridays.",
        "costumes": "All costumes are sewn in the basement.", "comedy": "A comedy is shown almost every winter.",
    }),
    Topic("glacier", {
        "ice": "The ice looks blue from close by.", "cracks": "Deep cracks open in late summer.",
        "hikers": "Careful hikers cross it with a rope.", "stream": "A cold stream begins under its edge.",
        "climate": "It shrinks because the climate grows warmer.", "peak": "It starts just below the peak.",
    }),
)  # fmt: skip

# {the} is the topic; each holds its noun once.
_ABOUT = (
    "I often think about {the}.", "My sister took a photo of {the} last year.", "People talk about {the} with real affection.",
    "There is more to {the} than most people expect.", "Nobody in our family forgets {the}.", "We came across {the} by chance.",
    "I would like to tell you a little about {the}.", "I always learn something new about {the}.",
    "A friend told me the story of {the}.", "It is easy to talk about {the} for hours.",
)  # fmt: skip
_PLAIN = (
    "That is easy to miss at first.", "It is worth a second look.", "Most of this has stayed the same for years.",
    "Small details like these are what I enjoy most.", "Nothing about it feels hurried.", "I hope it stays that way.",
    "A little patience is all that is needed.", "Some things are best seen slowly.",
    "The best time to see this is early in the day.",
    "Each season brings a different mood.", "I learned this only last spring.", "It takes a while to notice such things.",
    "This is what makes it special.", "My neighbors would agree with that.",
)  # fmt: skip
_WITH_COMMAS = (
    "In short, it is well worth the time.", "It is calm, simple and full of surprises.", "Of course, opinions differ.",
    "To be honest, I did not expect that.", "As far as I know, this has always been so.",
)  # fmt: skip

FORMS = (
    "Write a short note about {a}.", "Write a few lines about {a}.", "Describe {a} to someone who has never seen one.",
    "Write a short blog post about {a}.", "Tell me about {a} that you like.", "Write a diary entry that mentions {a}.",
    "Write a short text for a school newspaper about {a}.", "Give a short description of {a}.",
    "Write a letter to a friend about {a}.", "Write a short piece about {a} for a local magazine.",
)  # fmt: skip

_ENDS = (
    "That is all for today.", "I hope this helps.", "Thank you for reading.", "See you there soon.",
    "Let me know what you think.",
    "There is more to come.", "This is the end of my report.", "Is there anything else I can tell you?",
)  # fmt: skip
_POSTSCRIPTS = (
    "I will send a picture soon.", "Bring good shoes.", "The rest can wait until we meet.",
    "I nearly forgot to mention how cold it was.",
    "Please write back.", "My regards to your family.",
)  # fmt: skip
_PLACEHOLDERS = (
    "Please send your questions to [address].", "My name is [name].", "I wrote this on [date].",
    "You can reach me at [phone number].",
    "We met in [city].", "The visit took about [number of hours] in all.", "The best person to ask is [contact].",
)  # fmt: skip
_TITLES = (
    "A Day With the {Noun}",
    "What I Like About the {Noun}",
    "The {Noun}",
    "Notes on {A}",
    "One {Noun} and Many Stories",
)
_FIRST_WORDS = ("today", "often", "nearby", "sometimes", "honestly", "finally", "yesterday", "perhaps")
_AFTER_FIRST = ("there is something worth telling.", "all of this comes back to me.", "it seems like a different world.")


# The instructions -------------------------------------------------------------------------------------------------------

# Ways to ask. {amount}: "at least 3" or "fewer than 3"; {word}: "word", or "words" where there are several, which are listed in
# {all} with "and" and in {any} with "or"; the other slots are the arguments.
WORDINGS: dict[str, tuple[str, ...]] = {
    "punctuation:no_comma": ("Do not use any commas.", "Your response must not contain commas.", "Write it without any comma."),
    "keywords:existence": (
        "Include the {word} {all}.", "Make sure that {all} can be found in your response.",
        "Your response must include {all}.",
    ),
    "keywords:forbidden_words": (
        "Do not use the {word} {any}.", "Avoid the {word} {all} in your response.",
        "The {word} {any} must not appear.",
    ),
    "keywords:frequency": (
        'Use the word "{keyword}" {amount} times.', 'The word "{keyword}" should appear {amount} times.',
    ),
    "keywords:letter_frequency": (
        'The letter "{letter}" should appear {amount} times.', 'Use the letter "{letter}" {amount} times in your response.',
    ),
    "length_constraints:number_sentences": ("Write {amount} sentences.", "Your response should have {amount} sentences."),
    "length_constraints:number_words": ("Use {amount} words.", "Your response should contain {amount} words."),
    "length_constraints:number_paragraphs": (
        "Write exactly {num_paragraphs} paragraphs, separated by the markdown divider ***.",
        "There should be {num_paragraphs} paragraphs. Put *** between one paragraph and the next.",
    ),
    "length_constraints:nth_paragraph_first_word": (
        'Write exactly {num_paragraphs} paragraphs with a blank line between them. Paragraph {nth_paragraph} must start with the '
        'word "{first_word}".',
        'There should be {num_paragraphs} paragraphs, and only paragraphs are separated by two line breaks. The first word of '
        'paragraph {nth_paragraph} has to be "{first_word}".',
    ),
    "detectable_format:number_bullet_lists": (
        "Use exactly {num_bullets} markdown bullet points, such as:\n* This is a bullet point.\n",
        "Your response must contain exactly {num_bullets} bullet points that start with an asterisk, like this:\n* A point.\n",
    ),
    "detectable_format:number_highlighted_sections": (
        "Highlight at least {num_highlights} parts of your text with markdown, i.e. *highlighted part*.",
        "Put at least {num_highlights} words of your response in italics in markdown, like *this*.",
    ),
    "detectable_format:title": (
        "Give it a title in double angular brackets, i.e. <<title>>.",
        "Add a title, wrapped in double angular brackets: <<title>>.",
    ),
    "detectable_format:multiple_sections": (
        "Divide it into {num_sections} sections and mark the beginning of each with {section_spliter} X, where X is its number.",
        "Write {num_sections} sections. Each begins with {section_spliter} and its number, i.e. {section_spliter} 1.",
    ),
    "detectable_format:json_format": (
        "Format your entire response as JSON.", "The whole output has to be a JSON object.",
        "Answer with nothing but valid JSON.",
    ),
    "detectable_content:postscript": (
        "A postscript that starts with {postscript_marker} has to come at the end.",
        "Add a postscript, with {postscript_marker} at its start.",
    ),
    "detectable_content:number_placeholders": (
        "Include at least {num_placeholders} placeholders in square brackets, such as [name].",
        "Use {num_placeholders} or more placeholders in square brackets, for example [address].",
    ),
    "startend:quotation": (
        "Wrap your entire response in double quotation marks.", "Put double quotation marks around the whole response.",
    ),
    "startend:end_checker": (
        'Finish with exactly this phrase: "{end_phrase}" No other words should follow it.',
        'The very last words of your response must be "{end_phrase}"',
    ),
    "change_case:english_lowercase": (
        "Write in English and only in lowercase letters.", "No capital letters are allowed, and the language is English.",
    ),
    "change_case:english_capital": (
        "Write in English and only in capital letters.", "Your whole response should be in English, in capital letters.",
    ),
    "change_case:capital_word_frequency": (
        "Words in all capital letters should appear {amount} times.", "Use {amount} words in all capital letters.",
    ),
    "combination:two_responses": (
        "Give two different responses, separated by six asterisks: ******.",
        "Write two versions that differ, and only those. Put ****** between them.",
    ),
    "combination:repeat_prompt": (
        "First repeat the request above word for word, then give your answer. Do not say anything before you repeat it.",
        "Before you answer, repeat the request above exactly as it is, without this last sentence.",
    ),
}  # fmt: skip

# At most one of each of these.
_EITHER = (
    {"length_constraints:number_paragraphs", "length_constraints:nth_paragraph_first_word",
    "detectable_format:number_bullet_lists",
     "detectable_format:multiple_sections", "detectable_format:json_format", "combination:two_responses"},
    {"change_case:english_lowercase", "change_case:english_capital", "change_case:capital_word_frequency"},
    {"startend:quotation", "startend:end_checker", "combination:repeat_prompt"},
    {"detectable_content:postscript", "startend:end_checker"},
)  # fmt: skip
# These leave little room for others.
_ONLY_WITH = {
    "detectable_format:json_format": {
        "keywords:existence", "keywords:forbidden_words", "keywords:frequency", "keywords:letter_frequency",
        "length_constraints:number_words", "change_case:english_lowercase",
    },
    "combination:two_responses": {
        "punctuation:no_comma", "keywords:existence", "keywords:forbidden_words", "keywords:frequency",
        "keywords:letter_frequency",
        "length_constraints:number_words", "change_case:english_lowercase", "change_case:english_capital",
    },
    "combination:repeat_prompt": {
        "detectable_format:title", "detectable_content:postscript", "detectable_content:number_placeholders",
    },
}  # fmt: skip
_NOT_WITH = {
    "length_constraints:number_sentences": {
        "length_constraints:number_paragraphs", "detectable_format:number_bullet_lists", "detectable_format:multiple_sections",
        "detectable_format:title", "detectable_content:postscript", "change_case:english_lowercase",
    },
    "length_constraints:nth_paragraph_first_word": {
        "detectable_format:title", "detectable_content:postscript", "change_case:english_capital",
    },
    "detectable_format:number_highlighted_sections": {
        "length_constraints:number_paragraphs", "detectable_format:number_bullet_lists",
    },
    "change_case:english_lowercase": {
        "startend:end_checker", "detectable_content:postscript", "detectable_format:multiple_sections",
    },
    "change_case:english_capital": {
        "startend:end_checker", "detectable_format:multiple_sections", "keywords:existence", "keywords:frequency",
        "keywords:letter_frequency",
    },
}  # fmt: skip


def together(a: str, b: str) -> bool:
    """Whether two instructions can be given together, to be followed by one response."""
    if any({a, b} <= group for group in _EITHER):
        return False
    pairs = ((a, b), (b, a))
    return all(y in _ONLY_WITH.get(x, {y}) and y not in _NOT_WITH.get(x, ()) for x, y in pairs)


@functools.cache
def combinations(size: int) -> tuple[tuple[str, ...], ...]:
    """The sets of so many instructions that can be given together, each in order of their ids."""
    sets = itertools.combinations(sorted(WORDINGS), size)
    return tuple(ids for ids in sets if all(together(a, b) for a, b in itertools.combinations(ids, 2)))


# Responses --------------------------------------------------------------------------------------------------------------


class _Draft:
    """A response while it is put together, with the arguments of the instructions that it follows so far."""

    def __init__(self, rng: Random, topic: Topic, ids: Sequence[str]) -> None:
        self.rng, self.topic, self.ids = rng, topic, ids
        self.kwargs: dict[str, Kwargs] = {id_: {} for id_ in ids}
        words = rng.sample(sorted(topic.facts), rng.randint(3, len(topic.facts) - 2))
        self.facts = {word: topic.facts[word] for word in words}
        self.sentences = self._sentences()
        if self.has("detectable_content:postscript"):
            self.kwargs["detectable_content:postscript"]["postscript_marker"] = rng.choice(("P.S.", "P.P.S"))

    def has(self, id_: str) -> bool:
        return id_ in self.kwargs

    def _sentences(self) -> list[str]:
        """Something about the topic first, then facts and remarks; what single sentences have to hold is put into them."""
        rng, facts = self.rng, dict(self.facts)
        if self.has("keywords:existence"):
            self.kwargs["keywords:existence"]["keywords"] = rng.sample(sorted(facts), rng.randint(1, 3))
        if self.has("detectable_format:number_highlighted_sections"):
            marked = rng.sample(sorted(facts), rng.randint(1, 3))
            facts |= {word: facts[word].replace(word, f"*{word}*") for word in marked}
            self.kwargs["detectable_format:number_highlighted_sections"]["num_highlights"] = len(marked)
        if self.has("change_case:capital_word_frequency") and rng.random() < 0.7:
            loud = rng.sample(sorted(facts), rng.randint(1, 3))
            facts |= {word: facts[word].replace(word, word.upper()) for word in loud}
            self.kwargs["change_case:capital_word_frequency"] = {"capital_relation": "at least", "capital_frequency": len(loud)}
        about = [sentence.format(the=f"the {self.topic.noun}") for sentence in rng.sample(_ABOUT, rng.randint(2, 4))]
        rest = [*facts.values(), *about[1:], *rng.sample(_PLAIN, rng.randint(1, 4))]
        if not self.has("punctuation:no_comma"):
            rest += rng.sample(_WITH_COMMAS, rng.randint(0, 2))
        if self.has("detectable_content:number_placeholders"):
            number = rng.randint(1, 4)
            rest += rng.sample(_PLACEHOLDERS, number)
            self.kwargs["detectable_content:number_placeholders"]["num_placeholders"] = number
        rng.shuffle(rest)
        return [about[0], *rest]

    def arranged(self) -> str:
        """The sentences in the shape that is asked for."""
        rng, lines = self.rng, self.sentences
        for id_, shape in _SHAPES.items():
            if self.has(id_):
                return shape(self, rng, lines)
        return " ".join(lines)

    def written(self, request: str) -> str:
        """The whole response: shape, beginning and end, case; `request` is what has to be repeated, where that is asked for."""
        rng, noun = self.rng, self.topic.noun
        text = self.arranged()
        if self.has("detectable_format:title"):
            name = noun.capitalize()
            title = rng.choice(_TITLES).format(Noun=name, A=self.topic.a.replace(noun, name))
            text = f"<<{title}>>\n{text}"
        if self.has("detectable_content:postscript"):
            text += f"\n\n{self.kwargs['detectable_content:postscript']['postscript_marker']} {rng.choice(_POSTSCRIPTS)}"
        if self.has("startend:end_checker"):
            phrase = rng.choice(_ENDS)
            self.kwargs["startend:end_checker"]["end_phrase"] = phrase
            text += ("\n\n" if self.has("detectable_format:number_bullet_lists") else " ") + phrase
        if self.has("startend:quotation"):
            text = f'"{text}"'
        if self.has("change_case:english_lowercase"):
            text = text.lower()
        if self.has("change_case:english_capital"):
            text = text.upper()
        if self.has("combination:repeat_prompt"):
            self.kwargs["combination:repeat_prompt"]["prompt_to_repeat"] = request
            text = f"{request}\n\n{text}"
        self._measured(text)
        return text

    def _measured(self, text: str) -> None:
        """The arguments that are read off the finished text."""
        rng, low = self.rng, text.lower()
        if self.has("keywords:forbidden_words"):
            unused = [word for word in sorted(self.topic.facts) if word not in low]
            self.kwargs["keywords:forbidden_words"]["forbidden_words"] = rng.sample(unused, rng.randint(1, min(3, len(unused))))
        if self.has("keywords:frequency"):
            relation, frequency = _bound(rng, low.count(self.topic.noun), 2)
            self.kwargs["keywords:frequency"] = {"relation": relation, "keyword": self.topic.noun, "frequency": frequency}
        if self.has("keywords:letter_frequency"):
            letter = rng.choice([c for c in "abcdefghiklmnoprstuvwy" if low.count(c) > 1])
            relation, frequency = _bound(rng, low.count(letter), 3)
            self.kwargs["keywords:letter_frequency"] = {"let_relation": relation, "letter": letter, "let_frequency": frequency}
        if self.has("length_constraints:number_words"):
            relation, number = _bound(rng, len(re.findall(r"\w+", text)), 20)
            # A round number, on the side that is kept to.
            number = number // 5 * 5 if relation == "at least" else -(-number // 5) * 5
            self.kwargs["length_constraints:number_words"] = {"relation": relation, "num_words": number}
        if self.has("length_constraints:number_sentences"):
            # Each sentence of the bank ends in its only full stop or question mark.
            relation, number = _bound(rng, len(re.findall(r"[.?]", text)), 3)
            self.kwargs["length_constraints:number_sentences"] = {"relation": relation, "num_sentences": number}
        if self.kwargs.get("change_case:capital_word_frequency") == {}:
            # "I" and "A" are counted too, and so are "P" and "S".
            most = len(re.findall(r"\b[A-Z]+\b", text)) + rng.randint(2, 5)
            self.kwargs["change_case:capital_word_frequency"] = {"capital_relation": "less than", "capital_frequency": most}


def _bound(rng: Random, count: int, slack: int) -> tuple[str, int]:
    """A bound that a count keeps to."""
    if count > 1 and rng.random() < 0.6:
        return "at least", max(1 + (count > 2), count - rng.randint(0, slack))
    return "less than", count + rng.randint(1, slack)


def _parts(rng: Random, lines: Sequence[str]) -> list[str]:
    """The sentences in two to four groups of neighbors."""
    number = rng.randint(2, 4)
    cuts = [0, *sorted(rng.sample(range(1, len(lines)), number - 1)), len(lines)]
    return [" ".join(lines[a:b]) for a, b in itertools.pairwise(cuts)]


def _divided(draft: _Draft, rng: Random, lines: list[str]) -> str:
    parts = _parts(rng, lines)
    draft.kwargs["length_constraints:number_paragraphs"]["num_paragraphs"] = len(parts)
    return "\n***\n".join(parts)


def _first_word(draft: _Draft, rng: Random, lines: list[str]) -> str:
    parts = _parts(rng, lines)
    which, word = rng.randrange(len(parts)), rng.choice(_FIRST_WORDS)
    parts[which] = f"{word.capitalize()} {rng.choice(_AFTER_FIRST)} {parts[which]}"
    draft.kwargs["length_constraints:nth_paragraph_first_word"] = {
        "num_paragraphs": len(parts), "nth_paragraph": which + 1, "first_word": word,
    }  # fmt: skip
    return "\n\n".join(parts)


def _bulleted(draft: _Draft, rng: Random, lines: list[str]) -> str:
    number = rng.randint(2, min(5, len(lines) - 1))
    draft.kwargs["detectable_format:number_bullet_lists"]["num_bullets"] = number
    return " ".join(lines[:-number]) + "\n" + "\n".join(f"* {line}" for line in lines[-number:])


def _sectioned(draft: _Draft, rng: Random, lines: list[str]) -> str:
    parts, word = _parts(rng, lines), rng.choice(("SECTION", "Section", "PARAGRAPH", "PART"))
    draft.kwargs["detectable_format:multiple_sections"] = {"section_spliter": word, "num_sections": len(parts)}
    return "\n\n".join(f"{word} {i}\n{part}" for i, part in enumerate(parts, 1))


def _as_json(draft: _Draft, rng: Random, lines: list[str]) -> str:
    return json.dumps({"topic": draft.topic.noun, "text": " ".join(lines)})


def _twice(draft: _Draft, rng: Random, lines: list[str]) -> str:
    return "\n******\n".join((" ".join(lines[::2]), " ".join(lines[1::2])))


_SHAPES: dict[str, Callable[[_Draft, Random, list[str]], str]] = {
    "length_constraints:number_paragraphs": _divided,
    "length_constraints:nth_paragraph_first_word": _first_word,
    "detectable_format:number_bullet_lists": _bulleted,
    "detectable_format:multiple_sections": _sectioned,
    "detectable_format:json_format": _as_json,
    "combination:two_responses": _twice,
}


# Prompts ----------------------------------------------------------------------------------------------------------------


def _asked(rng: Random, id_: str, kwargs: Kwargs) -> str:
    """An instruction in words."""
    slots = {key: str(value) for key, value in kwargs.items()}
    for words in kwargs.values():
        if isinstance(words, list):
            slots |= {"word": "word" if len(words) == 1 else "words", "all": _listed(words, "and"), "any": _listed(words, "or")}
    relation = next((slots[key] for key in slots if key.endswith("relation")), "")
    number = next((value for value in kwargs.values() if isinstance(value, int)), 0)
    slots["amount"] = f"{relation.replace('less', 'fewer')} {number}"
    text = rng.choice(WORDINGS[id_]).format_map(slots)
    return re.sub(r"\b1 (time|word|part|placeholder)s\b", r"1 \1", text)


def _listed(words: Sequence[str], last: str) -> str:
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"


def split_of(topic: Topic, ids: Sequence[str]) -> TaskSplit:
    """Which split a topic with these instructions belongs to, for every seed."""
    return "test" if key_of(0, "instruction split", topic.noun, *sorted(ids)) % 4 == 0 else "train"


def _prompted(rng: Random, topic: Topic, ids: Sequence[str], split: TaskSplit) -> InstructionPrompt:
    draft = _Draft(rng, topic, ids)
    order = rng.sample(ids, len(ids))
    task = rng.choice(FORMS).format(a=topic.a)
    if draft.has(_REPEAT):
        # What is repeated has no argument that is read off the response.
        order = [*(id_ for id_ in order if id_ != _REPEAT), _REPEAT]
        request = _joined(rng, task, order[:-1], draft.kwargs)
        response = draft.written(request)
        prompt = f"{request}\n\n{_asked(rng, _REPEAT, {})}"
    else:
        response = draft.written("")
        prompt = _joined(rng, task, order, draft.kwargs)
    return InstructionPrompt(
        id=digest("if", prompt), prompt=prompt, response=response, split=split, difficulty=len(ids),
        instructions=tuple(Instruction(id_, json.dumps(draft.kwargs[id_])) for id_ in order),
    )  # fmt: skip


_REPEAT = "combination:repeat_prompt"


def _joined(rng: Random, task: str, ids: Sequence[str], kwargs: dict[str, Kwargs]) -> str:
    return " ".join([task, *(_asked(rng, id_, kwargs[id_]) for id_ in ids)]).replace("\n ", "\n").strip()


_PATIENCE = 20_000


def prompts(seed: int, split: TaskSplit, count: int, difficulty: Sequence[int] = DIFFICULTIES) -> Iterator[InstructionPrompt]:
    """`count` different prompts; the first of them are the smaller set. difficulty: how many instructions, 1 to 3.

    Raises KitError where nothing new is to be found any more.

    >>> next(prompts(0, "train", 1, (2,))).difficulty
    2
    """
    seen: set[str] = set()
    row = missed = 0
    while len(seen) < count:
        if missed == _PATIENCE:
            raise KitError(
                f"there are hardly more than {len(seen)} {split} prompts of {list(difficulty)} instructions: ask for fewer"
            )
        # Not a numpy stream: a scalar draw from one takes ten times as long.
        rng = Random(key_of(seed, "instruction prompt", row))
        row += 1
        missed += 1
        topic, ids = rng.choice(TOPICS), rng.choice(combinations(rng.choice(difficulty)))
        if split_of(topic, ids) != split:
            continue
        prompt = _prompted(rng, topic, ids, split)
        if prompt.id not in seen:
            seen.add(prompt.id)
            missed = 0
            yield prompt
