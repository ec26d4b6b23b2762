// Floating-point arithmetic as IEEE 754 has it, whatever the caller's thread has set.
//
// In graph mode MindSpore's threads take subnormal numbers for 0, and threads that are started from there do as well.
#pragma once

#include <cfenv>

namespace ms_mml {

// In force until it is destroyed; then what was before is again.
class IeeeArithmetic {
 public:
  IeeeArithmetic() {
    std::fegetenv(&before_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~IeeeArithmetic() { std::fesetenv(&before_); }
  IeeeArithmetic(const IeeeArithmetic&) = delete;
  IeeeArithmetic& operator=(const IeeeArithmetic&) = delete;

 private:
  std::fenv_t before_;
};

}  // namespace ms_mml
