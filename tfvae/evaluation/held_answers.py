"""What holding a code does to answers in conversations: whether they say what it stands for, and how probable they still are."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tfvae.evaluation.accuracy import nothing_to_learn
from tfvae.evaluation.answers import answered, share
from tfvae.evaluation.contingency import adjusted_mutual_information, contingency
from tfvae.evaluation.figure import Figure, ratio
from tfvae.evaluation.language_model import EPOCHS, SIZE, LanguageModel, perplexity, real_texts, split_of
from tfvae.evaluation.latent_use import information
from tfvae.evaluation.material import Material
from tfvae.evaluation.subject import Subject
from tfvae.evaluation.supervised import FEATURES, predict_classes


def held_answers(subject: Subject) -> Iterator[Figure]:
    """Yields the figures of greedy answers in which one variable holds each of its topics in turn, beside those where the policy chooses.

    For each label the variable is the one whose code tells most of it in training turns; where there are none, whose code tells most.
    """
    items = [subject.data.items[i] for i in subject.choose(subject.sentences)]
    free, *_ = answered(subject, items)
    meanings = _meanings(Material(subject))
    most = int(information(subject.posteriors.probabilities).mean(axis=0).argmax())
    variables = sorted({variable for variable, _ in meanings.values()}) or [most]
    held = {variable: _held(subject, items, variable) for variable in variables}
    for label, (variable, classes) in meanings.items():
        yield from _classes(subject, label, classes, free, held[variable])
    yield from _perplexities(subject, free, [text for topics in held.values() for texts in topics.values() for text in texts])


def _held(subject: Subject, items: Sequence[str], variable: int) -> dict[int, list[str]]:
    """Answers in which a variable holds each of its topics."""
    topics, found = subject.model.topics.numbers(variable), {}
    for topic in subject.progress(f"answers, variable {variable} held", topics, len(topics)):
        found[topic], *_ = answered(subject, items, subject.model.held({variable: topic}, len(items)))
    return found


def _meanings(material: Material) -> dict[str, tuple[int, dict[int, int]]]:
    """For each label the variable whose code tells most of it, and the class that most training turns of each topic have."""
    codes, found = material.subject.model.encode(material.train.items)["codes"], {}
    for label, truth in material.train.labels.items():
        if nothing_to_learn(truth, truth):
            continue
        variable = int(np.argmax([adjusted_mutual_information(contingency(truth, own)) for own in codes.T]))
        own = codes[:, variable]
        found[label] = variable, {int(topic): int(np.bincount(truth[own == topic]).argmax()) for topic in np.unique(own)}
    return found


def _classes(
    subject: Subject, label: str, meanings: Mapping[int, int], free: Sequence[str], held: Mapping[int, Sequence[str]]
) -> Iterator[Figure]:
    """Yields how often answers have the class that the topic they hold stands for, as a classifier of texts reads them."""
    topics = [topic for topic in held if topic in meanings]  # without those that no training turn has
    texts = [*subject.data.items, *free, *(text for topic in topics for text in held[topic])]
    material, reader = Material(subject, data=split_of(texts)), FEATURES[subject.model.modality.unit]
    classes = predict_classes(*reader.make(material), material.train.labels[label])
    true, own, theirs = np.split(classes, np.cumsum([len(subject.data), len(free)]))
    theirs = theirs.reshape(len(topics), len(free))
    meant = np.array([meanings[topic] for topic in topics])[:, np.newaxis]
    settings = {"label": label, "fitted_to": len(material.train), "answers": len(free), "topics": len(topics)}
    how = f"are read right, by logistic regression on {reader.how}, taught by training turns: how far it is to be trusted"
    yield share("reader_accuracy", true == subject.data.labels[label], f"true turns that {how}", settings)
    how = "that are read as of the class that most training turns of a topic have"
    yield share("held_class", (theirs == meant).T, f"answers {how}, the topic held; a mean over contexts and topics", settings)
    yield share("free_class", (own == meant).T, f"answers {how}, the policy choosing: what those of held topics are to beat", settings)
    how = "read as of another class than what the policy answers to the same"
    yield share("changed_class", (theirs != own).T, f"answers, a topic held, that are {how}", settings)


def _perplexities(subject: Subject, free: Sequence[str], held: Sequence[str]) -> Iterator[Figure]:
    """Yields the perplexity of answers under a language model of real turns."""
    train, valid = real_texts(subject)
    model = LanguageModel(subject, train, valid)
    settings = {"turns": len(train), "units": SIZE, "epochs": EPOCHS, "seed": subject.seed}
    how = f"under an rnn_lm of {SIZE} units of {len(train):,} training turns, which knows no contexts; ends counted"
    rates = []
    for name, texts, which in (("free_perplexity", free, "the policy choosing"), ("held_perplexity", held, "topics held")):
        log_prob, tokens = model.judge(split_of(texts))
        value, error = perplexity(log_prob, tokens)
        yield Figure(name, value, error, "a token", f"that of answers, {which}, {how}", {**settings, "answers": len(texts)})
        rates.append(ratio(-log_prob, tokens)[0])
    estimator = "by how much holding a topic raises the perplexity of answers"
    yield Figure("held_perplexity_rise", float(np.expm1(rates[1] - rates[0])), None, "share", estimator, settings)
