// The thread pool that the calls share.
#pragma once

#include <cstdint>
#include <functional>

namespace ms_mml {

// The maximum number of threads for a call: MS_MML_NUM_THREADS if set and not empty, otherwise the number of processors
// that this process may run on. Fails if MS_MML_NUM_THREADS is not a positive integer. OMP_NUM_THREADS is ignored,
// because importing MindSpore sets it to 1.
int thread_limit();

// Cuts [0, items) into ranges and calls work(first, last) for each of them, on the calling thread and on up to
// `threads - 1` helper threads. Returns when all ranges are done. The caller takes ranges, too, and does not wait for
// helpers that have not started: they may get no processor while MindSpore's own threads are busy. work must not throw.
void parallel_for(int64_t items, int threads, const std::function<void(int64_t first, int64_t last)>& work);

}  // namespace ms_mml
