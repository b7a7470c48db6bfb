"""The scenes of the stories: their moves in phrasings and steps, and the people who are in them.

Slots: {P} the person, {F} the friend, {she}, {She}, {her}, {Her} and {obj} the person's pronouns, {kin} a relative, {Then} a way
to go on; {a} to {c} the numbers of the move, {a_times} ("twice") and {a_th} ("one third"); the others are the scene's own.
"""

from __future__ import annotations

from generators.tasks.math.moves import Move, Scene, Step
from generators.tasks.math.numbers import (
    above,
    between,
    divided_and_priced,
    divisor,
    double,
    factor,
    gain,
    gain_each,
    half,
    loss,
    loss_each,
    loss_twice,
    no_numbers,
    part,
    percent,
    price,
    sale,
    sold_and_spent,
    tens,
)

_IN_ALL = "That made {calc} {items} in all."
_BOTH_DAYS = Step("+", "a1", "On both days together, {she} {got} {calc} {items}.")
_LEFT = "That left {P} with {calc} {items}."
_BOTH_SHIFTS = Step("+", "a1", "Both shifts together {did} {calc} {items}.")
_WERE_LEFT = "Then {calc} {items} were left."
_WERE_THERE = "Then {calc} {people} were there."
_HAD = "Then {P} had {cash}."

_THINGS = Scene(
    name="things",
    slots=("items", "boxes", "got", "used", "others"),
    words=(
        ("stickers", "packs", "bought", "lost", "marbles"),
        ("marbles", "bags", "bought", "lost", "stamps"),
        ("stamps", "packs", "bought", "sold", "postcards"),
        ("trading cards", "packs", "bought", "lost", "stickers"),
        ("seashells", "buckets", "collected", "lost", "smooth stones"),
        ("cookies", "trays", "baked", "sold", "muffins"),
        ("muffins", "trays", "baked", "sold", "cookies"),
        ("apples", "baskets", "picked", "sold", "pears"),
        ("plums", "baskets", "picked", "sold", "lemons"),
        ("tulips", "bunches", "picked", "sold", "roses"),
        ("eggs", "baskets", "collected", "sold", "potatoes"),
        ("pencils", "boxes", "bought", "lost", "crayons"),
        ("beads", "bags", "bought", "used", "buttons"),
        ("balloons", "bags", "bought", "used", "candles"),
        ("candles", "boxes", "made", "sold", "bars of soap"),
        ("paper stars", "bags", "made", "lost", "paper flowers"),
    ),
    openings=(
        Move("had", between((12, 120)), (
            "{P} had {a} {items}.",
            "{P} started the week with {a} {items}.",
            "At the beginning of the month, {P} had {a} {items}.",
        )),
        Move("packs", between((3, 12), (4, 15)), (
            "For the school fair, {P} {got} {a} {boxes} of {b} {items} each.",
            "{P} had no {items} until {she} {got} {a} {boxes} of {b} {items} each.",
        ), (Step("*", "ab", "{P} {got} {calc} {items}."),)),
        Move("daily", between((4, 20), (3, 14)), (
            "For the school fair, {P} {got} {a} {items} a day for {b} days.",
            "Getting ready for a party, {P} {got} {a} {items} every day for {b} days.",
        ), (Step("*", "ab", "In those days, {P} {got} {calc} {items}."),)),
        Move("two days", between((8, 60), (8, 60)), (
            "For a flea market, {P} {got} {a} {items} on Monday and {b} {items} on Tuesday.",
            "{P} needed {items} for a party: {she} {got} {a} on Monday and {b} on Tuesday.",
        ), (Step("+", "ab", "On the two days together, {P} {got} {calc} {items}."),)),
        Move("twice the next day", between((6, 40), (2, 4)), (
            "For a flea market, {P} {got} {a} {items} on Saturday and {b_times} as many {items} on Sunday.",
            "{P} needed {items} for a party. {She} {got} {a} of them on Saturday and {b_times} as many on Sunday.",
        ), (Step("*", "ab", "On Sunday, {P} {got} {calc} {items}."), _BOTH_DAYS)),
        Move("more the next day", between((8, 50), (3, 20)), (
            "For a flea market, {P} {got} {a} {items} on Saturday. On Sunday, {she} {got} {b} more {items} than on Saturday.",
            "{P} needed {items} for a party. {She} {got} {a} of them on Saturday, and on Sunday {b} more than on Saturday.",
        ), (Step("+", "ab", "On Sunday, {P} {got} {calc} {items}."), _BOTH_DAYS)),
        Move("times a friend's", between((6, 40), (2, 5)), (
            "{F} had {a} {items}, and {P} had {b_times} as many {items} as {F}.",
            "{P} had {b_times} as many {items} as {F}, who had {a}.",
        ), (Step("*", "ab", "{P} had {calc} {items}."),), friend=True),
        Move("more than a friend", between((8, 60), (3, 30)), (
            "{F} had {a} {items}, and {P} had {b} more {items} than {F}.",
            "{P} had {b} more {items} than {F}, who had {a}.",
        ), (Step("+", "ab", "{P} had {calc} {items}."),), friend=True),
        Move("fewer than a friend", between((30, 90), (3, 20)), (
            "{F} had {a} {items}, and {P} had {b} fewer {items} than {F}.",
            "{P} had {b} fewer {items} than {F}, who had {a}.",
        ), (Step("-", "ab", "{P} had {calc} {items}."),), friend=True),
    ),
    events=(
        Move("more", gain, (
            "{Then} {got} {a} more {items}.",
            "{Her} {kin} gave {obj} {a} more {items}.",
            "{Then} got {a} {items} from {her} {kin}.",
        ), (Step("+", "xa", _IN_ALL),)),
        Move("gave", loss, (
            "{Then} gave {a} {items} to {her} {kin}.",
            "{Then} gave away {a} {items}.",
            "{Her} {kin} asked for some {items}, and {she} handed over {a} of them.",
        ), (Step("-", "xa", _LEFT),)),
        Move("used", loss, ("{Then} {used} {a} {items}.", "{Then} {used} {a} of {her} {items}."), (Step("-", "xa", _LEFT),)),
        Move("more packs", gain_each, (
            "{Then} {got} {a} more {boxes} of {b} {items} each.",
            "{Her} {kin} brought {obj} {a} more {boxes} of {b} {items} each.",
        ), (Step("*", "ab", "There were {calc} {items} in the new {boxes}."), Step("+", "x1", _IN_ALL))),
        Move("gave to each", loss_each, (
            "{Then} gave {a} {items} to each of {b} friends.",
            "{Then} handed out {a} {items} each to {b} classmates.",
        ), (Step("*", "ab", "{She} gave away {calc} {items}."), Step("-", "x1", _LEFT))),
        Move("used daily", loss_each, (
            "Every day for the next {b} days, {she} {used} {a} {items}.",
            "Over the next {b} days, {she} {used} {a} {items} a day.",
        ), (Step("*", "ab", "In those days, {she} {used} {calc} {items}."), Step("-", "x1", _LEFT))),
        Move("half", half, (
            "{Then} gave half of {her} {items} to {her} {kin}.",
            "{Then} {used} half of the {items} {she} had.",
        ), (Step("/", "xa", "Half of the {items} stayed with {P}, which is {calc} {items}."),)),
        Move("part", part, (
            "{Then} gave {a_th} of {her} {items} to {her} {kin}.",
            "{Then} {used} {a_th} of the {items} {she} had.",
        ), (Step("/", "xa", "That was {calc} {items}."), Step("-", "x1", _LEFT))),
        Move("percent", percent, (
            "{Then} {used} {a}% of {her} {items}.",
            "{Then} gave {a}% of {her} {items} to {her} {kin}.",
        ), (Step("%", "xa", "That was {calc} {items}."), Step("-", "x1", _LEFT))),
        Move("doubled", double, (
            "{Her} {kin} gave {obj} as many {items} as {she} already had.",
            "Thanks to {her} {kin}, the number of {items} {she} had doubled.",
        ), (Step("*", "xa", "That doubled {her} {items} to {calc}."),)),
        Move("got times as many", factor, (
            "{Her} {kin} gave {obj} {a_times} as many {items} as {she} already had.",
        ), (Step("*", "xa", "{Her} {kin} gave {obj} {calc} {items}."), Step("+", "x1", _IN_ALL))),
    ),
    endings=(
        Move("now", no_numbers, ("How many {items} does {P} have now?", "How many {items} did {P} have in the end?")),
        Move("friend times", factor, (
            "{F} has {a_times} as many {items} as {P} has now. How many {items} does {F} have?",
        ), (Step("*", "xa", "{F} has {calc} {items}."),), friend=False),
        Move("friend more", gain, (
            "Now {F} has {a} more {items} than {P}. How many {items} does {F} have?",
        ), (Step("+", "xa", "{F} has {calc} {items}."),), friend=False),
        Move("friend fewer", loss, (
            "Now {F} has {a} fewer {items} than {P}. How many {items} does {F} have?",
        ), (Step("-", "xa", "{F} has {calc} {items}."),), friend=False),
        Move("with friend times", factor, (
            "{F} has {a_times} as many {items} as {P} has now. How many {items} do {P} and {F} have together?",
        ), (Step("*", "xa", "{F} has {calc} {items}."), Step("+", "x1", "Together they have {calc} {items}.")), friend=False),
        Move("with friend fewer", loss, (
            "Now {F} has {a} fewer {items} than {P}. How many {items} do the two of them have altogether?",
        ), (Step("-", "xa", "{F} has {calc} {items}."), Step("+", "x1", "Together they have {calc} {items}.")), friend=False),
        Move("with friend", no_numbers, (
            "{F} still has the same number of {items}. How many {items} do {P} and {F} have together now?",
        ), (Step("+", "xf", "Together they have {calc} {items}."),), friend=True),
        Move("more than friend", no_numbers, (
            "{F} still has the same number of {items}. How many more {items} than {F} does {P} have now?",
        ), (Step("-", "xf", "{P} has {calc} more {items} than {F}."),), friend=True),
        Move("fewer than friend", no_numbers, (
            "{F} still has the same number of {items}. How many fewer {items} than {F} does {P} have now?",
        ), (Step("-", "fx", "{P} has {calc} fewer {items} than {F}."),), friend=True),
        Move("more than at first", no_numbers, (
            "How many more {items} does {P} have now than at first?",
        ), (Step("-", "xs", "{P} has {calc} more {items} than at first."),), at_first=True),
        Move("fewer than at first", no_numbers, (
            "How many fewer {items} does {P} have now than at first?",
        ), (Step("-", "sx", "{P} has {calc} fewer {items} than at first."),), at_first=True),
        Move("sold", price, (
            "{Then} sold all the {items} {she} had for ${a} each. How much money, in dollars, did {she} get for them?",
            "If {P} sells all the {items} {she} has now for ${a} each, how many dollars will {she} get?",
        ), (Step("*", "xa", "{P} got {cash} for the {items}."),)),
        Move("sold and spent", sold_and_spent, (
            "{Then} sold all the {items} {she} had for ${a} each and spent ${b} of that money on a book. How many dollars of it "
            "were left?",
        ), (Step("*", "xa", "{P} got {cash} for the {items}."), Step("-", "1b", "After buying the book, {she} had {cash}."))),
        Move("shared", divisor, (
            "{Then} shared all the {items} {she} had equally among {a} children. How many {items} did each child get?",
            "If {P} divides all the {items} {she} has now equally among {a} children, how many {items} will each child get?",
        ), (Step("/", "xa", "Each child got {calc} {items}."),)),
        Move("packed", divisor, (
            "{Then} put all the {items} {she} had into gift bags, with {a} {items} in each. How many gift bags did {she} fill?",
        ), (Step("/", "xa", "{P} filled {calc} gift bags."),)),
        Move("packed and sold", divided_and_priced, (
            "{Then} put all the {items} {she} had into gift bags, with {a} {items} in each, and sold every bag for ${b}. How "
            "many dollars did {she} get?",
        ), (Step("/", "xa", "{P} filled {calc} gift bags."), Step("*", "1b", "{She} got {cash} for them."))),
        Move("goal", above, (
            "{P} wants to have {a} {items}. How many more {items} does {she} need now?",
            "How many more {items} does {P} need to get to {a} {items}?",
        ), (Step("-", "ax", "{P} needs {calc} more {items}."),)),
    ),
    asides=(
        ("{P} is {n} years old.", 7, 14), ("{P} also had {n} {others}, which stayed in a drawer.", 5, 40),
        ("{Her} {kin} lives {n} kilometers away.", 2, 30), ("All this happened in a village with {n} houses.", 20, 90),
    ),
)  # fmt: skip

_MONEY = Scene(
    name="money",
    slots=("items", "thing", "bargain", "goal"),
    words=(
        ("notebooks", "a scarf", "a lamp", "a bicycle"),
        ("flower pots", "a garden book", "a rake", "a bench"),
        ("tubes of paint", "a sketchbook", "an easel", "a camera"),
        ("guitar strings", "a songbook", "a music stand", "a guitar"),
        ("tennis balls", "a cap", "a sports bag", "a racket"),
        ("board games", "a pizza", "a backpack", "a tent"),
        ("bags of dog food", "a leash", "a dog bed", "a kennel"),
        ("puzzles", "a poster", "a desk lamp", "a telescope"),
    ),
    openings=(
        Move("had", tens(60, 400), ("{P} had ${a}.", "There was ${a} in {P}'s savings jar.", "{P} had saved ${a}.")),
        Move("wages", between((9, 25), (4, 12)), (
            "{P}'s savings jar was empty. Then {she} earned ${a} an hour for {b} hours of work and put it all into the jar.",
            "Saving from nothing, {P} put aside everything {she} earned in {b} hours of work at ${a} an hour.",
        ), (Step("*", "ab", "{P} earned {cash}."),)),
        Move("weekly", between((5, 30), (3, 12)), (
            "{P}'s savings jar was empty. Then {she} put ${a} a week into it for {b} weeks.",
            "Saving from nothing, {P} put aside ${a} every week for {b} weeks.",
        ), (Step("*", "ab", "{P} saved {cash}."),)),
        Move("lawns", between((3, 12), (8, 25)), (
            "{P} had no money, so {she} mowed {a} lawns and was paid ${b} for each of them.",
        ), (Step("*", "ab", "For the lawns, {P} got {cash}."),)),
        Move("two weeks", between((15, 70), (2, 3)), (
            "{P}'s savings jar was empty. In the first week {she} put ${a} into it, and in the second week {b_times} as much.",
        ), (Step("*", "ab", "In the second week, {P} saved {cash}."), Step("+", "a1", "In both weeks, {she} saved {cash}."))),
        Move("times a friend's", between((15, 60), (2, 5)), (
            "{F} had ${a}, and {P} had {b_times} as much money as {F}.",
        ), (Step("*", "ab", "{P} had {cash}."),), friend=True),
        Move("more than a friend", between((20, 90), (5, 60)), (
            "{F} had ${a}, and {P} had ${b} more than {F}.",
            "{P} had ${b} more than {F}, who had ${a}.",
        ), (Step("+", "ab", "{P} had {cash}."),), friend=True),
    ),
    events=(
        Move("gift", gain, ("{Her} {kin} gave {obj} ${a}.", "{Then} was given ${a} by {her} {kin}."), (Step("+", "xa", _HAD),)),
        Move("spent", loss, ("{Then} spent ${a} on {thing}.", "{Then} bought {thing} for ${a}."), (Step("-", "xa", _HAD),)),
        Move("lent", loss, ("{Then} lent {her} {kin} ${a}.",), (Step("-", "xa", _HAD),)),
        Move("bought", loss_each, (
            "{Then} bought {b} {items} that cost ${a} each.",
            "{Then} paid for {b} {items} at ${a} each.",
        ), (Step("*", "ba", "The {items} cost {cash}."), Step("-", "x1", _HAD))),
        Move("worked", gain_each, (
            "{Then} walked dogs for {b} days and was paid ${a} a day.",
            "{Then} sold {b} of {her} old toys for ${a} each.",
        ), (Step("*", "ba", "For that, {P} got {cash}."), Step("+", "x1", _HAD))),
        Move("half", half, (
            "{Then} spent half of {her} money on a day out.",
            "{Then} gave half of {her} money to {her} {kin}.",
        ), (Step("/", "xa", "{She} kept the other half, {cash}."),)),
        Move("part", part, (
            "{Then} donated {a_th} of {her} money to an animal shelter.",
        ), (Step("/", "xa", "{P} donated {cash}."), Step("-", "x1", _HAD))),
        Move("percent", percent, (
            "{Then} donated {a}% of {her} money to an animal shelter.",
            "{Then} spent {a}% of {her} money on a train ticket.",
        ), (Step("%", "xa", "That was {cash}."), Step("-", "x1", _HAD))),
        Move("discount", sale, (
            "{Then} bought {bargain}, which normally costs ${a}, at a discount of {b}%.",
            "{Then} bought {bargain} in a sale: it normally costs ${a}, but the price was reduced by {b}%.",
        ), (Step("%", "ab", "The discount was {cash}."), Step("-", "a1", "So {P} paid {cash}."), Step("-", "x2", _HAD))),
        Move("doubled", double, (
            "{Her} {kin} then doubled {her} money as a reward for saving.",
        ), (Step("*", "xa", _HAD),)),
    ),
    endings=(
        Move("now", no_numbers, ("How much money, in dollars, does {P} have now?", "How many dollars did {P} have in the end?")),
        Move("goal", above, (
            "{P} now wants to buy {goal} that costs ${a}. How many more dollars does {she} need?",
            "{P} is saving for {goal} that costs ${a}. How many dollars are still missing?",
        ), (Step("-", "ax", "{P} still needs {cash}."),)),
        Move("tickets", divisor, (
            "{Then} spent all the money {she} had on tickets to the fair, which cost ${a} each. How many tickets did {she} buy?",
        ), (Step("/", "xa", "{P} bought {calc} tickets."),)),
        Move("shared", divisor, (
            "{Then} divided all the money {she} had equally among {a} charities. How many dollars did each charity get?",
        ), (Step("/", "xa", "Each charity got {cash}."),)),
        Move("friend times", factor, (
            "{F} has {a_times} as much money as {P} has now. How many dollars does {F} have?",
        ), (Step("*", "xa", "{F} has {cash}."),), friend=False),
        Move("with friend fewer", loss, (
            "Now {F} has ${a} less than {P}. How many dollars do the two of them have together?",
        ), (Step("-", "xa", "{F} has {cash}."), Step("+", "x1", "Together they have {cash}.")), friend=False),
        Move("with friend", no_numbers, (
            "{F} still has the same amount of money. How many dollars do {P} and {F} have together now?",
        ), (Step("+", "xf", "Together they have {cash}."),), friend=True),
        Move("more than friend", no_numbers, (
            "{F} still has the same amount of money. How many more dollars than {F} does {P} have now?",
        ), (Step("-", "xf", "{P} has {cash} more than {F}."),), friend=True),
        Move("less than at first", no_numbers, (
            "How many dollars less than at first does {P} have now?",
        ), (Step("-", "sx", "{P} has {cash} less than at first."),), at_first=True),
    ),
    asides=(
        ("{P} is {n} years old.", 9, 16), ("{P}'s house number is {n}.", 3, 90),
        ("It was {n} degrees outside that day.", 12, 30), ("The shop was {n} kilometers away.", 2, 20),
    ),
)  # fmt: skip

_JOB = Scene(
    name="job",
    slots=("items", "item", "task", "pieces", "does", "do", "did", "done"),
    words=(
        ("pages", "page", "read a book with", "chapters", "reads", "read", "read", "read"),
        ("pieces", "piece", "finish a puzzle with", "sections", "places", "place", "placed", "placed"),
        ("squares", "square", "sew a quilt with", "rows", "sews", "sew", "sewed", "sewn"),
        ("envelopes", "envelope", "address a pile of", "bundles", "addresses", "address", "addressed", "addressed"),
        ("words", "word", "learn a list of", "units", "learns", "learn", "learned", "learned"),
        ("exercises", "exercise", "solve a workbook with", "chapters", "solves", "solve", "solved", "solved"),
        ("boards", "board", "paint a fence with", "sections", "paints", "paint", "painted", "painted"),
        ("photos", "photo", "sort a collection of", "folders", "sorts", "sort", "sorted", "sorted"),
    ),
    openings=(
        Move("had", between((40, 360)), ("{P} set out to {task} {a} {items}.", "Last month, {P} began to {task} {a} {items}.")),
        Move("pieces", between((3, 14), (8, 30)), (
            "{P} set out to {task} {a} {pieces} of {b} {items} each.",
            "Last month, {P} began to {task} {a} {pieces} of {b} {items} each.",
        ), (Step("*", "ab", "There were {calc} {items} in all."),)),
        Move("times a friend's", between((20, 90), (2, 4)), (
            "{F} set out to {task} {a} {items}, and {P} to {task} {b_times} as many {items}.",
        ), (Step("*", "ab", "{P} had {calc} {items} to {do}."),)),
    ),
    events=(
        Move("did", loss, ("{Then} {did} {a} {items}.", "{Then} {did} {a} of the {items}."), (Step("-", "xa", _WERE_LEFT),)),
        Move("daily", loss_each, (
            "For {b} days, {she} {did} {a} {items} a day.",
            "{Then} {did} {a} {items} on each of {b} days.",
        ), (Step("*", "ab", "In those days, {she} {did} {calc} {items}."), Step("-", "x1", _WERE_LEFT))),
        Move("afternoon", loss_twice, (
            "{Then} {did} {a} {items} in the morning and {b_times} as many in the afternoon.",
            "One Friday, {she} {did} {a} {items}, and on the Saturday after it {b_times} as many.",
        ), (
            Step("*", "ab", "The second time, {she} {did} {calc} {items}."), Step("+", "a1", "So {she} {did} {calc} {items}."),
            Step("-", "x2", _WERE_LEFT),
        )),
        Move("half", half, (
            "{Then} {did} half of the {items} that were still left.",
        ), (Step("/", "xa", "The other half was left, which is {calc} {items}."),)),
        Move("part", part, (
            "{Then} {did} {a_th} of the {items} that were still left.",
        ), (Step("/", "xa", "That was {calc} {items}."), Step("-", "x1", _WERE_LEFT))),
        Move("percent", percent, (
            "{Then} {did} {a}% of the {items} that were still left.",
        ), (Step("%", "xa", "That was {calc} {items}."), Step("-", "x1", _WERE_LEFT))),
        Move("evenings", loss_each, (
            "In the evenings {she} {did} {a} {items} at a time, which {she} managed {b} times.",
        ), (Step("*", "ab", "In the evenings, {she} {did} {calc} {items}."), Step("-", "x1", _WERE_LEFT))),
    ),
    endings=(
        Move("now", no_numbers, ("How many {items} are still left?", "How many {items} does {P} still have to {do}?")),
        Move("days", divisor, (
            "If {P} {does} {a} {items} a day from now on, how many more days does {she} need to finish?",
            "{P} wants to finish at a steady {a} {items} a day. How many more days will that take?",
        ), (Step("/", "xa", "{P} needs {calc} more days."),)),
        Move("a day", divisor, (
            "{P} has {a} days left to finish. How many {items} a day does {she} have to {do} if it is the same number every day?",
        ), (Step("/", "xa", "{P} has to {do} {calc} {items} a day."),)),
        Move("minutes", price, (
            "Each {item} takes {P} {a} minutes. How many more minutes does {she} need to finish?",
        ), (Step("*", "xa", "{P} needs {calc} more minutes."),)),
        Move("so far", no_numbers, (
            "How many {items} has {P} {done} so far?",
        ), (Step("-", "sx", "{P} has {done} {calc} {items}."),)),
        Move("helped", divisor, (
            "{P} and some friends, {a} people in all, divide the remaining {items} equally. How many will each of them {do}?",
        ), (Step("/", "xa", "Each of them has {calc} {items} to {do}."),)),
    ),
    asides=(
        ("{P} is {n} years old.", 9, 16), ("{P}'s house number is {n}.", 3, 90), ("It was {n} degrees outside.", 12, 30),
        ("{P} took a break of {n} minutes.", 5, 45),
    ),
)  # fmt: skip

_WORKS = Scene(
    name="works",
    slots=("works", "items", "did", "machines"),
    words=(
        ("a toy factory", "toy cars", "made", "machines"),
        ("a bakery", "bread rolls", "baked", "ovens"),
        ("a pottery", "bowls", "made", "potters"),
        ("a print shop", "posters", "printed", "presses"),
        ("a candle maker's", "candles", "made", "workers"),
        ("a brick works", "bricks", "fired", "kilns"),
        ("a knitting mill", "scarves", "knitted", "machines"),
        ("a soap maker's", "bars of soap", "made", "workers"),
    ),
    openings=(
        Move("hourly", between((12, 60), (3, 9)), (
            "The people at {works} {did} {a} {items} an hour for {b} hours.",
            "In {b} hours of work at {works}, {a} {items} were {did} every hour.",
        ), (Step("*", "ab", "In all, {calc} {items} were {did}."),)),
        Move("machines", between((3, 9), (12, 60)), (
            "At {works}, {a} {machines} {did} {b} {items} each.",
            "At {works} there are {a} {machines}, and each of them {did} {b} {items}.",
        ), (Step("*", "ab", "Together, the {machines} {did} {calc} {items}."),)),
        Move("machine hours", between((2, 6), (5, 25), (2, 8)), (
            "At {works}, {a} {machines} each {did} {b} {items} an hour and kept going for {c} hours.",
        ), (
            Step("*", "ab", "Every hour, the {machines} {did} {calc} {items}."),
            Step("*", "1c", "In all, they {did} {calc} {items}."),
        )),
        Move("shifts", between((20, 80), (2, 4)), (
            "The morning shift at {works} {did} {a} {items}, and the evening shift {did} {b_times} as many.",
        ), (Step("*", "ab", "The evening shift {did} {calc} {items}."), _BOTH_SHIFTS)),
        Move("fewer at night", between((60, 140), (5, 40)), (
            "The day shift at {works} {did} {a} {items}, and the night shift {did} {b} fewer than the day shift.",
        ), (Step("-", "ab", "The night shift {did} {calc} {items}."), _BOTH_SHIFTS)),
        Move("had", tens(80, 600), ("There were {a} {items} in stock at {works}.",)),
    ),
    events=(
        Move("more", gain, (
            "Another {a} {items} were {did}.",
            "Later that day, {a} more {items} were {did}.",
        ), (Step("+", "xa", _IN_ALL),)),
        Move("faulty", percent, (
            "A check found that {a}% of the {items} were faulty, and these were thrown away.",
        ), (Step("%", "xa", "So {calc} {items} were faulty."), Step("-", "x1", "That left {calc} good {items}."))),
        Move("damaged", loss, (
            "Of these {items}, {a} were damaged and had to be thrown away.",
        ), (Step("-", "xa", _WERE_LEFT),)),
        Move("ordered", loss_each, (
            "Then {b} shops ordered {a} {items} each, and all of these were sent off.",
        ), (Step("*", "ba", "The shops got {calc} {items}."), Step("-", "x1", _WERE_LEFT))),
        Move("half", half, (
            "Half of the {items} on hand were sent to a warehouse.",
        ), (Step("/", "xa", "The other half stayed, which is {calc} {items}."),)),
        Move("part", part, (
            "A market stall took {a_th} of the {items} on hand.",
        ), (Step("/", "xa", "The stall took {calc} {items}."), Step("-", "x1", _WERE_LEFT))),
        Move("returned", gain_each, (
            "Then {b} shops sent back {a} unsold {items} each, which were put with the rest.",
        ), (Step("*", "ba", "In all, {calc} {items} came back."), Step("+", "x1", _IN_ALL))),
        Move("doubled", double, (
            "A big order came in, so enough {items} were {did} to double the number on hand.",
        ), (Step("*", "xa", "That doubled the number to {calc} {items}."),)),
    ),
    endings=(
        Move("now", no_numbers, ("How many {items} are there now?", "How many {items} were on hand in the end?")),
        Move("boxes", divisor, (
            "The {items} on hand were packed in boxes of {a}. How many boxes were filled?",
        ), (Step("/", "xa", "They filled {calc} boxes."),)),
        Move("boxes sold", divided_and_priced, (
            "The {items} on hand were packed in boxes of {a}, and each box was sold for ${b}. How many dollars did the "
            "boxes bring in?",
        ), (Step("/", "xa", "They filled {calc} boxes."), Step("*", "1b", "The boxes brought in {cash}."))),
        Move("trucks", divisor, (
            "The {items} on hand were loaded onto {a} trucks in equal numbers. How many {items} were on each truck?",
        ), (Step("/", "xa", "Each truck carried {calc} {items}."),)),
        Move("sold", price, (
            "The {items} on hand were sold for ${a} each. How many dollars did they bring in?",
        ), (Step("*", "xa", "They brought in {cash}."),)),
        Move("profit", sold_and_spent, (
            "The {items} on hand were sold for ${a} each. Delivery cost ${b} in all. How many dollars were left after "
            "paying for delivery?",
        ), (Step("*", "xa", "The {items} brought in {cash}."), Step("-", "1b", "After paying for delivery, {cash} was left."))),
    ),
    asides=(
        ("The building is {n} years old.", 5, 90), ("It was {n} degrees outside.", 12, 30),
        ("The nearest town is {n} kilometers away.", 3, 40), ("The lunch break lasted {n} minutes.", 20, 60),
    ),
)  # fmt: skip

_CROWD = Scene(
    name="crowd",
    slots=("place", "people"),
    words=(
        ("a theater", "guests"), ("an open-air cinema", "guests"), ("a circus tent", "visitors"),
        ("a concert hall", "listeners"), ("a school hall", "parents"), ("a small stadium", "fans"),
    ),
    openings=(
        Move("rows", between((5, 20), (6, 25)), (
            "The seats in {place} form {a} rows of {b} seats each, and every seat was taken by one of the {people}.",
            "There are {a} rows of {b} seats in {place}, and all the seats were filled with {people}.",
        ), (Step("*", "ab", "There were {calc} {people}."),)),
        Move("buses", between((3, 12), (20, 50)), (
            "To get to {place}, {people} came in {a} buses with {b} {people} in each bus.",
            "On the way to {place} were {a} buses, each with {b} {people}, and all of them arrived.",
        ), (Step("*", "ab", "The buses brought {calc} {people}."),)),
        Move("two entrances", between((20, 90), (20, 90)), (
            "Into {place} came {a} {people} by the north door and {b} {people} by the south door.",
        ), (Step("+", "ab", "In all, {calc} {people} came in."),)),
        Move("front and back", between((20, 80), (2, 4)), (
            "There were {a} {people} in the front rows of {place} and {b_times} as many in the back rows.",
        ), (Step("*", "ab", "In the back, there were {calc} {people}."), Step("+", "a1", "In all, there were {calc} {people}."))),
        Move("had", between((40, 300)), ("There were {a} {people} in {place}.",)),
    ),
    events=(
        Move("left", loss, ("During the break, {a} {people} went home.", "When it began to rain, {a} {people} left."), (
            Step("-", "xa", _WERE_THERE),)),
        Move("came", gain, ("A little later, {a} more {people} came.", "Then {a} {people} joined them."), (
            Step("+", "xa", _WERE_THERE),)),
        Move("groups came", gain_each, (
            "Then {a} groups of {b} {people} each arrived.",
        ), (Step("*", "ab", "The groups brought {calc} {people}."), Step("+", "x1", _WERE_THERE))),
        Move("groups left", loss_each, (
            "To catch an early train, {a} groups of {b} {people} each went home.",
        ), (Step("*", "ab", "In these groups, {calc} {people} went home."), Step("-", "x1", _WERE_THERE))),
        Move("half", half, (
            "After the first hour, half of the {people} who were there went home.",
        ), (Step("/", "xa", "The other half stayed, which is {calc} {people}."),)),
        Move("part", part, (
            "Before the last song, {a_th} of the {people} who were there went home.",
        ), (Step("/", "xa", "So {calc} {people} went home."), Step("-", "x1", _WERE_THERE))),
        Move("percent", percent, (
            "Because of the cold, {a}% of the {people} who were there went home.",
        ), (Step("%", "xa", "So {calc} {people} went home."), Step("-", "x1", _WERE_THERE))),
        Move("doubled", double, (
            "When word got around, the number of {people} there doubled.",
        ), (Step("*", "xa", _WERE_THERE),)),
    ),
    endings=(
        Move("now", no_numbers, ("How many {people} were there in the end?",)),
        Move("tickets", price, (
            "Each of the {people} who were there at the end paid ${a} for a souvenir. How many dollars is that in all?",
        ), (Step("*", "xa", "The {people} paid {cash}."),)),
        Move("buses", divisor, (
            "All the {people} who were there at the end went home in vans, with {a} of them in each van. How many vans was that?",
        ), (Step("/", "xa", "They took {calc} vans."),)),
        Move("tables", divisor, (
            "At the end, all who were there sat down at {a} tables, the same number at each. How many sat at each table?",
        ), (Step("/", "xa", "At each table sat {calc} {people}."),)),
        Move("fewer than at first", no_numbers, (
            "How many fewer {people} were there at the end than at first?",
        ), (Step("-", "sx", "At the end there were {calc} fewer {people}."),), at_first=True),
        Move("more than at first", no_numbers, (
            "How many more {people} were there at the end than at first?",
        ), (Step("-", "xs", "At the end there were {calc} more {people}."),), at_first=True),
        Move("no glasses", percent, (
            "Of the {people} who were there at the end, {a}% wore glasses. How many of them did not wear glasses?",
        ), (Step("%", "xa", "So {calc} {people} wore glasses."), Step("-", "x1", "And {calc} {people} did not."))),
    ),
    asides=(
        ("The show lasted {n} minutes.", 45, 150), ("It was {n} degrees outside.", 8, 30),
        ("The building is {n} years old.", 5, 90),
        ("A poster at the door showed {n} stars.", 3, 20),
    ),
)  # fmt: skip

SCENES = (_THINGS, _MONEY, _JOB, _WORKS, _CROWD)

SHES = tuple("Maya Nora Lena Priya Sofia Amara Ingrid Hannah Mei Zoe Clara Fatima Rosa Ayumi Tessa Olga".split())
HES = tuple("Omar Felix Jonas Ravi Mateo Kofi Lars Samuel Wei Theo Hugo Yusuf Pablo Kenji Oscar Ivan".split())
KIN = ("brother", "sister", "cousin", "neighbor", "uncle", "aunt", "grandmother", "best friend")
THEN = ("{She}", "Then {she}", "After that, {she}", "Later, {she}", "{P}", "Next, {she}")
PARTS = {3: "one third", 4: "one quarter", 5: "one fifth"}
