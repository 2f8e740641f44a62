"""The path of a dialogue model: codes of turns first, then answers with the recognition networks as they are."""

import io
import re
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfvae.cli.chat import Chat
from tfvae.cli.model import SMOKE
from tfvae.data import demo
from tfvae.errors import UserError
from tfvae.evaluation.evaluate import evaluate, figures_of
from tfvae.export.saved_model import export
from tfvae.export.settings import Settings
from tfvae.export.signatures import make_signatures
from tfvae.registry import resolve
from tfvae.reports.report import report
from tfvae.training.fit import fit, load

BASE = {**SMOKE, "data.limit": 40, "latent.hidden_dim": 8, "training.epochs": 1}
CONVERSATIONS = [
    ["is this soup fresh ?"],
    ["the train was slow .", "", "why was the train so slow ?"],
    [],
    ["unheard-of wörds", "  "],
    ["i will order the soup .", "please order the soup !"] * 25,
]


@pytest.fixture(scope="module")
def folder(untrained, tmp_path_factory):
    """A run of dem_vae on turns, untrained, and one of dialog_dem_vae that begins with it."""
    path = tmp_path_factory.mktemp("runs")
    fields = {"data__context": 3, "data__limit": 40, "latent__hidden_dim": 8}
    first = untrained(path / "first", "dem_vae", **fields)
    begins = {"training.init_from": str(first.path), "training.freeze": "encoder,latent", "data.context": 3}
    fit(resolve("dialog_dem_vae", "demo", overrides=begins, base=BASE), str(path / "second"), say=lambda line: None)
    return path


@pytest.fixture(scope="module")
def model(folder):
    """The second, with weights so different that its answers are."""
    made = load(str(folder / "second"))
    for part in (made.vae.decoder, made.responder.policy):
        for weight in part.trainable_weights:
            weight.assign(3 * weight)
    return made


def test_what_was_frozen_is_as_it_was_and_the_policy_has_learnt(folder):
    first, second = (load(str(folder / name)).vae for name in ("first", "second"))
    for part in ("encoder", "latent"):
        for own, other in zip(getattr(second, part).weights, getattr(first, part).weights, strict=True):
            np.testing.assert_array_equal(own, other)
    [policy] = [part for part in second.auxiliaries if part.name == "policy"]
    assert np.any(policy.outputs.bias.numpy())


def test_an_answer_depends_on_its_conversation_alone(model):
    texts, codes, probabilities = model.respond(CONVERSATIONS, max_length=9)
    assert len(texts) == 5 and codes.shape == (5, 2) and probabilities.shape == (5, 2, 4)
    np.testing.assert_array_equal(codes, probabilities.argmax(-1))
    np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=1e-5)
    for place, conversation in enumerate(CONVERSATIONS):
        [text], [code], [policy] = model.respond(conversation, start=place, max_length=9)
        assert text == texts[place]
        np.testing.assert_array_equal(code, codes[place])
        np.testing.assert_allclose(policy, probabilities[place], rtol=1e-4)
    assert len(set(texts)) > 1
    same = [["a", "b", "the train was slow .", "why ?", "oh ."], ["the train was slow .", "why ?", "oh ."]]  # the last three count
    answers, *_ = model.respond(same, method="greedy")
    assert np.ptp(model.respond(same)[2], axis=0).max() < 1e-6 and len(answers) == 2


def test_held_codes_are_held_and_change_the_answer(model):
    answers = {}
    for topic in range(4):
        texts, codes, probabilities = model.respond(CONVERSATIONS[:2], component={0: topic}, max_length=9)
        assert codes[:, 0].tolist() == [topic, topic]
        np.testing.assert_array_equal(codes[:, 1], probabilities.argmax(-1)[:, 1])
        answers[topic] = tuple(texts)
    assert len(set(answers.values())) > 1
    turn = demo.read(2).test.items[0]
    assert model.respond([turn])[0] == model.respond([said.text for said in turn.context])[0]


@pytest.mark.parametrize(
    ("contexts", "message"),
    [("hello", "must be a list of what was said"), ([["a"], 3], r"contexts\[1\]: must be a list"), ([["a", 3]], r"contexts\[0\], turn 2")],
)
def test_what_is_no_conversation_is_told(model, contexts, message):
    with pytest.raises(UserError, match=message):
        model.respond(contexts)


def test_a_model_without_a_policy_answers_nothing(folder, refuse):
    with pytest.raises(UserError, match="this model answers nothing: it has no policy; train --model=dialog_dem_vae"):
        load(str(folder / "first")).respond(["hello"])
    assert "it has no policy" in refuse("chat", f"--run={folder / 'first'}")
    assert "--run is missing" in refuse("chat")


def test_a_server_answers_as_python_does(model):
    signature = make_signatures(model, Settings(max_length=9))["respond"]
    respond = tf.function(signature.function, autograph=False)
    rows = [(texts[-3:] + [""] * 3)[:3] for texts in ([said for said in texts if said.strip()] for texts in CONVERSATIONS)]
    held = np.array([[-1, -1], [2, -1], [0, 3], [-1, 1], [-1, 7]], np.int32)
    answer = respond(contexts=tf.constant(rows), components=tf.constant(held), seed=tf.range(5))
    status = [text.decode() for text in answer["status"].numpy()]
    assert status[:4] == [""] * 4 and status[4].startswith("components: must be from 0 to 3")
    assert answer["turns"].numpy()[4] == b"" and answer["codes"].numpy()[4].tolist() == [-1, -1]
    for row in range(4):
        [text], [codes], [probabilities] = model.respond(CONVERSATIONS[row], component=held[row], seed=row, max_length=9)
        assert answer["turns"].numpy()[row].decode() == text
        np.testing.assert_array_equal(answer["codes"][row], codes)
        np.testing.assert_allclose(answer["probabilities"][row], probabilities, rtol=1e-4)


def test_a_chat_shows_codes_and_holds_them(model):
    chat = Chat(model, max_length=5)
    answer, code = chat.hear("hello")
    assert chat.turns == ["hello", answer] and code.startswith("  [0:")
    assert list(chat.hear("/hold 0:2, 1:1")) == ["held: 0:2, 1:1"]
    assert list(chat.hear("how are you ?"))[1] == "  [0:2, 1:1]"
    assert list(chat.hear("/free 0")) == ["held: 1:1"] and list(chat.hear("/free")) == ["held: nothing"]
    assert len(list(chat.hear("/again"))) == 2 and len(chat.turns) == 4
    assert [line.count(":") for line in chat.hear("/codes")] and not list(chat.hear(""))
    assert list(chat.hear("/new")) == ["a new conversation"] and chat.turns == []
    for line, said in (("/hold", "error: what is held is missing"), ("/hold 0:9", "error: 0:9: "), ("/free 7", "error: 7: variables")):
        assert next(chat.hear(line)).startswith(said)
    assert next(chat.hear("/sing")).startswith("/sing is no command:\n/hold")


def test_a_terminal_converses(folder, command, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("hello\n/hold 1:2\nwhy ?\n/quit\nnot heard\n"))
    status, out, _ = command("chat", f"--run={folder / 'second'}", "--component=0:1", "--max_length=4")
    lines = out.splitlines()
    assert (
        status == 0
        and len(lines) == 5
        and lines[1].startswith("  [0:1, 1:")
        and lines[2] == "held: 0:1, 1:2"
        and lines[4] == "  [0:1, 1:2]"
    )


def group_of(run, name, **settings):
    """The figures of one group; a run keeps those of others too."""
    document = evaluate(str(run), metrics=[name], **settings)
    return figures_of({"metrics": {name: document["metrics"][name]}})


def test_answers_are_measured(folder):
    figures = {figure.name: figure for figure in group_of(folder / "second", "answers")}
    shares = {"policy_accuracy", "code_consistency", "held_consistency", "answer_distinct_1", "answer_distinct_2"}
    others = {"answer_bleu", "answer_average", "answer_extrema", "answer_greedy", "answer_perplexity"}
    assert set(figures) == shares | others
    assert all(0 <= figures[name].value <= 1 for name in shares) and figures["answer_perplexity"].value > 1
    first = evaluate(str(folder / "first"), metrics=["answers"])
    assert first["metrics"]["answers"]["absent"] == "this model answers nothing: it has no policy"


@pytest.mark.slow
def test_a_report_has_conversations(folder):
    page = report(str(folder / "second")).read_text(encoding="utf-8")
    _, after = page.split('<section id="conversations">')
    shown = after.partition("</section>")[0]
    assert shown.count("other speaker") >= 4 and shown.count("true turn, 0:") == 4 and shown.count("answer, 0:") == 4
    assert len(re.findall(r"<td [^>]*>[01]:[0-3] held</td>", shown)) == 16
    assert 'id="conversations"' not in report(str(folder / "first")).read_text(encoding="utf-8")


def test_held_answers_are_read_by_a_classifier_and_a_language_model(folder):
    found = {figure.full_name: figure for figure in group_of(folder / "second", "held_answers", sentences=6, generated=20)}
    names = ("reader_accuracy", "held_class", "free_class", "changed_class")
    of_labels = {f"{name}[{label}]" for name in names for label in demo.read(2).test.labels}
    assert set(found) == of_labels | {"free_perplexity", "held_perplexity", "held_perplexity_rise"}
    assert all(0 <= found[name].value <= 1 for name in of_labels)
    free, held = (found[f"{name}_perplexity"].value for name in ("free", "held"))
    assert found["held_perplexity_rise"].value == pytest.approx(held / free - 1)


@pytest.mark.slow
def test_an_export_of_it_is_checked(folder, tmp_path):
    path = export(str(folder / "second"), str(tmp_path), settings=Settings(samples=2, max_length=6))
    assert "respond" in tf.saved_model.load(str(path)).signatures
