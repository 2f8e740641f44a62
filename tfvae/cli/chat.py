"""tfvae-chat: a conversation in a terminal, whose answers' codes are shown and may be held."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from tfvae.cli.command import run_command
from tfvae.cli.model import decoding_from_flags, define_decoding_flags
from tfvae.errors import UserError

if TYPE_CHECKING:
    from tfvae.models.model import Model

SUMMARY = "Answers what you write, a line a turn, shows the code that each answer was written from, and lets you hold or free codes."
_HELP = """/hold 0:2   answers hold component 2 of variable 0; names of topics do too
/free       the policy chooses every code again; /free 0 that of variable 0 alone
/again      answers once more, by other noise
/codes      shows how probable the policy finds each code of the next answer
/new        begins another conversation
/quit       ends; so does the end of input"""


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _chat)


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string("run", "", "Run directory of a trained model of dialogues.", flag_values=values)
    flags.DEFINE_multi_string("component", [], "Holds variable j at component k, written j:k, or by its name.", flag_values=values)
    define_decoding_flags(values, "greedy")


def _chat(values: flags.FlagValues) -> None:
    from tfvae.training.fit import load

    decoding = decoding_from_flags(values, "greedy")
    if not values.run:
        raise UserError("--run is missing: name the directory of a trained model of dialogues")
    model = load(values.run)
    chat = Chat(model, seed=values.seed, **decoding)
    if values.component:
        chat.hold(values.component)
    asked = sys.stdin.isatty()
    if asked:
        print("/help lists what else there is.")
    while True:
        if asked:
            print("> ", end="", flush=True)
        line = sys.stdin.readline()
        if not line or line.strip() == "/quit":
            return
        for said in chat.hear(line.strip()):
            print(said, flush=True)


class Chat:
    """A conversation with a model.

    Attributes:
      turns: what was said, the oldest first.
      held: topics that answers hold, int [J], -1 where the policy chooses.
    """

    def __init__(self, model: Model, *, seed: int = 0, **decoding: Any) -> None:
        """Begins.

        Args:
          model: of dialogues.
          seed: of what is drawn.
          **decoding: fields of `Decoding`.

        Raises:
          UserError: the model answers nothing, or a setting is not admitted.
        """
        self._model, self._seed, self._decoding = model, seed, decoding
        _ = model.responder
        model.decoding(**decoding)
        self.turns: list[str] = []
        self.held, self._number = model.held(None)[0], 0

    def hear(self, line: str) -> Iterator[str]:
        """Yields what there is to say to a line: an answer and its code, or what came of a command."""
        command, _, rest = line.partition(" ")
        try:
            if command == "/hold":
                self.hold(rest.split(",") if rest.strip() else [])
                yield f"held: {self._named(self.held) or 'nothing'}"
            elif command == "/free":
                self.free(rest.strip())
                yield f"held: {self._named(self.held) or 'nothing'}"
            elif command == "/new":
                self.turns = []
                yield "a new conversation"
            elif command == "/again":
                if self.turns:
                    self.turns.pop()
                yield from self._answer()
            elif command == "/codes":
                yield from self._probabilities()
            elif command.startswith("/"):
                yield _HELP if command == "/help" else f"{command} is no command:\n{_HELP}"
            elif line:
                self.turns.append(line)
                yield from self._answer()
        except UserError as error:
            yield f"error: {error}"

    def hold(self, written: list[str]) -> None:
        """Holds topics beside those that are held.

        Raises:
          UserError: there is no such topic.
        """
        if not written:
            raise UserError("what is held is missing: /hold 0:2")
        chosen = self._model.held([topic.strip() for topic in written])[0]
        self.held = np.where(chosen >= 0, chosen, self.held)

    def free(self, variable: str) -> None:
        """Leaves a variable, or all where none is named, to the policy.

        Raises:
          UserError: there is no such variable.
        """
        if not variable:
            self.held = self._model.held(None)[0]
            return
        if not variable.isdecimal() or int(variable) >= len(self.held):
            raise UserError(f"{variable}: variables are numbered 0 to {len(self.held) - 1}")
        self.held = self.held.copy()
        self.held[int(variable)] = -1

    def _answer(self) -> Iterator[str]:
        given: dict[str, Any] = {"component": self.held, "seed": self._seed, "start": self._number}
        [text], [codes], _ = self._model.respond([self.turns], **given, **self._decoding)
        self._number += 1
        self.turns.append(text)
        yield text
        yield f"  [{self._named(codes)}]"

    def _probabilities(self) -> Iterator[str]:
        _, _, [probabilities] = self._model.respond([self.turns], **{**self._decoding, "max_length": 1})
        for variable, row in enumerate(probabilities):
            shown = [
                f"{self._model.topics.shown(variable, int(topic))} {row[topic]:.0%}" for topic in np.argsort(-row) if row[topic] >= 0.005
            ]
            yield f"  {', '.join(shown)}"

    def _named(self, codes: np.ndarray) -> str:
        return ", ".join(self._model.topics.shown(variable, int(topic)) for variable, topic in enumerate(codes) if topic >= 0)


if __name__ == "__main__":
    main()
