# Cross-building for 64-bit ARM boards: Raspberry Pi 3 and later with a 64-bit system, most gateways sold today.
set(bastion_architecture arm64)
set(bastion_triplet aarch64-linux-gnu)
set(bastion_processor aarch64)
set(bastion_emulator qemu-aarch64-static)
include("${CMAKE_CURRENT_LIST_DIR}/debian.cmake")
