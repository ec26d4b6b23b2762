"""Trains a small classifier in data-parallel mode, in graph and PyNative mode, and saves each worker's final weights.

usage: msrun --worker_num=N --local_worker_num=N --join=True data_parallel.py FOLDER SECONDS

A worker ends itself after SECONDS, because workers can outlive msrun.
"""

import pathlib
import signal
import sys

import mindspore as ms
import numpy as np
from mindspore import nn

import ms_mml
from ms_mml.modes import MODES

RNG = np.random.default_rng(0)
INPUTS, TARGETS = RNG.standard_normal((16, 6)).astype(np.float32), RNG.integers(0, 5, 16)


class Classifier(nn.Cell):
    def __init__(self, loss):
        super().__init__()
        self.dense = nn.Dense(6, 5, weight_init="zeros", bias_init="zeros")
        self.loss = loss

    def construct(self, input, target):
        return self.loss(self.dense(input), target)


def train(mode, rank=0, workers=1):
    """Return the weights after some steps on every `workers`-th row."""
    ms.set_context(mode=MODES[mode])
    net = Classifier(ms_mml.MultiMarginLoss(p=2, margin=0.5))
    step = nn.TrainOneStepCell(net, nn.SGD(net.trainable_params(), learning_rate=0.1))
    for _ in range(5):
        step(ms.Tensor(INPUTS[rank::workers]), ms.Tensor(TARGETS[rank::workers]))
    return net.dense.weight.asnumpy()


def main(folder, seconds):
    from mindspore.communication import get_group_size, get_rank, init

    signal.alarm(int(seconds))
    ms.set_context(device_target="CPU")
    init()
    ms.set_auto_parallel_context(parallel_mode=ms.ParallelMode.DATA_PARALLEL, gradients_mean=True)
    for mode in MODES:
        np.save(pathlib.Path(folder, f"{mode}-{get_rank()}.npy"), train(mode, get_rank(), get_group_size()))


if __name__ == "__main__":
    main(*sys.argv[1:])
