// A stub of CUDA's header of the same name, for the host compiler. It declares everything that the GPU kernels use. The
// emulation checks results and memory accesses, not speed. simt.cc runs the threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)
#define __shared__ static __attribute__((section("simt_shared")))  // blocks run one at a time and start by poisoning it

using std::min;

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

struct alignas(16) uint4 {
  unsigned x, y, z, w;
};

inline void __stwb(uint4* to, uint4 value) { *to = value; }

extern dim3 threadIdx, blockIdx, blockDim, gridDim;

// ---------------------------------------------------------------------------------------------------------------------
// Synchronisation and communication of threads
// ---------------------------------------------------------------------------------------------------------------------

namespace simt {

constexpr int kWarp = 32;

// Waits until all threads of the block have arrived.
void barrier();

// Waits until all lanes of the mask have arrived. Returns the value of lane `from` of this warp.
uint64_t exchange(unsigned mask, uint64_t value, int from);

}  // namespace simt

inline void __syncthreads() { simt::barrier(); }

inline void __syncwarp(unsigned mask = 0xffffffff) { simt::exchange(mask, 0, threadIdx.x % simt::kWarp); }

inline double __shfl_down_sync(unsigned mask, double value, int distance, int width = simt::kWarp) {
  const int lane = threadIdx.x % simt::kWarp;
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits = simt::exchange(mask, bits, lane % width + distance < width ? lane + distance : lane);
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

// ---------------------------------------------------------------------------------------------------------------------
// The host API
// ---------------------------------------------------------------------------------------------------------------------

enum cudaError_t { cudaSuccess, cudaErrorMemoryAllocation, cudaErrorLaunchFailure };
using cudaStream_t = void*;
using cudaMemPool_t = void*;

enum cudaMemAllocationType { cudaMemAllocationTypePinned };
enum cudaMemLocationType { cudaMemLocationTypeDevice };
enum cudaMemPoolAttr { cudaMemPoolAttrReleaseThreshold };

struct cudaMemPoolProps {
  cudaMemAllocationType allocType;
  struct {
    cudaMemLocationType type;
    int id;
  } location;
};

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};

const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties);
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value);
cudaError_t cudaMallocFromPoolAsync(void** data, size_t size, cudaMemPool_t pool, cudaStream_t stream);
cudaError_t cudaFreeAsync(void* data, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* data, int byte, size_t size, cudaStream_t stream);

namespace simt {

// Runs a kernel in every thread of every block. Fails if a thread waits for threads that never arrive.
cudaError_t run(dim3 grid, dim3 block, const std::function<void()>& kernel);

}  // namespace simt

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  return simt::run(config->gridDim, config->blockDim, [&] { kernel(static_cast<Parameters>(arguments)...); });
}
