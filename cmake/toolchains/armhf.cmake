# Cross-building for 32-bit ARM boards with a floating-point unit (ARMv7): BeagleBone, i.MX6, Raspberry Pi 2.
set(bastion_architecture armhf)
set(bastion_triplet arm-linux-gnueabihf)
set(bastion_processor armv7l)
set(bastion_emulator qemu-arm-static)
include("${CMAKE_CURRENT_LIST_DIR}/debian.cmake")
