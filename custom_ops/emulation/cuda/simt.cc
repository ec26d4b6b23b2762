// Runs the threads of a block as fibers, one at a time. The scheduling is as unfair as possible, so that a missing
// barrier causes a wrong result: one warp runs until it has to wait, and resumes before any other as soon as it can.
// The order of the warps changes from block to block, and shared memory and workspaces are poisoned before use. The
// launch fails if a thread waits for threads that never arrive, or shuffles with a mask that does not include it.
#include <ucontext.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "cuda_runtime.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace simt {
namespace {

constexpr size_t kStack = 1 << 16;       // bytes
constexpr unsigned char kPoison = 0xff;  // bytes of 0xff are a NaN in every floating-point type

// The execution context and stack of a thread or of the scheduler. Only the first switch to a thread uses `context`:
// swapcontext makes two system calls, which would take most of the time of an emulated kernel.
struct Fiber {
  ucontext_t context;
  void* resume[5];
  bool started = false;
  const void* stack = nullptr;
  size_t size = 0;
};

__attribute__((no_sanitize_address)) void switch_fiber(Fiber& from, Fiber& to) {
#if defined(__SANITIZE_ADDRESS__)
  void* hidden;
  __sanitizer_start_switch_fiber(&hidden, to.stack, to.size);
#endif
  from.started = true;
  if (__builtin_setjmp(from.resume) == 0) {
    if (to.started) __builtin_longjmp(to.resume, 1);
    setcontext(&to.context);
  }
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(hidden, nullptr, nullptr);
#endif
}

// A reusable barrier: the threads wait until the last one has arrived. `times` counts how often that has happened.
struct Barrier {
  unsigned arrived = 0, times = 0;
};

struct Thread {
  Fiber fiber;
  std::unique_ptr<char[]> stack;
  const Barrier* waits_for = nullptr;
  unsigned times_before = 0;
  bool done = true;

  bool ready() const { return !done && (waits_for == nullptr || waits_for->times != times_before); }
};

struct Shuffle : Barrier {
  uint64_t values[2][kWarp];  // this use's, and the previous one's, which some lanes may not have read yet
};

Fiber scheduler;
std::deque<Thread> threads;  // a deque, because it never moves its elements: a context points into itself
Barrier block_barrier;
std::vector<std::map<unsigned, Shuffle>> shuffles;  // indexed by warp, then mask
const std::function<void()>* kernel;
std::string failure;
std::mt19937 random_numbers;
size_t current;

[[noreturn]] void stop_launch(const std::string& reason) {
  failure = "thread " + std::to_string(current) + " of block " + std::to_string(blockIdx.x) + " " + reason;
  switch_fiber(threads[current].fiber, scheduler);
  __builtin_unreachable();
}

void wait(const Barrier& point, unsigned times_before) {
  Thread& me = threads[current];
  me.waits_for = &point, me.times_before = times_before;
  while (!me.ready()) switch_fiber(me.fiber, scheduler);
  me.waits_for = nullptr;
}

void run_fiber() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &scheduler.stack, &scheduler.size);
#endif
  for (;;) {
    (*kernel)();
    threads[current].done = true;
    switch_fiber(threads[current].fiber, scheduler);
  }
}

void make_threads(size_t count) {
  for (size_t t = threads.size(); t < count; ++t) {
    threads.emplace_back();
    Thread& thread = threads.back();
    thread.stack.reset(new char[kStack]);
    thread.fiber.stack = thread.stack.get(), thread.fiber.size = kStack;
    getcontext(&thread.fiber.context);
    thread.fiber.context.uc_stack.ss_sp = thread.stack.get();
    thread.fiber.context.uc_stack.ss_size = kStack;
    makecontext(&thread.fiber.context, run_fiber, 0);
  }
}

extern "C" unsigned char __start_simt_shared[], __stop_simt_shared[];

void poison_shared_memory() { std::memset(__start_simt_shared, kPoison, __stop_simt_shared - __start_simt_shared); }

// 0 to count - 1 ascending, descending or shuffled.
std::vector<size_t> random_order(size_t count) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  const unsigned kind = random_numbers() % 3;
  if (kind == 1) std::reverse(order.begin(), order.end());
  if (kind == 2) std::shuffle(order.begin(), order.end(), random_numbers);
  return order;
}

// Resumes every ready thread of a warp; returns whether there was one.
bool resume_warp(size_t warp, const std::vector<size_t>& lanes) {
  bool moved = false;
  for (const size_t lane : lanes) {
    const size_t t = warp * kWarp + lane;
    if (t >= threads.size() || !threads[t].ready()) continue;
    moved = true, current = t, threadIdx = dim3(static_cast<unsigned>(t));
    switch_fiber(scheduler, threads[t].fiber);
    if (!failure.empty()) break;
  }
  return moved;
}

void run_block(size_t count) {
  poison_shared_memory();
  block_barrier = {};
  const size_t warps = (count + kWarp - 1) / kWarp;
  shuffles.assign(warps, {});
  for (size_t t = 0; t < count; ++t) threads[t].done = false, threads[t].waits_for = nullptr;
  const std::vector<size_t> order = random_order(warps), lanes = random_order(kWarp);
  const auto resume_first_ready_warp = [&] {
    return std::any_of(order.begin(), order.end(), [&](size_t warp) { return resume_warp(warp, lanes); });
  };
  while (failure.empty() && resume_first_ready_warp()) {
  }
  const auto left = std::count_if(threads.begin(), threads.end(), [](const Thread& thread) { return !thread.done; });
  if (failure.empty() && left > 0) {
    failure = std::to_string(left) + " threads of block " + std::to_string(blockIdx.x) +
              " wait for threads that never arrive: " + std::to_string(block_barrier.arrived) + " of them at a barrier";
  }
}

}  // namespace

void barrier() {
  const unsigned before = block_barrier.times;
  if (++block_barrier.arrived == blockDim.x) {
    block_barrier.arrived = 0, ++block_barrier.times;
  } else {
    wait(block_barrier, before);
  }
}

uint64_t exchange(unsigned mask, uint64_t value, int from) {
  const unsigned lane = current % kWarp;
  if ((mask >> lane & 1) == 0) stop_launch("shuffles with a mask that does not include it");
  Shuffle& shuffle = shuffles[current / kWarp][mask];
  const unsigned before = shuffle.times;
  shuffle.values[before % 2][lane] = value;
  shuffle.arrived |= 1u << lane;
  if (shuffle.arrived == mask) {
    shuffle.arrived = 0, ++shuffle.times;
  } else {
    wait(shuffle, before);
  }
  return (mask >> from & 1) == 0 ? ~uint64_t{0} : shuffle.values[before % 2][from];
}

cudaError_t run(dim3 grid, dim3 block, const std::function<void()>& work) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  make_threads(block.x);
  kernel = &work, gridDim = grid, blockDim = block, failure.clear();
  for (unsigned b = 0; b < grid.x && failure.empty(); ++b) {
    blockIdx = dim3(b);
    run_block(block.x);
  }
  if (failure.empty()) return cudaSuccess;
  threads.clear();  // some are still inside the kernel
  return cudaErrorLaunchFailure;
}

}  // namespace simt

const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaSuccess ? "" : error == cudaErrorMemoryAllocation ? "out of memory" : simt::failure.c_str();
}

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps*) {
  static char the_pool;
  *pool = &the_pool;
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }

// MS_MML_EMULATED_MEMORY is the largest number of bytes that can be allocated at once.
cudaError_t cudaMallocFromPoolAsync(void** data, size_t size, cudaMemPool_t, cudaStream_t) {
  const char* limit = std::getenv("MS_MML_EMULATED_MEMORY");
  if (limit != nullptr && size > std::strtoull(limit, nullptr, 10)) return cudaErrorMemoryAllocation;
  *data = std::memset(operator new(size), simt::kPoison, size);
  return cudaSuccess;
}

cudaError_t cudaFreeAsync(void* data, cudaStream_t) {
  operator delete(data);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* data, int byte, size_t size, cudaStream_t) {
  std::memset(data, byte, size);
  return cudaSuccess;
}
