// What the host asks of CUDA: to start a kernel, and for scratch. Every call is checked.
#pragma once

#include <cuda_runtime.h>

#include <climits>
#include <map>
#include <mutex>

#include "../call.h"

namespace ms_mml {
namespace {

inline void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess) fail(std::string(what) + " failed on the GPU: " + cudaGetErrorString(error) + ".");
}

inline cudaStream_t stream_of(const Call& call) { return static_cast<cudaStream_t>(call.stream); }

// Starts a kernel on the call's stream, and does not wait for it.
template <class... Parameters, class... Arguments>
void start(const char* what, void (*kernel)(Parameters...), const Call& call, int64_t blocks, int threads,
           Arguments... arguments) {
  if (blocks > INT_MAX)
    fail("the shape of 'input' makes " + std::to_string(blocks) + " blocks, more than a GPU takes.");
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(threads);
  config.stream = stream_of(call);
  check(cudaLaunchKernelEx(&config, kernel, call, arguments...), what);
}

// Scratch comes from a pool of this library's own, which keeps what it once had: after the first call it costs about a
// microsecond, and nothing waits. It is given and taken back in the order of the stream, so calls on several streams
// and a captured graph have each their own. The default pool would return its memory at every synchronisation.
inline cudaMemPool_t scratch_pool() {
  static std::mutex& mutex = *new std::mutex;  // never destroyed: threads may outlive the library's own statics
  static std::map<int, cudaMemPool_t>& pools = *new std::map<int, cudaMemPool_t>;
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  const std::lock_guard<std::mutex> lock(mutex);
  cudaMemPool_t& pool = pools[device];
  if (pool == nullptr) {
    cudaMemPoolProps properties = {};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location.type = cudaMemLocationTypeDevice;
    properties.location.id = device;
    check(cudaMemPoolCreate(&pool, &properties), "cudaMemPoolCreate");
    uint64_t keep = UINT64_MAX;
    check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "cudaMemPoolSetAttribute");
  }
  return pool;
}

// `count` values of scratch for the kernels that are started while it lives.
template <class Value>
class Scratch {
 public:
  Scratch(int64_t count, const Call& call) : stream_(stream_of(call)) {
    if (count == 0) return;
    void* data;
    check(cudaMallocFromPoolAsync(&data, count * sizeof(Value), scratch_pool(), stream_), "cudaMallocFromPoolAsync");
    data_ = static_cast<Value*>(data);
  }

  ~Scratch() {
    if (data_ != nullptr) cudaFreeAsync(data_, stream_);
  }

  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  Value* data() const { return data_; }

 private:
  Value* data_ = nullptr;
  const cudaStream_t stream_;
};

}  // namespace
}  // namespace ms_mml
