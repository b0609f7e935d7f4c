// A client's first bytes, whatever they are, and the same bytes as the body of a CONNECT: the fuzzer need not learn to
// count.
#include "tests/fuzz/connect.hpp"
#include "tests/support/bytes.hpp"

using namespace bastion;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::run_connect({data, size});
  fuzz::run_connect(test::packet(0x10, test::ByteVector(data, data + size)));
  return 0;
}
