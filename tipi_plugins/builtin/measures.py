"""Metrics by name, summed up on the device over the batches of one pass, and the table of a classifier's mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from tipi.plugin import ConfigError, did_you_mean
from tipi_plugins.builtin.targets import IGNORED

if TYPE_CHECKING:
    from tipi.plugin import PipelineController

BatchMean = Callable[[Tensor, Tensor], Tensor]
CONFUSION = ("precision", "recall", "f1", "balanced_accuracy")
LARGEST_TABLE = 1000  # classes above which only each class's own numbers are counted: the table grows with their square
LARGEST_TEXT = 100  # classes above which the table of the answers is no text that anybody reads


def _top5(outputs: Tensor, targets: Tensor) -> Tensor:
    best = outputs.topk(min(5, outputs.shape[1]), dim=1).indices
    return (best == targets.unsqueeze(1)).any(dim=1).float().mean()


MEANS: dict[str, BatchMean] = {"top5": _top5, "mae": functional.l1_loss, "mse": functional.mse_loss}


@dataclass(frozen=True, slots=True)
class Measures:
    """What is measured besides the loss.

    Attributes:
        accuracy: Whether the share of right answers is, where the outputs are scores of classes.
        means: Functions of outputs and targets whose means over all items are, by name.
        averages: Which of precision, recall, f1 and balanced accuracy are: means over the classes that occur.
    """

    accuracy: bool = True
    means: Mapping[str, BatchMean] = field(default_factory=dict)
    averages: tuple[str, ...] = ()


def find_measures(controller: PipelineController, names: Sequence[str] | None) -> Measures:
    """Return what names mean; None means the accuracy.

    Raises:
        ConfigError: There is no metric of that name.
    """
    if names is None:
        return Measures()
    means: dict[str, BatchMean] = {}
    for name in names:
        if name not in ("accuracy", *CONFUSION):
            means[name.rpartition(":")[2]] = _find_mean(controller, name)
    return Measures("accuracy" in names, means, tuple(name for name in names if name in CONFUSION))


class Tally:
    """The sums of one pass over some data; they stay on the device until :meth:`figures`.

    Args:
        device: Where the model is.
        measures: What is summed up besides the loss.
        confusion: Whether the answers by class are counted in any case.
        ignored: The class number that does not count.

    Attributes:
        by_class: What was counted of the classes, as :func:`count_by_class` gives it; None without classes.
        confusion: The table of the answers, a row for each true class; None also where there are too many classes.
    """

    def __init__(
        self, device: torch.device, measures: Measures | None = None, confusion: bool = False, ignored: int = IGNORED
    ) -> None:
        self.measures = measures or Measures()
        self.ignored = ignored
        self.count, self.loss = 0, torch.zeros((), device=device)
        self.correct = torch.zeros((), dtype=torch.int64, device=device)
        self.answers = torch.zeros((), dtype=torch.int64, device=device)
        self.sums: dict[str, Tensor] = {}
        self.confusion: Tensor | None = None
        self.by_class: Tensor | None = None
        self._counts_classes = confusion or bool(self.measures.averages)

    def add(self, outputs: Tensor, targets: Tensor, loss: Tensor, more: Mapping[str, Tensor]) -> None:
        """Take a batch in; ``loss`` and ``more`` are means over it.

        Raises:
            TypeError: The loss is not one number.
        """
        if getattr(loss, "ndim", 0):
            raise TypeError(f"the loss of a batch has the shape {tuple(loss.shape)}; wanted is their mean, one number")
        size = size_of(targets)
        self.loss += loss * size
        self.count += size
        means = {name: mean(outputs, targets) for name, mean in self.measures.means.items()}
        for name, value in {**means, **more}.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * size
        if is_classification(outputs, targets):
            answers, counting = outputs.argmax(dim=1), targets != self.ignored
            self.correct += ((answers == targets) & counting).sum()
            self.answers += counting.sum()
            if self._counts_classes:
                self._count_classes(targets.long(), answers, counting.long(), outputs.shape[1])

    def figures(self) -> dict[str, float]:
        """Return the means over all items, the loss first."""
        figures = {"loss": self.loss.item() / self.count}
        correct, answers = self.correct.item(), self.answers.item()
        if answers and self.measures.accuracy:
            figures["accuracy"] = correct / answers
        figures |= {name: float(total) / self.count for name, total in self.sums.items()}
        averages = {} if self.by_class is None else average_classes(self.by_class)
        return figures | {name: averages[name] for name in self.measures.averages if name in averages}

    def _count_classes(self, targets: Tensor, answers: Tensor, weights: Tensor, classes: int) -> None:
        targets = targets * weights  # an ignored number is counted nowhere, and must be one of a class to say so
        counted = count_by_class(targets, answers, weights, classes)
        self.by_class = counted if self.by_class is None else self.by_class + counted
        if classes > LARGEST_TABLE:
            return
        table = _count(targets * classes + answers, weights, classes * classes).reshape(classes, classes)
        self.confusion = table if self.confusion is None else self.confusion + table


def size_of(targets: Any) -> int:
    """Return the number of items in a batch by its targets; where they are named, by the first of them.

    Example:
        >>> size_of(torch.zeros(3, 2)), size_of({"boxes": torch.zeros(3, 4)})
        (3, 3)
    """
    return size_of(next(iter(targets.values()))) if isinstance(targets, Mapping) else len(targets)


def is_classification(outputs: Any, targets: Any) -> bool:
    """Return whether outputs are scores of classes in dimension 1 and targets the numbers of the right ones."""
    if not isinstance(outputs, Tensor) or not isinstance(targets, Tensor):
        return False
    return outputs.ndim == targets.ndim + 1 and not targets.is_floating_point()


def count_by_class(targets: Tensor, answers: Tensor, weights: Tensor, classes: int) -> Tensor:
    """Return three rows with a column for each class: right answers, items of that class, answers that name it.

    Args:
        targets: The true classes' numbers, int64.
        answers: The answered ones, of the same shape.
        weights: 1 for each item that counts, 0 for the others.
        classes: How many there are.

    Example:
        >>> count_by_class(torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1]), torch.tensor([1, 1, 1]), 2).tolist()
        [[1, 1], [2, 1], [1, 2]]
    """
    right = weights * (answers == targets)
    counted = ((targets, right), (targets, weights), (answers, weights))
    return torch.stack([_count(numbers, weight, classes) for numbers, weight in counted])


def _count(numbers: Tensor, weights: Tensor, size: int) -> Tensor:
    """Return the sum of the weights of each number; unlike ``bincount`` it never waits for a GPU."""
    return weights.new_zeros(size).scatter_add_(0, numbers.flatten(), weights.flatten())


def class_figures(by_class: Tensor) -> list[dict[str, float]]:
    """Return precision, recall, f1 and the number of items of every class.

    Args:
        by_class: As :func:`count_by_class` gives it.

    Example:
        >>> class_figures(torch.tensor([[3, 4], [4, 4], [3, 5]]))[0]["recall"]
        0.75
    """
    rows = []
    for hit, item, answer in by_class.T.tolist():
        precision, recall = (hit / answer if answer else 0.0), (hit / item if item else 0.0)
        f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
        rows.append({"precision": precision, "recall": recall, "f1": f1, "items": item})
    return rows


def average_classes(by_class: Tensor) -> dict[str, float]:
    """Return the means of precision, recall and f1 over the classes that occur."""
    rows = [row for row in class_figures(by_class) if row["items"]]
    if not rows:
        return {}
    means = {name: sum(row[name] for row in rows) / len(rows) for name in ("precision", "recall", "f1")}
    return means | {"balanced_accuracy": means["recall"]}


def format_classes(by_class: Tensor, names: Sequence[str]) -> str:
    """Return the table of the classes as text.

    Args:
        by_class: As :func:`count_by_class` gives it.
        names: The classes' names.

    Example:
        >>> print(format_classes(torch.tensor([[3, 4], [4, 4], [3, 5]]), ["cat", "dog"]).splitlines()[1])
        cat       1.0000  0.7500  0.8571      4
    """
    width = max(5, *(len(name) for name in names))
    rows = [f"{'class':{width}}  {'precision':>9}  {'recall':>6}  {'f1':>6}  {'items':>5}"]
    for name, row in zip(names, class_figures(by_class), strict=True):
        shares = f"{row['precision']:9.4f}  {row['recall']:6.4f}  {row['f1']:6.4f}"
        rows.append(f"{name:{width}}  {shares}  {row['items']:5.0f}")
    return "\n".join(rows) + "\n"


def format_answers(confusion: Tensor, names: Sequence[str]) -> str:
    """Return the table of the answers as text; of many classes, only what was answered wrongly most often.

    Example:
        >>> print(format_answers(torch.tensor([[3, 1], [0, 4]]), ["cat", "dog"]).splitlines()[3])
        cat     3   1
    """
    if len(names) > LARGEST_TEXT:
        return _format_mistakes(confusion, names)
    width = max(5, *(len(name) for name in names))
    cell = max(len(str(int(confusion.max()))), *(len(name) for name in names))
    rows = ["answers by class: a row is what is true, a column what was answered", ""]
    rows.append(" ".join([" " * width, *(f"{name:>{cell}}" for name in names)]))
    for name, counts in zip(names, confusion.tolist(), strict=True):
        rows.append(" ".join([f"{name:{width}}", *(f"{count:>{cell}}" for count in counts)]))
    return "\n".join(rows) + "\n"


def _format_mistakes(confusion: Tensor, names: Sequence[str]) -> str:
    wrong = confusion.clone().fill_diagonal_(0).flatten()
    counts, places = (part.tolist() for part in wrong.topk(LARGEST_TEXT))
    rows = ["the most frequent mistakes: how often, what is true, what was answered", ""]
    for count, place in zip(counts, places, strict=True):
        if count:
            rows.append(f"{count:>5}  {names[place // len(names)]}  {names[place % len(names)]}")
    return "\n".join(rows) + "\n"


def class_names(names: Sequence[str], size: int) -> list[str]:
    """Return the names of ``size`` classes, fit to be written; their numbers where there are not as many names.

    Example:
        >>> class_names(["cat", f"a{chr(9)}b"], 2), class_names(["cat"], 2)
        (['cat', 'a?b'], ['0', '1'])
    """
    if len(names) != size:
        return [str(index) for index in range(size)]
    # names of folders may hold what no text file takes
    return ["".join(letter if letter.isprintable() else "?" for letter in str(name)) for name in names]


def _find_mean(controller: PipelineController, name: str) -> BatchMean:
    found = MEANS.get(name) or controller.find_resource("metric", name)
    if found is None or not callable(found):
        known = ["accuracy", *CONFUSION, *MEANS, *controller.resource_names("metric")]
        raise ConfigError(f"there is no metric {name!r}", hint=did_you_mean(name, known, "there are"))
    mean: BatchMean = found
    return mean
