#include "appliance/sigillod/epoch_order.h"

#include <nlohmann/json.hpp>

#include "appliance/activation/sad.h"
#include "appliance/base/file.h"
#include "appliance/sigillod/foundation.h"

namespace sigillo {
namespace {

struct Order {
    std::string officer;
    std::string reason;
};

Result<Order> read_order(const std::filesystem::path& path) {
    constexpr std::size_t kLimit = 16 * 1024;  // bytes: a name and a sentence
    SIGILLO_ASSIGN(const Bytes contents, read_file(path, kLimit));
    const auto json = nlohmann::json::parse(as_text(contents), nullptr, false);
    if (!json.is_object() || !json.contains("officer") || !json["officer"].is_string() ||
        !json.contains("reason") || !json["reason"].is_string())
        return fail(Errc::kInvalidArgument,
                    path.string() + " is not an order of sigilloctl: remove it, and order again");
    return Order{json["officer"].get<std::string>(), json["reason"].get<std::string>()};
}

// OTPs that were spent after the store was copied must stay spent: each factor goes on from the step of now.
Status raise_otp_steps(audit::Recorder& recorder, std::int64_t now_s) {
    std::vector<Bytes> keys;
    SIGILLO_TRY(recorder.transaction().scan(tables::kFactors.space, {}, {},
                                            [&](ByteView key, ByteView) -> Result<bool> {
                                                keys.push_back(to_bytes(key));
                                                return true;
                                            }));
    constexpr std::int64_t kDriftSteps = 2;  // no code of around now is accepted again
    // Counters have no clock to go by. So far ahead that no look-ahead reaches back: a HOTP token is enrolled
    // anew.
    constexpr std::int64_t kHotpMargin = 1'000;
    for (const Bytes& key : keys) {
        SIGILLO_ASSIGN(const auto factor, recorder.require(tables::kFactors, key, "factor"));
        if (factor.value.deleted() || (factor.value.type() != "totp" && factor.value.type() != "hotp"))
            continue;
        SIGILLO_ASSIGN(auto state, recorder.require(tables::kFactorStates, key, "factor"));
        const std::int64_t floor =
            factor.value.type() == "totp"
                ? now_s / std::max<std::int64_t>(1, factor.value.otp().period_s()) + kDriftSteps
                : state.value.last_step() + kHotpMargin;
        if (state.value.last_step() >= floor) continue;
        state.value.set_last_step(floor);
        SIGILLO_TRY(recorder.save(tables::kFactorStates, key, state));
    }
    return {};
}

}  // namespace

Status carry_out_epoch_order(Foundation& base) {
    const auto path = std::filesystem::path(base.config.store.directory) / "epoch.order";
    auto order = read_order(path);
    if (!order) {
        if (order.error().code == Errc::kNotFound) return {};
        return std::unexpected(order.error());
    }
    audit::EpochOrder what{order->officer, order->reason, base.clock.now(), {}};
    what.also = [&](WriteTransaction& txn, const audit::LogEpoch&) -> Status {
        audit::Recorder recorder(txn, *base.codec, *base.log, base.clock);
        SIGILLO_TRY(activation::Sads::erase_all(recorder));
        SIGILLO_TRY(raise_otp_steps(recorder, unix_seconds(base.clock.now())));
        audit::Event event = recorder.event("epoch.hardened");
        event.set("officer", order->officer);
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    };
    SIGILLO_ASSIGN(const audit::LogEpoch epoch,
                   audit::open_epoch(*base.store, *base.log, *base.identity, base.places, what));
    base.logger.notice("epoch_opened",
                       {{"epoch", epoch.number}, {"origin", epoch.origin}, {"officer", order->officer}});
    std::error_code code;
    std::filesystem::remove(path, code);
    if (code) return std::unexpected(errno_error(code.value(), "remove " + path.string()));
    return sync_directory(path.parent_path());
}

}  // namespace sigillo
