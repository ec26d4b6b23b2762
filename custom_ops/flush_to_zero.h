// Floating-point arithmetic as IEEE 754 has it, whatever the caller's thread has set.
//
// In graph mode MindSpore's threads take subnormal numbers for 0, and threads that are started from there do as well.
#pragma once

#include <cfenv>

namespace ms_mml {

// In force until it is destroyed; then what was before is again.
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
