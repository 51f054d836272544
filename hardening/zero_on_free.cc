// Memory that C++ gives back is overwritten first: a PIN, an OTP or a seed passes through strings of
// protobuf, JSON and HTTP that nobody cleanses one by one, and must not be found in a later dump of the
// process.
//
// Linked into sigillod and sigillo-api as an object; not into builds with sanitizers, which bring operators
// of their own.
#include <malloc.h>
#include <string.h>

#include <cstdlib>
#include <new>

namespace {

void* take(std::size_t size) {
    // Of the C library, so that malloc_usable_size() knows how much to overwrite.
    for (;;) {
        if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
        const std::new_handler handler = std::get_new_handler();
        if (handler == nullptr) throw std::bad_alloc();
        handler();
    }
}

void give_back(void* memory) noexcept {
    if (memory == nullptr) return;
    ::explicit_bzero(memory, ::malloc_usable_size(memory));
    std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
    return take(size);
}
void* operator new[](std::size_t size) {
    return take(size);
}
void operator delete(void* memory) noexcept {
    give_back(memory);
}
void operator delete[](void* memory) noexcept {
    give_back(memory);
}
// What was asked for is all that can have been written; to look up the block's size would cost more.
void operator delete(void* memory, std::size_t size) noexcept {
    if (memory == nullptr) return;
    ::explicit_bzero(memory, size);
    std::free(memory);
}
void operator delete[](void* memory, std::size_t size) noexcept {
    operator delete(memory, size);
}
