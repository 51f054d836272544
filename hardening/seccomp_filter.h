// A seccomp filter under construction, by libseccomp: shared by the profiles. Not for other folders.
#pragma once

#include <seccomp.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <span>

namespace sigillo {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

class Filter {
 public:
    explicit Filter(std::uint32_t otherwise)
        : context_(::seccomp_init(otherwise), &::seccomp_release), status_(context_ ? 0 : -ENOMEM) {}

    void attribute(scmp_filter_attr name, std::uint32_t value) {
        keep(context_ ? ::seccomp_attr_set(context_.get(), name, value) : -ENOMEM);
    }
    void allow(std::span<const char* const> names) {
        for (const char* name : names) rule(SCMP_ACT_ALLOW, name, {});
    }
    void allow_if(const char* name, scmp_arg_cmp condition) { rule(SCMP_ACT_ALLOW, name, {&condition, 1}); }
    void allow_if_both(const char* name, scmp_arg_cmp one, scmp_arg_cmp other) {
        const std::array conditions{one, other};
        rule(SCMP_ACT_ALLOW, name, conditions);
    }
    void absent(std::span<const char* const> names) {
        for (const char* name : names) rule(SCMP_ACT_ERRNO(ENOSYS), name, {});
    }
    // 0 or a negative errno: of the first step that failed.
    int write_program(int fd) {
        if (status_ == 0) keep(::seccomp_export_bpf(context_.get(), fd));
        return status_;
    }
    int load() {
        if (status_ == 0) keep(::seccomp_load(context_.get()));
        return status_;
    }

 private:
    void rule(std::uint32_t action, const char* name, std::span<const scmp_arg_cmp> conditions) {
        if (status_ != 0) return;
        const int number = ::seccomp_syscall_resolve_name(name);
        if (number < 0) return;  // not on this architecture, or newer than this libseccomp: stays forbidden
        keep(::seccomp_rule_add_array(context_.get(), action, number,
                                      static_cast<unsigned>(conditions.size()), conditions.data()));
    }
    void keep(int status) {
        if (status_ == 0 && status < 0) status_ = status;
    }

    std::unique_ptr<void, decltype(&::seccomp_release)> context_;
    int status_;
};

inline scmp_arg_cmp equals(unsigned argument, std::uint64_t value) {
    return {argument, SCMP_CMP_EQ, value, 0};
}
inline scmp_arg_cmp masked(unsigned argument, std::uint64_t mask, std::uint64_t value) {
    return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

}  // namespace sigillo
