# Language level, warnings, hardening and sanitizers: what holds for every target of ours.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

set(SIGILLO_SANITIZE "" CACHE STRING "asan-ubsan, tsan, fuzz or empty")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g1")
set(CMAKE_C_FLAGS_SANITIZE "-O1 -g1")

add_library(sigillo_flags INTERFACE)
target_include_directories(sigillo_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(sigillo_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align
  -Wconversion -Wsign-conversion -Wformat=2 -Wimplicit-fallthrough -Wno-missing-field-initializers)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlapping copies in std::string's operator+ where there are none (GCC bug 105651).
  target_compile_options(sigillo_flags INTERFACE -Wno-restrict)
endif()

if(SIGILLO_SANITIZE STREQUAL "asan-ubsan")
  # The checks left out (null, alignment, vptr, object-size) cost half of the build time and find
  # nothing that AddressSanitizer does not.
  set(sanitizers -fsanitize=address,undefined -fno-sanitize=null,alignment,vptr,object-size
      -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # With this instrumentation GCC 12 takes the standard library's own std::function for uninitialised (std::regex).
    list(APPEND sanitizers -Wno-maybe-uninitialized)
  endif()
elseif(SIGILLO_SANITIZE STREQUAL "tsan")
  set(sanitizers -fsanitize=thread -fno-omit-frame-pointer -Wno-tsan)
elseif(SIGILLO_SANITIZE STREQUAL "fuzz")
  set(sanitizers -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
endif()
if(SIGILLO_SANITIZE)
  target_compile_options(sigillo_flags INTERFACE ${sanitizers})
  target_link_options(sigillo_flags INTERFACE ${sanitizers})
else()
  target_compile_options(sigillo_flags INTERFACE
    $<$<CONFIG:Release>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>
    -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -D_GLIBCXX_ASSERTIONS)
  target_link_options(sigillo_flags INTERFACE
    -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>)
endif()
