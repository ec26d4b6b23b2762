// Runs a block's threads as fibers, one at a time and as unfairly as can be: the first warp goes on until it must wait
// for others, and takes its turn again as soon as it can; only meanwhile do the others run. Which is first changes from
// block to block, and shared memory and scratch are poisoned before use, so a missing barrier shows as a wrong result.
// A thread that waits for others that will never come, or shuffles under a mask that it is not in, ends the launch with
// an error.
#include <ucontext.h>

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

constexpr size_t kStack = 1 << 16;
constexpr unsigned char kPoison = 0xff;  // a NaN, in every type

// A stack with somebody's calls on it: a thread's, or the scheduler's.
struct Side {
  ucontext_t context;
  const void* stack = nullptr;
  size_t size = 0;
};

void change_sides(Side& from, Side& to) {
#if defined(__SANITIZE_ADDRESS__)
  void* hidden;
  __sanitizer_start_switch_fiber(&hidden, to.stack, to.size);
  swapcontext(&from.context, &to.context);
  __sanitizer_finish_switch_fiber(hidden, nullptr, nullptr);
#else
  swapcontext(&from.context, &to.context);
#endif
}

// Many wait here until the last has come.
struct Meeting {
  unsigned arrived = 0, times = 0;
};

struct Thread {
  Side side;
  std::unique_ptr<char[]> memory;
  const Meeting* waits_for = nullptr;
  unsigned times_before = 0;
  bool done = true;

  bool ready() const { return !done && (waits_for == nullptr || waits_for->times != times_before); }
};

struct Shuffle : Meeting {
  uint64_t values[2][kWarp];  // of this time and the one before, which others may not have read yet
};

Side scheduler;
std::deque<Thread> threads;  // which stay where they are: a context points into itself
Meeting block_barrier;
std::vector<std::map<unsigned, Shuffle>> shuffles;  // by warp, then mask
const std::function<void()>* kernel;
std::string failure;
std::mt19937 random_numbers;
size_t current;

[[noreturn]] void refuse(const std::string& why) {
  failure = "thread " + std::to_string(current) + " of block " + std::to_string(blockIdx.x) + " " + why;
  change_sides(threads[current].side, scheduler);
  __builtin_unreachable();
}

void wait(const Meeting& meeting, unsigned times_before) {
  Thread& me = threads[current];
  me.waits_for = &meeting, me.times_before = times_before;
  while (!me.ready()) change_sides(me.side, scheduler);
  me.waits_for = nullptr;
}

void serve() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &scheduler.stack, &scheduler.size);
#endif
  for (;;) {
    (*kernel)();
    threads[current].done = true;
    change_sides(threads[current].side, scheduler);
  }
}

void make_threads(size_t count) {
  for (size_t t = threads.size(); t < count; ++t) {
    threads.emplace_back();
    Thread& thread = threads.back();
    thread.memory.reset(new char[kStack]);
    thread.side.stack = thread.memory.get(), thread.side.size = kStack;
    getcontext(&thread.side.context);
    thread.side.context.uc_stack.ss_sp = thread.memory.get();
    thread.side.context.uc_stack.ss_size = kStack;
    makecontext(&thread.side.context, serve, 0);
  }
}

extern "C" unsigned char __start_simt_shared[], __stop_simt_shared[];

void poison_shared_memory() { std::memset(__start_simt_shared, kPoison, __stop_simt_shared - __start_simt_shared); }

// Upwards, downwards or shuffled.
std::vector<size_t> new_order(size_t count) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  const unsigned kind = random_numbers() % 3;
  if (kind == 1) std::reverse(order.begin(), order.end());
  if (kind == 2) std::shuffle(order.begin(), order.end(), random_numbers);
  return order;
}

// Lets every thread of a warp that is ready go on; returns whether there was one.
bool go_on(size_t warp, const std::vector<size_t>& lanes) {
  bool moved = false;
  for (const size_t lane : lanes) {
    const size_t t = warp * kWarp + lane;
    if (t >= threads.size() || !threads[t].ready()) continue;
    moved = true, current = t, threadIdx = dim3(static_cast<unsigned>(t));
    change_sides(scheduler, threads[t].side);
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
  const std::vector<size_t> order = new_order(warps), lanes = new_order(kWarp);
  const auto first_goes_on = [&] {
    return std::any_of(order.begin(), order.end(), [&](size_t warp) { return go_on(warp, lanes); });
  };
  while (failure.empty() && first_goes_on()) {
  }
  const auto left = std::count_if(threads.begin(), threads.end(), [](const Thread& thread) { return !thread.done; });
  if (failure.empty() && left > 0) {
    failure = std::to_string(left) + " threads of block " + std::to_string(blockIdx.x) +
              " wait for others that do not come: " + std::to_string(block_barrier.arrived) + " of them at a barrier";
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

uint64_t exchange(unsigned mask, uint64_t mine, int from) {
  const unsigned lane = current % kWarp;
  if ((mask >> lane & 1) == 0) refuse("is not in the mask that it gives");
  Shuffle& shuffle = shuffles[current / kWarp][mask];
  const unsigned before = shuffle.times;
  shuffle.values[before % 2][lane] = mine;
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
  threads.clear();  // some are in the middle of it
  return cudaErrorLaunchFailure;
}

}  // namespace simt

const char* cudaGetErrorString(cudaError_t error) { return error == cudaSuccess ? "" : simt::failure.c_str(); }

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

cudaError_t cudaMallocFromPoolAsync(void** data, size_t size, cudaMemPool_t, cudaStream_t) {
  *data = std::memset(operator new(size), simt::kPoison, size);
  return cudaSuccess;
}

cudaError_t cudaFreeAsync(void* data, cudaStream_t) {
  operator delete(data);
  return cudaSuccess;
}
