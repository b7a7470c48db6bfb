"""What is written about, and the sentences that responses are put together from."""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """Something to write about. noun: the word that stands for it. facts: sentences that stand alone, by a word in each."""

    noun: str
    facts: dict[str, str]

    @property
    def a(self) -> str:
        return f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.noun}"


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
ABOUT = (
    "I often think about {the}.", "My sister took a photo of {the} last year.", "People talk about {the} with real affection.",
    "There is more to {the} than most people expect.", "Nobody in our family forgets {the}.", "We came across {the} by chance.",
    "I would like to tell you a little about {the}.", "I always learn something new about {the}.",
    "A friend told me the story of {the}.", "It is easy to talk about {the} for hours.",
)  # fmt: skip
PLAIN = (
    "That is easy to miss at first.", "It is worth a second look.", "Most of this has stayed the same for years.",
    "Small details like these are what I enjoy most.", "Nothing about it feels hurried.", "I hope it stays that way.",
    "A little patience is all that is needed.", "Some things are best seen slowly.",
    "The best time to see this is early in the day.",
    "Each season brings a different mood.", "I learned this only last spring.", "It takes a while to notice such things.",
    "This is what makes it special.", "My neighbors would agree with that.",
)  # fmt: skip
WITH_COMMAS = (
    "In short, it is well worth the time.", "It is calm, simple and full of surprises.", "Of course, opinions differ.",
    "To be honest, I did not expect that.", "As far as I know, this has always been so.",
)  # fmt: skip

FORMS = (
    "Write a short note about {a}.", "Write a few lines about {a}.", "Describe {a} to someone who has never seen one.",
    "Write a short blog post about {a}.", "Tell me about {a} that you like.", "Write a diary entry that mentions {a}.",
    "Write a short text for a school newspaper about {a}.", "Give a short description of {a}.",
    "Write a letter to a friend about {a}.", "Write a short piece about {a} for a local magazine.",
)  # fmt: skip

ENDS = (
    "That is all for today.", "I hope this helps.", "Thank you for reading.", "See you there soon.",
    "Let me know what you think.",
    "There is more to come.", "This is the end of my report.", "Is there anything else I can tell you?",
)  # fmt: skip
POSTSCRIPTS = (
    "I will send a picture soon.", "Bring good shoes.", "The rest can wait until we meet.",
    "I nearly forgot to mention how cold it was.",
    "Please write back.", "My regards to your family.",
)  # fmt: skip
PLACEHOLDERS = (
    "Please send your questions to [address].", "My name is [name].", "I wrote this on [date].",
    "You can reach me at [phone number].",
    "We met in [city].", "The visit took about [number of hours] in all.", "The best person to ask is [contact].",
)  # fmt: skip
TITLES = (
    "A Day With the {Noun}",
    "What I Like About the {Noun}",
    "The {Noun}",
    "Notes on {A}",
    "One {Noun} and Many Stories",
)
FIRST_WORDS = ("today", "often", "nearby", "sometimes", "honestly", "finally", "yesterday", "perhaps")
AFTER_FIRST = ("there is something worth telling.", "all of this comes back to me.", "it seems like a different world.")
