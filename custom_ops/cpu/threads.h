// The threads that share the work of one call.
#pragma once

#include <cstdint>
#include <functional>

namespace ms_mml {

// How many there may be: MS_MML_NUM_THREADS, or as many as there are processors that this process may run on.
// OMP_NUM_THREADS says nothing: MindSpore sets it to 1 when it is imported.
int thread_limit();

// Calls work(first, last) until every item of [0, items) has been in one such range: here and, as they become free, on
// up to `threads - 1` helpers. It returns when all of them are done, and does not wait for a helper that has not begun:
// where other threads keep the processors busy, and MindSpore's do, the caller goes on by itself. work must not throw.
void share(int64_t items, int threads, const std::function<void(int64_t first, int64_t last)>& work);

}  // namespace ms_mml
