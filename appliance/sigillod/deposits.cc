#include "appliance/sigillod/deposits.h"

#include "appliance/ipc/sealed_memory.h"

namespace sigillo {
namespace {

constexpr std::size_t kNameSize = 16;

}  // namespace

Result<Bytes> Deposits::put(UniqueFd fd) {
    const auto size = ipc::sealed_size(fd.get());
    if (!size) return fail(size.error().code, size.error().detail, "deposit", size.error().native);
    if (*size == 0) return fail(Errc::kInvalidArgument, "an empty document", "deposit");
    if (*size > config_.bytes_each)
        return fail(Errc::kLimitExceeded,
                    "a document of " + std::to_string(*size) + " bytes, at most " +
                        std::to_string(config_.bytes_each),
                    "deposit");
    Bytes name = random_.bytes(kNameSize);
    std::vector<UniqueFd> closed;  // outside of the lock: the last close of a large memfd frees its pages
    const std::lock_guard lock(mutex_);
    forget_expired_locked(closed);
    if (kept_.size() >= config_.count || *size > config_.bytes_total - bytes_)
        return fail(Errc::kUnavailable, "too many documents wait to be signed");
    bytes_ += *size;
    kept_.emplace(name, Kept{{std::move(fd), *size}, clock_.boot_now() + config_.lifetime});
    return name;
}

Result<Deposits::Deposit> Deposits::take(ByteView name) {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find(to_bytes(name));
    if (found == kept_.end() || found->second.until <= clock_.boot_now())
        return fail(Errc::kNotFound, "no such deposit: unknown, taken before, or expired", "deposit");
    Deposit deposit = std::move(found->second.deposit);
    bytes_ -= deposit.size;
    kept_.erase(found);
    return deposit;
}

void Deposits::forget_expired() {
    std::vector<UniqueFd> closed;
    const std::lock_guard lock(mutex_);
    forget_expired_locked(closed);
}

void Deposits::forget_expired_locked(std::vector<UniqueFd>& closed) {
    const BootTime now = clock_.boot_now();
    for (auto entry = kept_.begin(); entry != kept_.end();) {
        if (entry->second.until > now) {
            ++entry;
            continue;
        }
        bytes_ -= entry->second.deposit.size;
        ++forgotten_;
        closed.push_back(std::move(entry->second.deposit.fd));
        entry = kept_.erase(entry);
    }
}

Deposits::Content Deposits::content() const {
    const std::lock_guard lock(mutex_);
    return {kept_.size(), bytes_, forgotten_};
}

}  // namespace sigillo
