"""A leg of a run: one subject on one device target in one mode."""

from typing import NamedTuple

MODES = ("graph", "pynative")  # MindSpore's

# Device target -> the platforms that MindSpore's own tests name in their marks (arg_mark).
DEVICE_TARGETS = {
    "CPU": ("cpu_linux",),
    "GPU": ("platform_gpu",),
    "Ascend": ("platform_ascend", "platform_ascend310p", "platform_ascend910b"),
}


class Leg(NamedTuple):
    """The leg, and what its subject declares about itself (see `subjects.base.Subject`)."""

    subject: str
    target: str
    mode: str  # '' if the subject has no modes
    claims: dict
    lacks: dict
    limits: dict
    guarded: bool
    environment: dict = {}  # noqa: RUF012

    @property
    def id(self):
        return "-".join(part for part in (self.subject, self.target, self.mode) if part)


def command_options(subject, target, mode, case_id):
    """The options of `pytest conformance` that run one case of a leg."""
    mode_option = f" --mode={mode}" if mode else ""
    return f"--device-target={target} --subject={subject}{mode_option} --case={case_id}"
