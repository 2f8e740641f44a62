"""The tables of docs/scale.md and docs/performance.md, made of the file that the script writes."""

import pathlib
from collections.abc import Mapping
from typing import Any

from benchmarks import kept
from benchmarks.kept import Results
from benchmarks.large.replicas import KINDS
from tfvae.evaluation.compare import markdown_table
from tfvae.reports.results import put_between

_MANY = 10**9  # sentences that the cost model is about
_HOSTS = (1, 10, 100)


def read(path: pathlib.Path) -> Results:
    """Returns the figures that a file has, as `benchmarks.kept.read` does."""
    return kept.read(path, _tables)


def render(text: str, results: Results) -> str:
    """Returns a page with those tables that it has places for made anew."""
    for name, table in _tables(results).items():
        if f"<!-- {name} -->" in text:
            text = put_between(text, name, table)
    return text


def terminal(results: Results) -> str:
    """Returns the figures in lines for a terminal."""
    return "\n".join(f"{part}: " + ", ".join(f"{name} {value}" for name, value in figures.items()) for part, figures in results.items())


def _tables(results: Results) -> dict[str, str]:
    rows = {"large": _large(results), "share": _share(results), "cost": _cost(results)}
    days = sorted({f"{one['day']}, on {one['machine']}" for one in results.values()})
    where = "".join(f"\n{day}.\n" for day in days)
    return {name: markdown_table(lines) + where for name, lines in rows.items() if len(lines) > 2}


def _large(results: Results) -> list[list[str]]:
    head = ["what", "how much", "seconds", "a second", "largest process, MB", "of that no file's", "largest in the first half"]
    lines = [head, ["---"] * len(head)]
    for name, one in results.items():
        if name == "shard":
            how_much = f"{one['sentences']:,} sentences, {one['text_mb']:,} MB, into {one['shards_mb']:,} MB"
            lines.append(["sharding, two workers", how_much, *_took(one, one["sentences_per_second"])])
        elif name == "train":
            how_much = (
                f"{one['steps']:,} updates; of those that were killed and resumed, {one['resumed_equal_epochs']} epochs of 4 are equal"
            )
            lines.append(["training on the shards", how_much, *_took(one, None)])
        elif name == "memory":
            lines.append([f"training on {one['sentences']:,} of the sentences", "as many", "", *_took(one, None)[1:]])
        elif name == "throughput":
            how_much = f"{one['turns'] * one['updates_a_turn']:,} of each: {one['throughput_of_memory']:.1%} as many a second"
            lines.append([f"updates on the shards, in turns with {one['in_memory']:,} sentences in memory", how_much, *[""] * 5])
        elif name.startswith("encode-"):
            how_much = f"{one['lines']:,} lines, {one['killed']} worker killed, {one['different']} of {one['compared']:,} different"
            what = f"encoding, two workers of {name.removeprefix('encode-').title()}"
            lines.append([what, how_much, *_took(one, one["lines_per_second"])])
    return lines


def _took(one: Mapping[str, Any], rate: int | None) -> list[str]:
    memory = (one["resident_mb"], one["own_mb"], one["half_mb"])
    return [f"{one['seconds']:,.0f}", "" if rate is None else f"{rate:,}", *(f"{size:,}" for size in memory)]


def _share(results: Results) -> list[list[str]]:
    lines = [["processes, each with a core", "sentences a batch", "sentences a second", "of one process's, a process"], ["---"] * 4]
    if "share" in results:
        rates, batch = results["share"]["sentences_per_second"], results["share"]["batch"]
        for name, what in KINDS.items():
            processes = 1 if name == "one" else 2
            size = f"{batch} each" if name == "strangers" else f"{batch * (2 if name == 'weak' else 1)}"
            lines.append([what, size, f"{rates[name]:,}", f"{rates[name] / processes / rates['one']:.0%}"])
    return lines


def _cost(results: Results) -> list[list[str]]:
    """What a thousand million sentences would take on so many machines like this one."""
    lines = [["stage", *(f"{hosts} machine{'s' if hosts > 1 else ''}" for hosts in _HOSTS)], ["---"] * (len(_HOSTS) + 1)]
    for name, what, rate in (
        ("shard", "sharding, hours", "sentences_per_second"),
        ("encode-spark", "encoding by Spark, hours", "lines_per_second"),
        ("encode-ray", "encoding by Ray, hours", "lines_per_second"),
    ):
        if name in results:
            lines.append([what, *(f"{_MANY / results[name][rate] / 3600 / hosts:,.1f}" for hosts in _HOSTS)])
    if {"train", "memory", "shard"} <= results.keys():
        more, few = results["train"], results["memory"]
        each = (more["resident_mb"] - few["resident_mb"]) / (results["shard"]["sentences"] - few["sentences"])
        lines.append(["memory of a training process, GB", *[f"{(few['resident_mb'] + each * _MANY) / 1024:,.0f}"] * len(_HOSTS)])
    if {"throughput", "share"} <= results.keys():
        one, rates = results["throughput"], results["share"]["sentences_per_second"]
        left = rates["weak"] / rates["strangers"]
        rate = one["batch"] / one["shards_step_seconds"]
        hours = [_MANY / (rate * hosts * (left if hosts > 1 else 1)) / 3600 for hosts in _HOSTS]
        lines.append(["a pass of training, hours", *(f"{value:,.1f}" for value in hours)])
        sent = [4 * one["parameters"] * 2 * (hosts - 1) / hosts / 2**20 for hosts in _HOSTS]
        lines.append(["gradients that a machine sends, MB an update", *(f"{value:,.0f}" for value in sent)])
        lines.append(["the same, MB a second", *(f"{value / one['shards_step_seconds'] * left:,.0f}" for value in sent)])
    return lines
