#!/usr/bin/env bash
# ci/gpu_check.sh FOLDER [STAGE...] - prove and time the GPU kernels on a machine that has an NVIDIA GPU, nvcc,
# compute-sanitizer, CMake, ninja, pytest with xdist, tqdm, and PyTorch or CuPy. It needs neither network nor MindSpore,
# and leaves what it found in FOLDER. The stages, all of them unless some are named: build suite huge sanitizers bench
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in nvidia-smi nvcc cmake ninja compute-sanitizer; do
  command -v "$tool" >/dev/null || {
    echo "ci/gpu_check.sh: NOT RUN: no $tool" >&2
    exit 77
  }
done
nvidia-smi
found=${1:?name a folder for what is found}
stages=("${@:2}")
[ ${#stages[@]} -gt 0 ] || stages=(build suite huge sanitizers bench)
mkdir -p "$found"
export PYTHONPATH=$PWD

prove() {
  python3 -m pytest conformance/test_conformance.py --device-target GPU --subject library "$@"
}

build() {
  cmake -G Ninja -S custom_ops -B build/gpu -DMS_MML_CUDA=ON
  cmake --build build/gpu
  cmake --install build/gpu --prefix . # where the suite and the benchmark look for it
}

suite() {
  prove --numprocesses 4 --tier full --report "$found/report.json"
}

huge() { # more than 2**31 scores
  local size=wnone-m1-2147485x1000
  prove --case "huge-loss-f16-p1-none-$size" --case "huge-loss-f16-p1-mean-$size" --case "huge-gradient-f16-p1-sum-$size"
}

# A case or two of every way to walk, under NVIDIA's own checkers. Every array has an allocation to itself, so that
# memcheck knows where it ends.
sanitizers() {
  local tool case few=()
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
  for tool in memcheck racecheck synccheck; do
    PYTORCH_NO_CUDA_MEMORY_CACHING=1 MS_MML_BESIDE=0 compute-sanitizer --tool "$tool" --target-processes all \
      --require-cuda-init no --log-file "$found/$tool.%p.log" \
      python3 -m pytest conformance/test_conformance.py --device-target GPU --subject library "${few[@]}"
    grep -hE "SUMMARY: 0 (errors|hazards)" "$found/$tool".*.log # it did look
    ! grep -hE "SUMMARY: [1-9]" "$found/$tool".*.log
  done
}

bench() {
  python3 -m ms_mml bench --device GPU --json "$found/bench.json"
}

failed=()
for stage in "${stages[@]}"; do
  set +e # where a list goes on after a failure, bash would go on within the stage, too
  (set -e; "$stage")
  [ $? -eq 0 ] || failed+=("$stage")
  set -e
done
[ ${#failed[@]} -eq 0 ] || {
  echo "ci/gpu_check.sh: FAILED: ${failed[*]}" >&2
  exit 1
}
