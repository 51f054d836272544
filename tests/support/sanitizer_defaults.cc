// How AddressSanitizer looks for leaks, in every program of a build with it: no environment variable can say
// so to one whose own confinement keeps it from reading a file.
//
// SoftHSM 2.6.1 leaks the 37 bytes of an Ed25519 key's context with every C_SignInit. Only a whole stack
// tells its allocations from ours, and libcrypto's frames need the slow unwinder.
extern "C" const char* __asan_default_options() {
    return "fast_unwind_on_malloc=0:malloc_context_size=10";
}
extern "C" const char* __lsan_default_suppressions() {
    return "leak:libsofthsm2.so\n";
}
extern "C" const char* __lsan_default_options() {
    return "print_suppressions=0";
}
