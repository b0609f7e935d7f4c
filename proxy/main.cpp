// The program: hands its arguments to the command line.
#include "proxy/cli/cli.hpp"

int main(int argc, char** argv) {
  return bastion::cli::main(argc, argv);
}
