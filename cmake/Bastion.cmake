# The project's own build functions: one static library for each room, one test program for each room's tests.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(BASTION_CCACHE ccache)
if(BASTION_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${BASTION_CCACHE}")
endif()

# A precompiled header with time stamps in it would never be found again in ccache.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
endif()

# What every target of the project is compiled with.
add_library(bastion_options INTERFACE)
target_include_directories(bastion_options INTERFACE "${CMAKE_CURRENT_SOURCE_DIR}")
target_compile_options(bastion_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast -Wcast-align
  -Woverloaded-virtual -Wformat=2 -Wno-psabi
  -fstack-protector-strong -fno-omit-frame-pointer)
if(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT BASTION_SANITIZE)
  target_compile_options(bastion_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
target_link_options(bastion_options INTERFACE -Wl,-z,relro,-z,now -Wl,--as-needed)
if(BASTION_WERROR)
  target_compile_options(bastion_options INTERFACE -Werror)
endif()
if(BASTION_SANITIZE)
  set(bastion_sanitize_flags "-fsanitize=${BASTION_SANITIZE}" -fno-sanitize-recover=all)
  if(BASTION_SANITIZE MATCHES "undefined" AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # function: its prologue breaks coroutines in clang 14. vptr: it asks the kernel through a pipe whether memory can be read,
    # and calls every object invalid in the tests in which descriptors have run out.
    list(APPEND bastion_sanitize_flags -fno-sanitize=function,vptr)
  endif()
  if(BASTION_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND bastion_sanitize_flags -Wno-tsan)
  endif()
  target_compile_options(bastion_options INTERFACE ${bastion_sanitize_flags})
  target_link_options(bastion_options INTERFACE ${bastion_sanitize_flags})
endif()
if(BASTION_FUZZERS)
  # Rooms are instrumented for coverage; only the fuzzers themselves link libFuzzer's main.
  target_compile_options(bastion_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(bastion_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# bastion_room(NAME SOURCES a.cpp ... [USES room|target ...] [PRIVATELY target ...])
# A room of the house. USES: what its headers need; PRIVATELY: what its sources need.
function(bastion_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES;PRIVATELY" ${ARGN})
  add_library(bastion_${name} STATIC ${ROOM_SOURCES})
  add_library(bastion::${name} ALIAS bastion_${name})
  target_link_libraries(bastion_${name} PUBLIC bastion_options ${ROOM_USES} PRIVATE ${ROOM_PRIVATELY})
endfunction()

# GoogleTest's headers, compiled once for all tests: they are most of what a test's compilation costs.
# `unit_tests` is all programs of unit tests, for those who want no others.
function(bastion_test_headers)
  add_custom_target(unit_tests)
  file(WRITE "${CMAKE_BINARY_DIR}/tests/headers.cpp.new" "// Compiled for its precompiled header.\n")
  file(COPY_FILE "${CMAKE_BINARY_DIR}/tests/headers.cpp.new" "${CMAKE_BINARY_DIR}/tests/headers.cpp" ONLY_IF_DIFFERENT)
  add_library(bastion_test_headers STATIC "${CMAKE_BINARY_DIR}/tests/headers.cpp")
  target_link_libraries(bastion_test_headers PRIVATE bastion_options GTest::gtest GTest::gmock)
  target_precompile_headers(bastion_test_headers PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
endfunction()

# bastion_test(NAME SOURCES a_test.cpp ... USES target ... [LABEL unit|integration|e2e])
# One test program; each of its tests is a CTest test.
function(bastion_test name)
  cmake_parse_arguments(TEST "" "LABEL;TIMEOUT" "SOURCES;USES" ${ARGN})
  if(NOT TEST_LABEL)
    set(TEST_LABEL unit)
  endif()
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 120)
  endif()
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE bastion_options ${TEST_USES} GTest::gtest GTest::gmock GTest::gtest_main)
  target_precompile_headers(${name} REUSE_FROM bastion_test_headers)
  if(TEST_LABEL STREQUAL unit)
    add_dependencies(unit_tests ${name})
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${TEST_LABEL}/"
    PROPERTIES LABELS ${TEST_LABEL} TIMEOUT ${TEST_TIMEOUT})
endfunction()

# bastion_fuzzer(NAME SOURCE fuzz_x.cpp USES target ...)   seeds: tests/corpus/NAME/
function(bastion_fuzzer name)
  cmake_parse_arguments(FUZZ "" "SOURCE" "USES" ${ARGN})
  if(BASTION_FUZZERS)
    if(NOT IS_DIRECTORY "${CMAKE_SOURCE_DIR}/tests/corpus/${name}")
      message(FATAL_ERROR "fuzz_${name} has no seeds in tests/corpus/${name}")
    endif()
    add_executable(fuzz_${name} ${FUZZ_SOURCE})
    target_link_libraries(fuzz_${name} PRIVATE bastion_options ${FUZZ_USES})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  endif()
endfunction()

# bastion_packet_fuzzers(VERSION SOURCE TYPE ...)   fuzzers TYPE_VERSION, each the same source for its own packet
function(bastion_packet_fuzzers version source)
  foreach(type ${ARGN})
    bastion_fuzzer(${type}_${version} SOURCE ${source} USES bastion::inspect)
    if(BASTION_FUZZERS)
      target_compile_definitions(fuzz_${type}_${version} PRIVATE BASTION_FUZZ_TYPE=${type} BASTION_FUZZ_VERSION=${version})
    endif()
  endforeach()
endfunction()
