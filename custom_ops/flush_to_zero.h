// IEEE 754 arithmetic, regardless of the floating-point environment of the calling thread.
//
// In graph mode MindSpore sets flush-to-zero on its threads, and threads started from them inherit it.
#pragma once

#include <cfenv>

namespace ms_mml {

// Sets the default floating-point environment (no flush-to-zero, rounding to nearest); the destructor restores the
// previous one.
class FlushToZeroGuard {
 public:
  FlushToZeroGuard() {
    std::fegetenv(&before_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~FlushToZeroGuard() { std::fesetenv(&before_); }
  FlushToZeroGuard(const FlushToZeroGuard&) = delete;
  FlushToZeroGuard& operator=(const FlushToZeroGuard&) = delete;

 private:
  std::fenv_t before_;
};

}  // namespace ms_mml
