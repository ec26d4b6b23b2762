#!/usr/bin/env bash
# ci/gpu_check.sh FOLDER [STAGE...]: test and measure the GPU kernels without network access and without MindSpore.
# It needs an NVIDIA GPU, nvcc, compute-sanitizer, CMake, Ninja, pytest, pytest-xdist, tqdm, and PyTorch or CuPy. Results
# go to FOLDER. The stages, all of which run by default: build suite huge sanitizers bench
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in nvidia-smi nvcc cmake ninja compute-sanitizer; do
  command -v "$tool" >/dev/null || {
    echo "ci/gpu_check.sh: NOT RUN: no $tool" >&2
    exit 77
  }
done
nvidia-smi
results=${1:?name a folder for the results}
stages=("${@:2}")
[ ${#stages[@]} -gt 0 ] || stages=(build suite huge sanitizers bench)
mkdir -p "$results"
export PYTHONPATH=$PWD

conformance() { # PYTEST_OPTION...
  python3 -m pytest conformance/test_conformance.py --device-target GPU --subject library "$@"
}

build() {
  cmake -G Ninja -S custom_ops -B build/gpu -DMS_MML_CUDA=ON
  cmake --build build/gpu
  cmake --install build/gpu --prefix . # into ms_mml/lib, where the suite and the benchmark load libraries from
}

suite() {
  conformance --numprocesses 4 --tier full --report "$results/report.json"
}

huge() { # more than 2**31 scores
  local size=wnone-m1-2147485x1000
  conformance --case "huge-loss-f16-p1-none-$size" --case "huge-loss-f16-p1-mean-$size" \
    --case "huge-gradient-f16-p1-sum-$size"
}

# One or two cases of each algorithm under NVIDIA's checkers. Each array has its own allocation, so that memcheck detects
# accesses beyond its end.
sanitizers() {
  local tool case cases=()
  while read -r case; do cases+=("--case=$case"); done <<'END'
loss-f16-p1-mean-wnone-m1-9x33
loss-f64-p1-mean-wnone-m1-300x7
loss-f32-p1-mean-wnone-m1-3x1100
loss-f32-p1-mean-wnone-m1-3x20001
gradient-f16-p1-none-wnone-m1-4000x10
gradient-f32-p2-none-w+-m1-3x20001
gradient-f64-p1-none-w+-m1-3x1100
weight-gradient-f32-p1-mean-w+-m1-9x33
END
  for tool in memcheck racecheck synccheck; do
    PYTORCH_NO_CUDA_MEMORY_CACHING=1 MS_MML_BESIDE=0 compute-sanitizer --tool "$tool" --target-processes all \
      --require-cuda-init no --log-file "$results/$tool.%p.log" \
      python3 -m pytest conformance/test_conformance.py --device-target GPU --subject library "${cases[@]}"
    grep -hE "SUMMARY: 0 (errors|hazards)" "$results/$tool".*.log # at least one process was checked
    ! grep -hE "SUMMARY: [1-9]" "$results/$tool".*.log
  done
}

bench() {
  python3 -m ms_mml bench --device GPU --json "$results/bench.json"
}

failed=()
for stage in "${stages[@]}"; do
  set +e # "stage || ..." would disable set -e inside the stage as well
  (set -e; "$stage")
  [ $? -eq 0 ] || failed+=("$stage")
  set -e
done
[ ${#failed[@]} -eq 0 ] || {
  echo "ci/gpu_check.sh: FAILED: ${failed[*]}" >&2
  exit 1
}
