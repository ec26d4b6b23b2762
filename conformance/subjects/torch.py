"""PyTorch's multi_margin_loss, on CPU and GPU."""

from conformance.cases.base import DEFAULTS
from conformance.subjects.base import NotAvailable, Subject


class Torch(Subject):
    targets = ("CPU", "GPU")
    lacks = {"weight-gradient": "PyTorch's operator is not differentiable with respect to weight; it raises an error"}  # noqa: RUF012

    def __init__(self, target, mode):
        try:
            import torch
        except ImportError as error:
            raise NotAvailable(f"{error}; install it: pip install torch") from error
        if target == "GPU" and not torch.cuda.is_available():
            raise NotAvailable("PyTorch finds no GPU; install its CUDA build on a machine with a GPU")
        self.torch, self.device = torch, "cuda" if target == "GPU" else "cpu"
        self.guarded = target == "CPU"  # tensors share memory with the arrays

    def environment(self):
        device = self.torch.cuda.get_device_name() if self.device == "cuda" else "CPU"
        return {**super().environment(), "torch": self.torch.__version__, "device": device}

    def to_device(self, array):
        return self.torch.from_numpy(array).to(self.device)

    def to_host(self, result):
        return result.detach().cpu().numpy()

    def loss(self, input, target, *arguments, **options):
        options.update(zip(DEFAULTS, arguments))  # PyTorch has others between these
        return self.torch.nn.functional.multi_margin_loss(input, target, **options)

    def gradient(self, dout, input, target, *arguments, **options):
        loss = self.loss(input.requires_grad_(), target, *arguments, **options)
        return self.torch.autograd.grad(loss, input, dout)[0], None
