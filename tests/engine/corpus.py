"""Forty valid configs, and faults made from them with a fixed seed; where each fault stands is known from the text."""

import json
import random
import string
from dataclasses import dataclass

TYPES = """
from pathlib import Path
from typing import Any, Literal
from tipi import Permanence, PipelineProcess, pipeline_process

class Reader(Permanence):
    def __init__(self, path: Path, rows: int = 10, columns: list[str] | None = None, delimiter: str = ","): ...

class Storage(Permanence):
    def __init__(self, folder: str = "out", compress: bool = False, level: int = 3): ...

class Clock(Permanence):
    pass

class Fitting(PipelineProcess):
    def __init__(self, controller, force: bool = False, *, epochs: int, learning_rate: float = 0.1,
                 momentum: float = 0.9, optimizer: Literal["sgd", "adamw"] = "sgd", schedule: dict | None = None):
        super().__init__(controller, force)
        self.source = controller.get_permanence("source")

    def execute(self): ...

@pipeline_process
def evaluate(source, threshold: float = 0.5, metrics: list[str] = [], verbose: bool = False): ...

@pipeline_process
def export_model(training, target: Path = Path("."), overwrite: bool = False, options: dict[str, int] = {}): ...
"""

SOURCE = {"type": "Reader", "params": {"path": "data.csv", "rows": 20, "delimiter": ";"}}
FITTING = {"type": "Fitting", "params": {"epochs": 3, "learning_rate": 0.5, "optimizer": "adamw"}}
EVALUATE = {"type": "evaluate", "params": {"threshold": 0.25, "metrics": ["loss", "accuracy"], "verbose": True}}
EXPORT = {"type": "export_model", "params": {"target": "out/model.pt", "overwrite": True, "options": {"depth": 3}}}
STORAGE = {"type": "Storage", "params": {"folder": "kept", "compress": True, "level": 9}}
NETWORK = {"type": "Network", "params": {"model": "mlp", "num_classes": 10}}
DATA = {"type": "Data", "params": {"dataset": "digits", "batch_size": 64}}

BASES = [
    {"permanences": {"source": SOURCE}, "processes": {"training": FITTING}},
    {"seed": 3, "permanences": {"source": SOURCE}, "processes": {"training": FITTING, "testing": EVALUATE}},
    {"description": "all", "permanences": {"source": SOURCE, "store": STORAGE}, "processes": {"training": FITTING}},
    {"permanences": {"source": SOURCE, "clock": {"type": "Clock"}}, "processes": {"testing": EVALUATE}},
    {"seed": 0, "permanences": {"source": SOURCE}, "processes": {"training": FITTING, "export": EXPORT}},
    {"permanences": {"source": SOURCE}, "processes": {"training": {**FITTING, "force": True}, "second": EVALUATE}},
    {"description": "x # y", "permanences": {"store": STORAGE, "source": SOURCE}, "processes": {"a-b": FITTING}},
    {
        "permanences": {"source": SOURCE},
        "processes": {"training": {"type": "Fitting", "params": {"epochs": 1, "schedule": {"warmup": [1, 2]}}}},
    },
    {
        "seed": 7,
        "permanences": {"network": NETWORK, "data": DATA},
        "processes": {"training": {"type": "TrainingProcess"}},
    },
    {
        "permanences": {"data": DATA, "network": NETWORK, "source": SOURCE},
        "processes": {"validation": {"type": "ValidationProcess"}, "last": EVALUATE},
    },
]
WRONG = {
    "rows": "many", "delimiter": 7, "path": 5, "epochs": 1.5, "learning_rate": "high", "optimizer": "adam",
    "threshold": [1], "metrics": "loss", "verbose": 3, "target": False, "overwrite": "yes", "options": 4,
    "folder": 1, "compress": 0, "level": "top",
}  # fmt: skip
SECTIONS = ("permanences", "processes")
OTHER_KIND = {"permanences": "evaluate", "processes": "Storage"}
MARK = "zzmark"


def value(item):
    if isinstance(item, dict):
        return "{ " + ", ".join(f"{key} = {value(inner)}" for key, inner in item.items()) + " }" if item else "{}"
    if isinstance(item, list):
        return "[" + ", ".join(map(value, item)) + "]"
    return json.dumps(item)


def top(data):
    return [f"{key} = {value(item)}" for key, item in data.items() if not is_section(key)]


def is_section(key):
    return key in SECTIONS or key == MARK


def components(data):
    for section, tables in data.items():
        if is_section(section) and isinstance(tables, dict):
            for name, table in tables.items():
                yield section, name, table


def with_inline_params(data):
    lines = [*top(data)]
    for section, name, table in components(data):
        lines += ["", f"[{section}.{name}]", *(f"{key} = {value(item)}" for key, item in table.items())]
    return "\n".join(lines) + "\n"


def with_subtables(data):
    lines = ["# a comment = with [brackets]", *top(data)]
    for section, name, table in components(data):
        plain = {key: item for key, item in table.items() if not isinstance(item, dict)}
        lines += ["", f"[{section}.{name}]  # {name}", *(f"{key}  =  {value(item)}" for key, item in plain.items())]
        for key, item in table.items():
            if isinstance(item, dict):
                lines += [f"  [{section}.{name}.{key}]", *(f"  {k} = {value(v)}  # why" for k, v in item.items())]
    return "\n".join(lines) + "\n"


def with_dotted_keys(data):
    lines = [*top(data)]
    for section, name, table in components(data):
        for key, item in table.items():
            if isinstance(item, dict):
                lines += [f'{section}."{name}".{key}.{k} = {value(v)}' for k, v in item.items()]
            else:
                lines.append(f'{section} . "{name}" . {key} = {value(item)}')
    return "\n".join(lines) + "\n"


def with_inline_tables(data):
    lines = [*top(data)]
    for section in dict.fromkeys(section for section, _, _ in components(data)):
        lines += [
            "",
            f"[{section}]",
            *(f"{name} = {value(table)}" for s, name, table in components(data) if s == section),
        ]
    return "\ufeff" + "\r\n".join(lines) + "\r\n"


STYLES = [with_inline_params, with_subtables, with_dotted_keys, with_inline_tables]
VALID = [(data, style) for data in BASES for style in STYLES]


@dataclass(frozen=True)
class Fault:
    """A config with one mistake: its text, line and column, what the message says, the name that was meant."""

    kind: str
    text: str
    line: int
    column: int
    message: str
    meant: str | None = None


def edited(word, chance, known):
    """Return a word that is one or two edits away and is none of those known."""
    while True:
        result = word
        for _ in range(chance.choice((1, 1, 2))):
            at = chance.randrange(len(result))
            letter = chance.choice(string.ascii_lowercase)
            drop, add = result[:at] + result[at + 1 :], result[:at] + letter + result[at:]
            swap = result[:at] + result[at + 1 : at + 2] + result[at] + result[at + 2 :]
            result = chance.choice((drop, add, swap, result[:at] + letter + result[at + 1 :]))
        if result not in (word, *known, "") and result.replace("_", "").isalpha():
            return result


def renamed(table, old, new):
    return {new if key == old else key: item for key, item in table.items()}


def placed(style, data, written, before=None):
    """Return text, line and column of the mark, which is replaced by what is written there."""
    text = style(data)
    at = text.index(MARK)
    if before is not None:
        at = text.rindex(before, 0, at)
    text = text.replace(MARK, written)
    seen = text[:at].removeprefix("\ufeff").replace("\r\n", "\n")
    return text, seen.count("\n") + 1, len(seen) - (seen.rfind("\n") + 1) + 1


def faults(data, style, chance):
    """Yield faults of one config."""
    for section in SECTIONS:
        for _ in range(2):
            new = edited(section, chance, SECTIONS)
            yield Fault(
                "section", *placed(style, renamed(data, section, MARK), new), f"unknown section {new!r}", section
            )
        for name, table in data[section].items():
            yield from component_faults(data, style, chance, section, name, table)


def component_faults(data, style, chance, section, name, table):
    def changed(new_table):
        return {**data, section: {**data[section], name: new_table}}

    for _ in range(2):
        new = edited(table["type"], chance, ())
        where = placed(style, changed({**table, "type": MARK}), new, before="type")
        yield Fault(
            "type",
            *where,
            f"unknown {'permanence' if section == 'permanences' else 'process'} type {new!r}",
            table["type"],
        )
    where = placed(style, changed({**table, "type": MARK}), OTHER_KIND[section], before="type")
    yield Fault("swapped", *where, f"not a {'permanence' if section == 'permanences' else 'process'}")
    for key in table:
        new = edited(key, chance, ("type", "params", "force", "cache", "retries", "timeout"))
        yield Fault("key", *placed(style, changed(renamed(table, key, MARK)), new), f"unknown key {new!r}", key)
    for key in table.get("params", {}):
        for _ in range(2):
            new = edited(key, chance, ())
            where = placed(style, changed({**table, "params": renamed(table["params"], key, MARK)}), new)
            yield Fault("parameter", *where, f"unknown parameter {new!r}", key)
        if key in WRONG:
            params = {MARK if k == key else k: WRONG[key] if k == key else v for k, v in table["params"].items()}
            where = placed(style, changed({**table, "params": params}), key)
            yield Fault("value", *where, f"parameter {key!r} of {table['type']} wants")


def all_faults():
    chance = random.Random(20)
    return [fault for data, style in VALID for fault in faults(data, style, chance)]
