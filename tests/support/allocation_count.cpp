// The program's own operator new and delete, by which allocations are counted.
#include "tests/support/allocation_count.hpp"

#include <cstdlib>
#include <new>

// In a file of their own: inlined into a test, the compiler would take malloc and delete for a pair that does not fit.
void* operator new(std::size_t bytes) {
  bastion::test::AllocationCount::add();
  if (void* const block = std::malloc(bytes)) return block;
  throw std::bad_alloc{};
}

void operator delete(void* block) noexcept {
  std::free(block);
}

void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
