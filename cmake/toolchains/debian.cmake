# What cross-building for another Debian has in common; included by a file for each of its architectures, which says
#   bastion_architecture  Debian's name     bastion_triplet  of its compilers and libraries
#   bastion_processor     CMake's name      bastion_emulator what runs its programs here
# Libraries and headers are those of a Debian of that architecture, which packaging/build makes in build/sysroot.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR "${bastion_processor}")
set(CMAKE_LIBRARY_ARCHITECTURE "${bastion_triplet}")

if(NOT CMAKE_SYSROOT)
  set(CMAKE_SYSROOT "${CMAKE_CURRENT_LIST_DIR}/../../build/sysroot/${bastion_architecture}")
  get_filename_component(CMAKE_SYSROOT "${CMAKE_SYSROOT}" ABSOLUTE)
endif()

set(CMAKE_C_COMPILER "${bastion_triplet}-gcc")
set(CMAKE_CXX_COMPILER "${bastion_triplet}-g++")
set(CMAKE_CROSSCOMPILING_EMULATOR "${bastion_emulator};-L;${CMAKE_SYSROOT}")

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

set(ENV{PKG_CONFIG_DIR} "")
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${CMAKE_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR} "${CMAKE_SYSROOT}/usr/lib/${bastion_triplet}/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig")

set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE "${bastion_architecture}")
