"""MindSpore's execution modes by name. The values are `mindspore.GRAPH_MODE` and `mindspore.PYNATIVE_MODE`."""

MODES = {"graph": 0, "pynative": 1}
