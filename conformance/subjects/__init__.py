"""The implementations that the suite knows by name. Any other is named by its module and class."""

SUBJECTS = {
    "ms_mml": "conformance.subjects.ms_mml:MsMml",
    "composite": "conformance.subjects.ms_mml:Composite",
    "library": "conformance.subjects.library:Library",
    "aarch64-emulated": "conformance.subjects.emulated:Aarch64",
    "cuda-emulated": "conformance.subjects.emulated:Cuda",
    "akg": "conformance.subjects.akg:Akg",
    "ascendc-emulated": "conformance.subjects.ascendc:AscendcEmulated",
    "ascendc-310p-emulated": "conformance.subjects.ascendc:Ascendc310pEmulated",
    "ascend-emulated": "conformance.subjects.ascend:AscendEmulated",
    "tbe-emulated": "conformance.subjects.tbe:TbeEmulated",
    "mindspore": "conformance.subjects.mindspore:BuiltIn",
    "torch": "conformance.subjects.torch:Torch",
    "numpy": "conformance.subjects.numpy:NumPy",
}
