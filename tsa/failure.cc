#include "tsa/failure.h"

namespace sigillo::tsa {

TspFailure failure_of(const Error& error) {
    switch (error.code) {
        case Errc::kClockUntrusted:
            return {PkiFailureInfo::kTimeNotAvailable, "the TSA's time source is not available now"};
        case Errc::kStorageFull:
            return {PkiFailureInfo::kSystemFailure, "the TSA has no room for its log"};
        case Errc::kUnavailable:
        case Errc::kLimitExceeded:
            return {PkiFailureInfo::kSystemFailure,
                    "the TSA is busy or partly out of service; try again later"};
        case Errc::kNotFound:
        case Errc::kConflict:
            return {PkiFailureInfo::kSystemFailure, "the TSA has no time-stamping unit in service for this"};
        default:
            return {PkiFailureInfo::kSystemFailure, "the TSA has failed; nothing was stamped"};
    }
}

}  // namespace sigillo::tsa
