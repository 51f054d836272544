// What every fuzz target includes: libFuzzer's entry point, and the input as the decoders take it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "appliance/base/bytes.h"

// A property that must hold for whatever a decoder accepted: its failure is a crash, which libFuzzer reports.
#define FUZZ_CHECK(condition)           \
    do {                                \
        if (!(condition)) std::abort(); \
    } while (false)

#define FUZZ_TARGET(input)                                                              \
    static void fuzz_one(::sigillo::ByteView input);                                    \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);  \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
        fuzz_one({data, size});                                                         \
        return 0;                                                                       \
    }                                                                                   \
    static void fuzz_one(::sigillo::ByteView input)
