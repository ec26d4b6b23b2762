"""`python -m ms_mml demo`: trains a linear multi-class SVM on handwritten digits with this loss and the built-in one.

The digits are the 8x8 scans of the UCI optical recognition data set, which scikit-learn includes.
"""

import itertools
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

import matplotlib.pyplot as plt
import mindspore as ms
import numpy as np
from mindspore import nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import ms_mml
from ms_mml.modes import MODES

DTYPES = {"float32": ms.float32, "float16": ms.float16}
EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 12, 64, 0.05, 1e-4
RARE, KEPT = range(5), 12  # the imbalanced data have 12 examples of each of the digits 0 to 4

# Inputs that the documentation allows. Each probe runs in its own process, because some crash it.
PROBES = {
    "float16 without weights": "print(loss(Tensor(ones((3, 3)), ms.float16), y))",
    "its gradient in graph mode": "ms.set_context(mode=0); print(ms.grad(net)(Tensor(ones((3, 3)), ms.float16), y)[0])",
    "an empty batch, after a loss of 0.667": "ms.set_context(mode=0); print(net(x, y)); print(net(x[:0], y[:0]))",
    "NaN scores": "print(loss(Tensor(ones((3, 3)) * float('nan'), ms.float32), y))",
    "gradient of the weights": "print(ms.grad(net, 2)(x, y, Tensor(ones(3), ms.float32)))",
    "second derivative": "print(ms.grad(lambda a: (ms.grad(net)(a, y) ** 2).sum())(x)[0])",
}
PREAMBLE = """
import mindspore as ms
from mindspore import Tensor, nn
from numpy import ones, set_printoptions
set_printoptions(precision=3)
from {module} import multi_margin_loss as loss
class Net(nn.Cell):
    def construct(self, x, y, weight=None):
        return loss(x, y, 2, 1, weight)
net, x, y = Net(), Tensor(ones((3, 3)), ms.float32), Tensor([1, 2, 1], ms.int64)
"""


@dataclass
class Data:
    """Training and held-out digits, and the class weights."""

    train: tuple
    test: tuple
    weight: object


class Classifier(nn.Cell):
    """A linear classifier and its loss, computed in one dtype."""

    def __init__(self, loss, dtype):
        super().__init__()
        self.dense = nn.Dense(64, 10, weight_init="zeros", bias_init="zeros")
        self.loss, self.dtype = loss, dtype

    def construct(self, pixels, target):
        return self.loss(self.dense(pixels).astype(self.dtype), target)


def digits():
    """All digits without weights, and an imbalanced subset weighted by the inverse frequency of each class."""
    pixels, labels = load_digits(return_X_y=True)
    pixels = (pixels / 16).astype(np.float32)
    x, x_test, y, y_test = train_test_split(
        pixels, labels.astype(np.int64), test_size=0.25, random_state=0, stratify=labels
    )
    kept = np.concatenate([np.flatnonzero(y == c)[: KEPT if c in RARE else None] for c in range(10)])
    counts = np.bincount(y[kept], minlength=10)
    return {
        "unweighted": Data((x, y), (x_test, y_test), None),
        "weighted": Data((x[kept], y[kept]), (x_test, y_test), len(kept) / (10 * counts)),
    }


def train(loss, dtype, data, bar=None):
    """Train from zero weights; return the classifier, and the loss and the seconds of each step."""
    classifier = Classifier(loss, dtype)
    optimizer = nn.Momentum(classifier.trainable_params(), LEARNING_RATE, 0.9, WEIGHT_DECAY)
    step = nn.TrainOneStepCell(classifier, optimizer)
    rng = np.random.default_rng(0)
    losses, seconds = [], []
    for _ in range(EPOCHS):
        order = rng.permutation(len(data.train[1]))
        for batch in np.array_split(order, len(order) // BATCH)[: None if bar else 4]:
            pixels, target = (ms.Tensor(part[batch]) for part in data.train)
            start = time.perf_counter()
            losses.append(float(step(pixels, target).asnumpy()))
            seconds.append(time.perf_counter() - start)
            if bar:
                bar.update()
    return classifier, losses, seconds


def accuracy(classifier, data):
    """The accuracy on the held-out digits, whose classes are balanced."""
    pixels, labels = data.test
    return np.mean(classifier.dense(ms.Tensor(pixels)).asnumpy().argmax(1) == labels)


def probe(module, code):
    """Run a probe; return the last line it prints, its error, or the signal that ended it."""
    with tempfile.TemporaryDirectory() as folder:  # graph mode needs the source in a file, and leaves files behind
        script = pathlib.Path(folder, "probe.py")
        script.write_text(PREAMBLE.format(module=module) + code)
        environment = {**os.environ, "GLOG_v": "4"}
        child = subprocess.run(
            [sys.executable, script], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    if child.returncode < 0:
        return f"the process dies: {signal.Signals(-child.returncode).name}"
    if child.returncode:
        errors = (line.strip()[:55] for line in child.stderr.splitlines() if "Error: " in line)
        return next(errors, f"exit code {child.returncode}")
    return child.stdout.strip().splitlines()[-1]


def main(picture):
    """Train every combination, print the results and draw the loss curves."""
    data = digits()
    runs = list(itertools.product(DTYPES, data, MODES))
    steps = sum(EPOCHS * (len(data[kind].train[1]) // BATCH) for _, kind, _ in runs)
    figure, axes = plt.subplots(2, 2, figsize=(9, 6), sharex="col", sharey="col", layout="constrained")
    table = []
    with tqdm(total=steps, unit="step", desc="training") as bar:
        for dtype, kind, mode in runs:
            ms.set_context(mode=MODES[mode])
            weight = data[kind].weight
            weight = None if weight is None else ms.Tensor(weight, DTYPES[dtype])
            classifier, losses, seconds = train(ms_mml.MultiMarginLoss(weight=weight), DTYPES[dtype], data[kind], bar)
            _, _, builtin = train(nn.MultiMarginLoss(weight=weight), DTYPES[dtype], data[kind])
            table.append((dtype, kind, mode, accuracy(classifier, data[kind]), np.median(seconds), np.median(builtin)))
            axis = axes[list(DTYPES).index(dtype), list(data).index(kind)]
            axis.plot(
                losses, label=mode, linestyle="-" if mode == "graph" else ":", linewidth=1 if mode == "graph" else 2
            )
            axis.set_title(f"{dtype}, {kind}")
    print(f"\n{'dtype':9}{'classes':12}{'mode':10}{'accuracy':>10}{'step, ms':>10}{'built-in, ms':>14}")
    for dtype, kind, mode, share, ours, builtin in table:
        print(f"{dtype:9}{kind:12}{mode:10}{share:10.1%}{ours * 1e3:10.2f}{builtin * 1e3:14.2f}")
    for axis in axes[-1]:
        axis.set_xlabel("step")
    for axis in axes[:, 0]:
        axis.set_ylabel("multi-margin loss")
    axes[0, 0].legend()
    figure.savefig(picture, dpi=120)
    print(f"\nThe loss curves are in {picture}. The documented example:\n")
    ms_mml.run_check()
    print(f"\n{'documented inputs':40}{'ms_mml':34}mindspore.ops {ms.__version__}")
    for name, code in tqdm(PROBES.items(), leave=False):
        tqdm.write(f"{name:40}{probe('ms_mml', code):34}{probe('mindspore.ops', code)}")
