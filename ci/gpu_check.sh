#!/usr/bin/env bash
# ci/gpu_check.sh [FOLDER] - prove and time the GPU kernels on a machine that has an NVIDIA GPU, nvcc, compute-sanitizer,
# CMake, pytest with xdist, tqdm, and PyTorch or CuPy. It needs neither network nor MindSpore. Leaves what it found in
# FOLDER (default: gpu-check).
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in nvidia-smi nvcc cmake compute-sanitizer; do
  command -v "$tool" >/dev/null || {
    echo "ci/gpu_check.sh: NOT RUN: no $tool" >&2
    exit 77
  }
done
nvidia-smi
found=${1:-gpu-check}
mkdir -p "$found"
status=0

cmake -S custom_ops -B build/gpu -DMS_MML_CUDA=ON
cmake --build build/gpu --parallel
cmake --install build/gpu --prefix . # where the suite and the benchmark look for it
export PYTHONPATH=$PWD

suite() {
  python3 -m pytest conformance/test_conformance.py --device-target GPU --subject library "$@"
}

suite --numprocesses 4 --tier full --report "$found/report.json" || status=1

# A few cases of every way to walk, under NVIDIA's own checkers.
few=()
while read -r case; do few+=("--case=$case"); done <<'END'
loss-f16-p1-mean-wnone-m1-9x33
loss-f64-p1-mean-wnone-m1-300x7
loss-f32-p1-mean-wnone-m1-3x1100
loss-f32-p1-mean-wnone-m1-3x20001
gradient-f16-p1-none-wnone-m1-4000x10
gradient-f32-p2-none-w+-m1-3x20001
gradient-f64-p1-none-w+-m1-3x1100
weight-gradient-f32-p1-mean-w+-m1-9x33
END
export PYTORCH_NO_CUDA_MEMORY_CACHING=1 # so that every array has bounds of its own
for tool in memcheck racecheck synccheck; do
  compute-sanitizer --tool "$tool" --target-processes all --error-exitcode 9 \
    python3 -m pytest conformance/test_conformance.py --device-target GPU --subject library "${few[@]}" || status=1
done
unset PYTORCH_NO_CUDA_MEMORY_CACHING

# ms_mml imports MindSpore; its benchmark on a GPU does without.
python3 - "$found" <<'END' || status=1
import argparse
import sys
import types

package = sys.modules["ms_mml"] = types.ModuleType("ms_mml")
package.__path__ = ["ms_mml"]
from ms_mml.bench import main

main(argparse.Namespace(device="GPU", quick=False, show=None, json=f"{sys.argv[1]}/bench.json", picture=None))
END
exit "$status"
