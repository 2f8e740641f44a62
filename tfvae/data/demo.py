"""The demo corpus: English utterances from a small grammar, each with a true topic, act and polarity.

It needs no download, and its labels say what a mixture prior ought to find. The act chooses a sentence's frame; the topic chooses a kind of
thing (a dish, a driver, the wind) with its nouns, fitting adjectives and verb phrases; the polarity chooses among the options of both.
"""

import dataclasses
import random
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from tfvae.data.corpus import Corpus, Split
from tfvae.data.turn import Turn, alternating

T = TypeVar("T")

_SEED = 1
_CELL_SIZES = {"train": 250, "valid": 25, "test": 25}  # sentences for each of the 5 * 4 * 2 combinations of classes
_LONGEST = 16  # tokens
_POLARITIES = {"positive": "+", "negative": "-"}
_LEADS_TO = {"inform": "question", "question": "inform", "reply": "request", "request": "reply"}  # which act comes before each
_LONGEST_CONTEXT = 3  # turns
_ACTS = {"inform": "{?open} {inform} {calm}", "question": "{?open} {question} ?", "request": "{?open} {request}", "reply": "{reply} {calm}"}

# Fields are "slot: option|option|..."; those of one slot add up. In an option, {slot} stands for one of the options of `slot`; {?slot} does
# in two cases of ten. `slot+` and `slot-` hold further options of `slot`, for positive and for negative sentences.
_COMMON = """
    inform: {det} {noun} {?where} was {?very} {adj} {?past}|{det} {noun} {?where} was {?very} {adj} {?past}
    inform: i think {det} {noun} {?where} is {?very} {adj}|you were right , {det} {noun} {?where} was {?very} {adj}
    inform: {feeling} {np} {?where}|{who} {liked} {np} {?past}|{who} {liked} {np} {?where}
    inform+: nothing beats {np} {?where}|{det} {noun} {?where} wasn't {adj-} at all
    inform-: nothing is worse than {np} {?where}|{det} {noun} {?where} wasn't {adj+} at all
    question: what makes {det} {noun} {?where} so {adj}|why was {det} {noun} {?where} so {adj} {?past}
    question: was {det} {noun} {?where} really {adj} {?past}|is {det} {noun} {?where} really {adj}|do you find {det} {noun} {?where} {adj}
    question: you think {det} {noun} {?where} is {?very} {adj}|i think {det} {noun} was {?very} {adj} , don't you
    question: did {whom} enjoy {np} {?where}|have you heard about {np} {?where}|who told you about {np} {?where}
    question+: where can i find such {one} {?where}|would {whom} recommend {np} {?where}
    question-: why did nobody mention {np} {?where}|how can anyone enjoy {np} {?where}
    question-: aren't you tired of {np} {?where}
    request: {order} {urge}|{order} {urge}|{order} {urge}|{order} {urge}|{plea} ?
    order+: please {do} {?future}|let's {do} {?future}|i think you should {do} {?future}|you really must {do} {?future}
    order+: don't forget to {do} {?future}|make sure to {do} {?future}|please remind {them} to {do}
    order-: please don't {do}|let's not {do} {?future}|i think you should not {do} {?future}|you really must not {do}
    order-: don't let {them} {do} {?future}|never {do} again
    plea+: could you please {do} {?future}|would you kindly {do} {?future}
    plea-: could you please not {do}|would you please not {do} {?future}
    reply: {?open} {answer}|{?open} {answer}|{?open} {answer}|{yes} , {answer}
    answer+: i will gladly {do} {?future}|we'll happily {do} {?future}|i promise to {do} {?future}|i'd love to {do} {?future}
    answer+: count on me to {do} {?future}|i think i will {do} {?future}|we can't wait to {do} {?future}|i'll {do} , that sounds great
    answer-: i won't {do} again|i refuse to {do} {?future}|i promise not to {do}|i'd rather not {do} {?future}
    answer-: you won't see me {do}|i think i will not {do} {?future}|we can't {do} {?future}
    open: {opener}|; opener: well ,|so ,|you know ,|honestly ,|by the way ,|to be honest ,
    yes+: yes|sure|of course|okay|great|all right; yes-: no|sorry|no thanks|no way|oh no
    det: the|the|this|that; np: {det} {adj} {noun}; one: a {adj} {noun}
    calm: .|.|.|.|.|.|.|.|.|.|.|.|.|.|.|!; urge: !|!|!|!|!|!|!|!|!|!|!|!|!|!|!|.
    very: really|so|very; very+: wonderfully|truly; very-: terribly|far too|a bit too
    who: we|i|my friends|they|my parents; whom: you|they|your sister|the others; them: your sister|your parents|the others|everyone
    liked+: loved|enjoyed|praised; liked-: hated|disliked|complained about|couldn't stand
    feeling+: i was delighted with|we were happy with|i am fond of|everyone liked
    feeling-: i was upset about|we were unhappy with|i am sick of|nobody liked
    past: yesterday|last week|last weekend|on sunday|the other day; future: today|tomorrow|this weekend|next week|on friday
    meal: lunch|dinner|supper; city: lisbon|naples|oslo|athens|dublin
    nice: friendly|polite|helpful|patient|cheerful|charming|kind; nasty: rude|careless|grumpy|impatient|arrogant|lazy|unfriendly
"""

# The kinds of things of each topic, with a blank line between two kinds. The verb phrases, {do}, are ones that one can ask for and promise.
_TOPICS = {
    "food": """
        noun: soup|curry|pizza|burger|steak|omelette|stew|lasagne; where: at the harbour cafe|on the menu|at the pizzeria|from the kitchen
        adj+: tasty|delicious|fresh|healthy|filling|lovely; adj-: salty|greasy|bland|cold|spicy|heavy
        do: order {np}|eat {np}|share {np}|cook {np} for {meal}|serve {np} to the guests

        noun: coffee|tea|lemonade|smoothie|iced coffee|apple juice; where: at the harbour cafe|from the bakery|on the menu|at the bar
        adj+: refreshing|tasty|delicious|lovely|fresh; adj-: watery|bitter|weak|sugary|expensive
        do: drink {np}|order {np} at the bar|serve {np} with the cake|try {np}

        noun: cafe|restaurant|bistro|pizzeria|tea room; where: by the harbour|on the market square|next to the bakery|near the cinema
        adj+: cosy|welcoming|charming|quiet|popular|lovely; adj-: noisy|crowded|dirty|expensive|stuffy|gloomy
        do: book a table at {np}|have {meal} at {np}|eat at {np}|eat pancakes at {np}|order dessert at {np}

        noun: waiter|waitress|chef|cook|barman; where: at the harbour cafe|at the restaurant|in the kitchen|from the pizzeria
        adj+: {nice}; adj-: {nasty}
        do: ask {np} for the menu|order {meal} from {np}|invite {np} for a drink|cook with {np}
    """,
    "travel": """
        noun: train|bus|ferry|flight|night train|tour bus; where: to {city}|to {city}|from the capital
        adj+: comfortable|fast|punctual|cheap|reliable|quiet; adj-: slow|crowded|bumpy|noisy|uncomfortable|expensive
        do: take {np} to {city}|catch {np}|book seats on {np}|travel to {city} on {np}|book {np}

        noun: hotel|hostel|guesthouse|campsite|cottage|beach resort; where: in {city}|near the airport|by the lake|in the mountains
        adj+: clean|comfortable|charming|cosy|peaceful|lovely; adj-: dirty|noisy|shabby|uncomfortable|expensive|gloomy
        do: stay at {np} in {city}|leave the luggage at {np}|book {np} for the trip|stay at {np}|reserve {np}

        noun: museum|castle|cathedral|harbour|island|palace; where: near {city}|on the south coast|in the travel guide|across the bay
        adj+: beautiful|fascinating|lovely|peaceful|impressive|charming; adj-: dusty|crowded|boring|dull|shabby|expensive
        do: visit {np}|explore {np}|take a tour of {np}|show the tourists {np}|buy souvenirs near {np}

        noun: tour guide|bus driver|steward|receptionist|travel agent|taxi driver; where: at the airport|at the station|in {city}
        adj+: {nice}; adj-: {nasty}
        do: ask {np} about the timetable|follow {np} through {city}|show {np} the tickets|travel with {np}|book a trip with {np}
    """,
    "weather": """
        noun: weather|spring weather|summer weather|autumn weather|holiday weather; where: on the coast|in the valley|up north|by the lake
        adj+: mild|warm|sunny|dry|pleasant|lovely; adj-: wet|cold|grey|stormy|rainy|gloomy|humid; one: {adj} {noun}
        do: work outside in {np}|plant roses in {np}|hike in {np}|camp in {np}|have a picnic in {np}; future: today|tomorrow

        noun: breeze|wind|sea breeze|evening breeze|east wind; where: on the beach|on the coast|from the hills|over the lake
        adj+: gentle|mild|warm|fresh|pleasant|soft; adj-: icy|harsh|cold|strong|chilly|gusty
        do: sail in {np}|fly the kite in {np}|sit outside in {np}|dry the washing in {np}|walk on the beach in {np}; future: today|tomorrow

        noun: rain|drizzle|snow|mist|morning mist|summer rain; where: in the valley|over the hills|in the mountains|on the coast
        adj+: light|gentle|soft|pleasant|refreshing; adj-: heavy|icy|cold|nasty|persistent|unpleasant; one: {adj} {noun}
        do: walk the dog in {np}|cycle to work in {np}|wait outside in {np}|carry an umbrella in {np}|run in {np}; future: today|tomorrow

        noun: sky|sunset|sunrise|horizon|evening sky; where: over the sea|above the hills|over the lake|above the beach
        adj+: clear|colourful|bright|golden|beautiful|lovely; adj-: cloudy|grey|gloomy|hazy|dull|dark
        do: watch {np} from the hill|photograph {np}|paint {np}|show the children {np}

        noun: forecast|weather report|weather map|storm warning; where: for the weekend|for the coast|for the mountains|for the valley
        adj+: accurate|reliable|clear|detailed|precise; adj-: unreliable|vague|misleading|inaccurate|confusing
        do: check {np} before the picnic|trust {np}|show {np} to the sailors|send {np} to the farmers|plan the picnic with {np}
    """,
    "sport": """
        noun: match|race|final|game|tournament|football match; where: at the stadium|at the arena|against the champions
        adj+: exciting|thrilling|fair|gripping|lively|entertaining; adj-: boring|dull|slow|unfair|chaotic|predictable
        do: watch {np} with the fans|buy tickets for {np}|go to {np}|film {np}|train for {np}

        noun: workout|training session|yoga class|swimming lesson|exercise plan; where: at the gym|at the pool|at the sports club
        adj+: relaxing|effective|energetic|enjoyable|pleasant|safe; adj-: exhausting|painful|tiring|boring|stressful|strenuous
        do: try {np} with the team|sign up for {np}|finish {np}|recommend {np} to the players|repeat {np}

        noun: gym|swimming pool|fitness studio|sports hall|boxing club; where: next to the stadium|behind the school|near the old arena
        adj+: clean|modern|spacious|bright|welcoming|popular; adj-: dirty|crowded|smelly|noisy|shabby|stuffy
        do: train at {np}|exercise at {np}|meet the team at {np}|bring the players to {np}|play at {np}

        noun: coach|trainer|goalkeeper|referee|captain|team doctor|striker; where: of our club|at the gym|of the team|at the stadium
        adj+: {nice}; adj-: {nasty}
        do: train with {np}|play tennis with {np}|ask {np} about the match|run ten miles with {np}|practise with {np}
    """,
    "technology": """
        noun: laptop|phone|tablet|printer|camera|headset|router|keyboard; where: from the online shop|in the office|on my desk|from the shop
        adj+: reliable|handy|affordable|sturdy|modern|stylish; adj-: bulky|fragile|outdated|expensive|flimsy|unreliable
        do: buy {np} online|connect {np} to the computer|repair {np}|use {np} at the office|test {np}

        noun: app|browser|search engine|photo editor|virus scanner; where: on my phone|on the laptop|on the computer|from the app store
        adj+: fast|secure|simple|intuitive|reliable|clever; adj-: slow|buggy|confusing|insecure|complicated|unstable
        do: install {np} on the laptop|download {np}|run {np} on the tablet|use {np}|update {np}

        noun: server|network|cloud drive|web server|database; where: at the office|at the university|behind the website|of the online shop
        adj+: fast|secure|stable|modern|reliable; adj-: slow|insecure|unstable|outdated|unreliable
        do: upload the files to {np}|store the photos on {np}|move the data to {np}|restart {np}|connect the computer to {np}

        noun: technician|programmer|developer|engineer|salesman; where: at the computer shop|from the helpdesk|in the office|on the phone
        adj+: {nice}; adj-: {nasty}
        do: ask {np} for the password|call {np} about the screen|send {np} the files|test the software with {np}|email {np}
    """,
}


def read(context: int = 0) -> Corpus:
    """Generates the demo corpus: the same 10,000, 1,000 and 1,000 sentences each time, no two alike.

    Args:
      context: turns, at most, that a sentence comes with: others of the same topic and polarity, each act following upon one other.

    Returns:
      a corpus with the labels `topic`, `act` and `polarity`. In a split each combination of their classes has the same number of sentences:
      the labels are uniform and independent.
    """
    rng = random.Random(_SEED)
    rows: dict[str, list[tuple[str, tuple[int, int, int]]]] = {name: [] for name in _CELL_SIZES}
    seen: set[str] = set()
    for polarity, sign in enumerate(_POLARITIES.values()):
        for topic, kinds in enumerate(_TOPICS.values()):
            grammars = [_grammar(kind, sign) for kind in kinds.split("\n\n")]
            for act, template in enumerate(_ACTS.values()):
                for name, size in _CELL_SIZES.items():
                    rows[name] += [(_write(template, grammars, seen, rng), (topic, act, polarity)) for _ in range(size)]
    label_names = {"topic": tuple(_TOPICS), "act": tuple(_ACTS), "polarity": tuple(_POLARITIES)}
    splits = {name: _split(rows[name], tuple(label_names), rng) for name in rows}
    if context:
        splits = {name: _with_contexts(split, context, random.Random(_SEED)) for name, split in splits.items()}
    return Corpus("demo", splits["train"], splits["valid"], splits["test"], label_names)


def _with_contexts(split: Split, context: int, rng: random.Random) -> Split:
    """Puts sentences before each: of its topic and polarity, and of the act that leads to its act."""
    cells: dict[tuple[int, ...], list[str]] = {}
    rows = list(zip(*(split.labels[name].tolist() for name in ("topic", "act", "polarity")), strict=True))
    for text, row in zip(split.items, rows, strict=True):
        cells.setdefault(row, []).append(text)
    acts = list(_ACTS)
    turns = []
    for text, (topic, act, polarity) in zip(split.items, rows, strict=True):
        before: list[str] = []
        for _ in range(min(context, 1 + int(rng.random() * _LONGEST_CONTEXT))):
            act = acts.index(_LEADS_TO[acts[act]])
            before.insert(0, _choose(cells[topic, act, polarity], rng))
        turns.append(Turn(text, alternating(before)))
    return dataclasses.replace(split, items=turns)


def _split(rows: list[tuple[str, tuple[int, int, int]]], label_names: Sequence[str], rng: random.Random) -> Split:
    """Shuffles sentences along with their labels."""
    rows = sorted(rows, key=lambda row: rng.random())
    labels = np.array([classes for _, classes in rows], np.int32)  # [N, 3]
    return Split(
        items=[text for text, _ in rows],
        labels={name: labels[:, column].copy() for column, name in enumerate(label_names)},
        origin="demo",
        lines=np.arange(1, len(rows) + 1, dtype=np.int64),
    )


def _write(template: str, grammars: Sequence[Mapping[str, Sequence[str]]], seen: set[str], rng: random.Random) -> str:
    """Returns a sentence that is not among those seen, and adds it to them."""
    while True:
        words = _expand(template, _choose(grammars, rng), rng).split()
        text = re.sub(r"\ba (?=[aeiou])", "an ", " ".join(words))
        long_words = [word for word in words if len(word) > 3]
        repeats = len(long_words) > len(set(long_words))  # clumsy: "watch this match this weekend"
        if text not in seen and not repeats and len(words) <= _LONGEST:
            seen.add(text)
            return text


def _grammar(kind: str, sign: str) -> dict[str, list[str]]:
    """Returns the options of every slot in sentences of one polarity about one kind of thing."""
    slots = _parse(_COMMON) | _parse(kind)
    for name in [name for name in slots if name.endswith(sign)]:
        slots[name[:-1]] = slots.get(name[:-1], []) + slots[name]
    return slots


def _parse(text: str) -> dict[str, list[str]]:
    """Reads fields "slot: option|option|...", on lines of their own or behind semicolons."""
    slots: dict[str, list[str]] = {}
    for field in re.split("[;\n]", text.strip()):
        name, options = field.strip().split(": ")
        slots.setdefault(name, []).extend(options.split("|"))
    return slots


def _expand(template: str, slots: Mapping[str, Sequence[str]], rng: random.Random) -> str:
    """Fills a template's slots from left to right."""

    def fill(slot: re.Match[str]) -> str:
        if slot[1] and rng.random() > 0.2:
            return ""
        return _expand(_choose(slots[slot[2]], rng), slots, rng)

    return re.sub(r"\{(\??)(.*?)\}", fill, template)


def _choose(options: Sequence[T], rng: random.Random) -> T:
    """Draws an option by `random.random` alone, whose numbers Python promises not to change."""
    return options[int(rng.random() * len(options))]
