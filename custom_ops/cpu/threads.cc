#include "threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>

#include "../call.h"
#include "../flush_to_zero.h"

namespace ms_mml {
namespace {

// The number of ranges for each thread: enough to balance the load, but so few that each range is long and contiguous.
constexpr int kRangesPerThread = 16;

// How often the caller checks whether the helpers have finished before it sleeps: a few microseconds, the time that
// waking it would take. Helpers never spin, because MindSpore's threads need the processors.
constexpr int kSpins = 1000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Replaces std::condition_variable, which needs GLIBCXX_3.4.30. To run on older Linux systems the library also avoids
// std::mutex::try_lock (GLIBC_2.34; the atomic busy_ replaces it) and pthread_sigmask (GLIBC_2.32; on Linux sigprocmask
// sets the mask of the calling thread).
class Condition {
 public:
  template <class Holds>
  void wait(std::unique_lock<std::mutex>& lock, Holds holds) {
    while (!holds()) pthread_cond_wait(&condition_, lock.mutex()->native_handle());
  }

  void notify_one() { pthread_cond_signal(&condition_); }

 private:
  pthread_cond_t condition_ = PTHREAD_COND_INITIALIZER;
};

class Pool {
 public:
  void run(int64_t items, int threads, const std::function<void(int64_t, int64_t)>& work) {
    if (busy_.exchange(true)) return work(0, items);  // another call is using the helpers
    Job job = {work, items, std::max<int64_t>(1, items / (int64_t{threads} * kRangesPerThread)), threads - 1};
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      while (helpers_ < job.wanted && start_helper()) ++helpers_;
      job_ = &job;
    }
    for (int helper = 1; helper < threads; ++helper) work_available_.notify_one();
    job.take_part();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      job_ = nullptr;  // no more helpers may join
    }
    for (int spin = 0; spin < kSpins && job.inside > 0; ++spin) pause();
    std::unique_lock<std::mutex> lock(mutex_);
    all_left_.wait(lock, [&] { return job.inside == 0; });
    busy_ = false;
  }

 private:
  struct Job {
    const std::function<void(int64_t, int64_t)>& work;
    const int64_t items, range;
    int wanted;                  // helpers that may still join
    std::atomic<int> inside{0};  // helpers that have joined and not finished
    std::atomic<int64_t> next{0};

    void take_part() {
      for (int64_t first; (first = next.fetch_add(range)) < items;) work(first, std::min(items, first + range));
    }
  };

  // Starts a helper thread with all signals blocked, so that they are delivered to Python's threads.
  bool start_helper() {
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    bool started = true;
    try {
      std::thread([this] { help(); }).detach();
    } catch (const std::exception&) {
      started = false;  // run with fewer helpers
    }
    sigprocmask(SIG_SETMASK, &before, nullptr);
    return started;
  }

  [[noreturn]] void help() {
    const FlushToZeroGuard guard;
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      work_available_.wait(lock, [this] { return job_ != nullptr && job_->wanted > 0; });
      Job& job = *job_;
      --job.wanted, ++job.inside;
      lock.unlock();
      job.take_part();
      lock.lock();
      if (--job.inside == 0) all_left_.notify_one();
    }
  }

  std::atomic<bool> busy_{false};  // a call is using the helpers
  std::mutex mutex_;
  Condition work_available_, all_left_;
  Job* job_ = nullptr;
  int helpers_ = 0;
};

Pool* pool = new Pool;  // never destroyed: helpers wait in it until the process ends

// A forked child gets a new pool: the parent's helper threads do not exist there, and one may have held the mutex.
[[maybe_unused]] const int fork_handler = pthread_atfork(nullptr, nullptr, [] { pool = new Pool; });

}  // namespace

int thread_limit() {
  static const int limit = [] {
    const char* wanted = std::getenv("MS_MML_NUM_THREADS");
    if (wanted == nullptr || *wanted == '\0') {
      cpu_set_t allowed;
      return std::max(1, sched_getaffinity(0, sizeof allowed, &allowed) == 0
                             ? CPU_COUNT(&allowed)
                             : static_cast<int>(std::thread::hardware_concurrency()));
    }
    int threads = 0;
    const char* end = wanted + std::strlen(wanted);
    const auto [rest, error] = std::from_chars(wanted, end, threads);
    if (error != std::errc() || rest != end || threads < 1) {
      fail("MS_MML_NUM_THREADS must be an integer from 1 to 2147483647, but got '" + std::string(wanted) + "'.");
    }
    return threads;
  }();
  return limit;
}

void parallel_for(int64_t items, int threads, const std::function<void(int64_t first, int64_t last)>& work) {
  if (threads > 1 && items > 1) {
    pool->run(items, threads, work);
  } else {
    work(0, items);
  }
}

}  // namespace ms_mml
