"""What a person has made of a model's components: which count as one, and what they are called. The weights know nothing of it."""

import contextlib
import dataclasses
import json
import math
import pathlib
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.data.files import write_text
from tfvae.errors import UserError, listed

FILE = "topics.json"
"""The file of a run that holds it."""


@dataclasses.dataclass(frozen=True)
class Topics:
    """A topic is a component, or several that count as one; it has the number of the first of them.

    Attributes:
      into: the topic of every component, int [J, K].
      names: of topics (variable, number), of those that have one.
    """

    into: np.ndarray
    names: Mapping[tuple[int, int], str] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, variables: int, components: int) -> "Topics":
        """Returns the components as they are, without names."""
        return cls(np.tile(np.arange(components, dtype=np.int32), (variables, 1)))

    @property
    def any_merged(self) -> bool:
        """Whether some components count as one."""
        return bool(np.any(self.into != np.arange(self.into.shape[1])))

    def numbers(self, variable: int) -> list[int]:
        """Returns the topics of a variable, ascending."""
        return np.unique(self.into[variable]).tolist()

    def most_told(self, variable: int) -> float:
        """Returns the most that a variable's code can tell of an item, nats: the log of how many topics there are."""
        return math.log(len(self.numbers(variable)))

    def members(self, variable: int, topic: int) -> list[int]:
        """Returns the components that a topic is made of."""
        return np.flatnonzero(self.into[variable] == topic).tolist()

    def name(self, variable: int, topic: int) -> str:
        """Returns a topic's name, or "" where it has none."""
        return self.names.get((variable, topic), "")

    def shown(self, variable: int, topic: int) -> str:
        """Returns a topic's number, as j:k, and its name where it has one."""
        return f"{variable}:{topic} {self.name(variable, topic)}".rstrip()

    def named(self, codes: Sequence[int]) -> dict[str, list[str]]:
        """Returns {"names": of topics, one a variable, "" without one}, or nothing where no topic has a name."""
        return {"names": [self.name(j, topic) for j, topic in enumerate(codes)]} if self.names else {}

    def find(self, written: str) -> tuple[int, int]:
        """Returns the variable and the number of a topic that is written as j:k, as j:name or as a name.

        Raises:
          UserError: there is none, or the name is that of several.
        """
        variables, components = self.into.shape
        before, colon, after = written.partition(":")
        variable = int(before) if colon and before.isdecimal() else None
        word = written if variable is None else after
        if variable is not None and word.isdecimal():
            if variable >= variables or int(word) >= components:
                raise UserError(f"{written}: variables are numbered 0 to {variables - 1} and components 0 to {components - 1}")
            return variable, int(self.into[variable, int(word)])
        found = [place for place, name in self.names.items() if name == word and variable in (None, place[0])]
        if len(found) == 1:
            return found[0]
        why = (
            f"; it is the name of {'several topics' if found else 'none'}: {listed(sorted(set(self.names.values())), 20)}"
            if self.names
            else ""
        )
        raise UserError(f"{written}: must be j:k, the numbers of a variable and of one of its components{why}")

    def held(self, chosen: Any, num: int) -> np.ndarray:
        """Returns the topics that `num` items hold, int32 [num, J], -1 where a variable is free.

        Args:
          chosen: None for all free; a topic or several as `find` reads them; {variable: topic}; or numbers, [J] or [num, J], -1 for a free
            variable, of which one will do where there is one variable.
          num: items.

        Raises:
          UserError: there is no such topic, a variable is held twice, or the numbers are not one a variable.
        """
        variables, components = self.into.shape
        if isinstance(chosen, Mapping):
            chosen = [f"{variable}:{topic}" for variable, topic in chosen.items()]
        written = [chosen] if isinstance(chosen, str) else chosen
        if isinstance(written, Sequence) and written and all(isinstance(topic, str) for topic in written):
            chosen = np.full(variables, -1)
            for topic in written:
                variable, number = self.find(topic)
                if chosen[variable] >= 0:
                    raise UserError(f"{topic}: variable {variable} is held twice")
                chosen[variable] = number
        numbers = np.full(variables, -1) if chosen is None else np.asarray(chosen)
        if variables == 1 and not numbers.ndim:
            numbers = numbers[np.newaxis]
        if numbers.dtype.kind not in "iu" or numbers.shape not in ((variables,), (num, variables)):
            wanted = f"must name {variables} variable{'s' * (variables > 1)}, -1 for a free one, or be written variable:component"
            raise UserError(f"component {_short(chosen)}: {wanted}, as '0:{components - 1}'")
        if np.any(numbers >= components) or np.any(numbers < -1):
            raise UserError(f"component {_short(chosen)}: components are numbered 0 to {components - 1}, and -1 leaves one free")
        return np.broadcast_to(numbers, (num, variables)).astype(np.int32)

    def merge(self, variable: int, topics: Iterable[int]) -> "Topics":
        """Returns topics of which some count as one; it keeps the name of the first that has one.

        Raises:
          UserError: fewer than two are named.
        """
        chosen = sorted({int(self.into[variable, topic]) for topic in topics})
        if len(chosen) < 2:
            raise UserError(f"variable {variable}, topic {chosen}: two different ones at least are merged")
        into = self.into.copy()
        into[variable, np.isin(into[variable], chosen)] = chosen[0]
        names = {place: name for place, name in self.names.items() if place not in [(variable, topic) for topic in chosen]}
        kept = next((self.name(variable, topic) for topic in chosen if self.name(variable, topic)), "")
        return Topics(into, names | ({(variable, chosen[0]): kept} if kept else {}))

    def rename(self, variable: int, topic: int, name: str) -> "Topics":
        """Returns topics of which one has a name; "" takes it away.

        Raises:
          UserError: the name is a number, has a line's end or a colon, or is another topic's of the variable.
        """
        name = name.strip()
        topic = int(self.into[variable, topic])
        if name.isdecimal() or ":" in name or "\n" in name:
            raise UserError(f"{name!r}: a name is no number, and has no colon and no line's end in it")
        if name and any(other == name for place, other in self.names.items() if place[0] == variable and place[1] != topic):
            raise UserError(f"{name!r} is the name of another topic of variable {variable}: merge them, or take another name")
        names = {place: other for place, other in self.names.items() if place != (variable, topic)}
        return Topics(self.into, names | ({(variable, topic): name} if name else {}))

    def called(self, names: Mapping[tuple[int, int], str]) -> "Topics":
        """Returns topics that have names, but for such as `rename` does not admit: those are left without."""
        found = self
        for (variable, topic), name in names.items():
            with contextlib.suppress(UserError):
                found = found.rename(variable, topic, name)
        return found

    def merged(self, probabilities: Any) -> Any:
        """Returns probabilities of topics, [..., J, K] of those of components; those of components that count as others are 0."""
        if not self.any_merged:
            return probabilities
        size = self.into.shape[1]
        moves = (self.into[:, :, np.newaxis] == np.arange(size)).astype(np.float32)  # [J, K, topic]
        if isinstance(probabilities, tf.Tensor):
            return tf.einsum("...jk,jkt->...jt", probabilities, tf.constant(moves, probabilities.dtype))
        return np.einsum("...jk,jkt->...jt", probabilities, moves.astype(probabilities.dtype))

    def of_codes(self, codes: tf.Tensor) -> tf.Tensor:
        """Returns the topics [..., J] of components [..., J]."""
        if not self.any_merged:
            return codes
        return tf.stack([tf.gather(self.into[j], codes[..., j]) for j in range(len(self.into))], axis=-1)

    def drawn(self, held: tf.Tensor, log_mixing: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns the components [n, J] to hold for topics that are held: of several one is drawn by its mixing weight.

        Args:
          held: topics, int32 [n, J], -1 for a free variable.
          log_mixing: logarithms of the mixing weights, [J, K].
          seed: int32 [n, 2], one a row.
        """
        if not self.any_merged:
            return held
        noise = stateless.uniform([tf.shape(held)[0], len(self.into)], stateless.fold(seed, 2))
        columns = []
        for j, into in enumerate(self.into):
            weights = tf.exp(log_mixing[j]) * tf.cast(tf.constant(into) == held[:, j, tf.newaxis], log_mixing.dtype)  # [n, K]
            below = tf.cumsum(weights, axis=-1)
            passed = below <= tf.cast(noise[:, j, tf.newaxis], below.dtype) * below[:, -1:]
            last = tf.reduce_max(tf.where(weights > 0, tf.range(len(into)), 0), axis=-1)
            member = tf.minimum(tf.reduce_sum(tf.cast(passed, tf.int32), axis=-1), last)
            columns.append(tf.where(held[:, j] >= 0, member, held[:, j]))
        return tf.stack(columns, axis=-1)

    def save(self, folder: pathlib.Path) -> None:
        """Writes topics.json into a folder; there is never half a file."""
        groups = {j: [self.members(j, topic) for topic in self.numbers(j)] for j in range(len(self.into))}
        merged = {str(j): [group for group in found if len(group) > 1] for j, found in groups.items()}
        values = {
            "components": list(self.into.shape),
            "merged": {j: found for j, found in merged.items() if found},
            "names": {f"{j}:{topic}": name for (j, topic), name in sorted(self.names.items())},
        }
        write_text(folder / FILE, json.dumps(values, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, folder: pathlib.Path, variables: int, components: int) -> "Topics":
        """Reads what `save` wrote; where there is no file, components are as they are.

        Raises:
          UserError: the file is damaged, or of a model of other sizes.
        """
        path, found = folder / FILE, cls.of(variables, components)
        if not path.exists():
            return found
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["components"] != [variables, components]:
                raise UserError(f"{path} is of {values['components']} components, and the model has {[variables, components]}: delete it")
            for variable, groups in values["merged"].items():
                for group in groups:
                    found = found.merge(int(variable), group)
            for place, name in values["names"].items():
                variable, topic = map(int, place.split(":"))
                found = found.rename(variable, topic, name)
        except UserError:
            raise
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise UserError(f"{path} is damaged: mend it, or delete it") from None
        return found


def _short(value: Any) -> str:
    """What was given, as a message has it."""
    return textwrap.shorten(str(value.tolist() if isinstance(value, np.ndarray) else value), 100)
