// `index` of GET /v1/credentials/{credentialID}/uses: one number for a place in the logs of all epochs.
//
// (epoch − 1) · 2^44 + index of the Intent in that epoch's log. In epoch 1, the only one until a restore or
// an officer's override, it is the log's index itself. It ascends over epochs, stays what it is for ever, and
// is a number that JSON holds (below 2^53): 512 epochs of 1.7·10^13 entries, at ten thousand entries a second
// 55 years each.
#pragma once

#include <cstdint>
#include <optional>

namespace sigillo::api::v1 {

inline constexpr std::uint64_t kIndexesOfEpoch = std::uint64_t{1} << 44;
inline constexpr std::uint64_t kMostEpochs = 512;

struct UsePosition {
    std::uint64_t epoch = 1;
    std::uint64_t index = 0;
};

// Nothing for a place that no number stands for.
constexpr std::optional<std::uint64_t> number_of(UsePosition position) {
    if (position.epoch < 1 || position.epoch > kMostEpochs || position.index >= kIndexesOfEpoch)
        return std::nullopt;
    return (position.epoch - 1) * kIndexesOfEpoch + position.index;
}

// Nothing for a number of 2^53 or more.
constexpr std::optional<UsePosition> position_of(std::uint64_t number) {
    if (number >= kMostEpochs * kIndexesOfEpoch) return std::nullopt;
    return UsePosition{number / kIndexesOfEpoch + 1, number % kIndexesOfEpoch};
}

}  // namespace sigillo::api::v1
