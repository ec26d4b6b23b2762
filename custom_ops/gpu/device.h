// Host-side CUDA calls, with errors checked: launching a kernel, and workspaces.
#pragma once

#include <cuda_runtime.h>

#include <climits>
#include <map>
#include <mutex>

#include "../call.h"

namespace ms_mml {
namespace {

inline void check(cudaError_t error, const char* call) {
  if (error != cudaSuccess) fail(std::string(call) + " failed on the GPU: " + cudaGetErrorString(error) + ".");
}

inline cudaStream_t stream_of(const Call& call) { return static_cast<cudaStream_t>(call.stream); }

// Launches a kernel on the call's stream and does not wait for it.
template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), const Call& call, int64_t blocks, int threads,
            Arguments... arguments) {
  if (blocks > INT_MAX)
    fail("the shape of 'input' requires " + std::to_string(blocks) + " blocks, more than a GPU supports.");
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(threads);
  config.stream = stream_of(call);
  check(cudaLaunchKernelEx(&config, kernel, call, arguments...), name);
}

// The memory pool for workspaces. It keeps freed memory, so after the first call an allocation takes about a
// microsecond and does not synchronise. The default pool would return its memory to the driver at every
// synchronisation.
inline cudaMemPool_t workspace_pool() {
  static std::mutex& mutex = *new std::mutex;  // never destroyed: threads may outlive the library's statics
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

// A workspace of `count` values for the kernels that are launched during its lifetime. It is allocated and freed in
// stream order, so calls on different streams, and a captured graph, each have their own.
template <class Value>
class Workspace {
 public:
  Workspace(int64_t count, const Call& call) : stream_(stream_of(call)) {
    if (count == 0) return;
    void* data;
    check(cudaMallocFromPoolAsync(&data, count * sizeof(Value), workspace_pool(), stream_), "cudaMallocFromPoolAsync");
    data_ = static_cast<Value*>(data);
  }

  ~Workspace() {
    if (data_ != nullptr) cudaFreeAsync(data_, stream_);
  }

  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  Value* data() const { return data_; }

 private:
  Value* data_ = nullptr;
  const cudaStream_t stream_;
};

}  // namespace
}  // namespace ms_mml
