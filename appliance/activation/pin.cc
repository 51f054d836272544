#include "appliance/activation/pin.h"

#include <botan/pwdhash.h>

#include <algorithm>
#include <exception>
#include <string>

#include "appliance/activation/x25519.h"
#include "appliance/base/aead.h"

namespace sigillo::activation {
namespace {

constexpr std::size_t kSaltSize = 16;   // RFC 9106 §3.1 recommends 16 bytes
constexpr std::size_t kArgonSize = 32;  // bytes of output

// The private half belongs to this factor and to this public half.
Bytes pin_binding(const FactorId& factor, ByteView public_key) {
    Bytes binding = to_bytes("factors/pin");
    binding.push_back(0);
    append(binding, factor.str());
    append(binding, public_key);
    return binding;
}

// Whether each character is the one before it plus `step`; digits wrap, so that 890123 is a run, too.
bool is_run(ByteView pin, int step) {
    for (std::size_t i = 0; i < pin.size(); ++i) {
        if (pin[i] < '0' || pin[i] > '9') return false;
        if (i > 0 && (pin[i] - '0') != (pin[i - 1] - '0' + step + 10) % 10) return false;
    }
    return true;
}

std::unexpected<Error> bad_pin(std::string what) {
    return fail(Errc::kInvalidArgument, std::move(what), "pin");
}

}  // namespace

class Pins::Run {
 public:
    static Result<std::unique_ptr<Run>> begin(Pins& pins) {
        std::unique_lock lock(pins.mutex_);
        const bool granted = pins.freed_.wait_for(
            lock, pins.config_.wait, [&] { return pins.running_ < pins.config_.concurrent_runs; });
        if (!granted) return fail(Errc::kUnavailable, "too many PINs are being verified");
        ++pins.running_;
        return std::unique_ptr<Run>(new Run(pins));
    }
    ~Run() {
        {
            const std::lock_guard lock(pins_.mutex_);
            --pins_.running_;
        }
        pins_.freed_.notify_one();
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

 private:
    explicit Run(Pins& pins) : pins_(pins) {}
    Pins& pins_;
};

Pins::Pins(PinConfig config, KeyStore& keys, Random& random)
    : config_(config), keys_(keys), random_(random) {}

Status Pins::acceptable(const SecretBytes& pin) const {
    const ByteView text = pin.expose();
    if (text.size() < config_.least_length || text.size() > config_.most_length)
        return bad_pin("a PIN has " + std::to_string(config_.least_length) + " to " +
                       std::to_string(config_.most_length) + " characters");
    if (!std::ranges::all_of(text, [](std::uint8_t c) { return c >= 0x20 && c <= 0x7e; }))
        return bad_pin("a PIN consists of printable ASCII characters");
    if (std::ranges::all_of(text, [&](std::uint8_t c) { return c == text.front(); }))
        return bad_pin("a PIN must not repeat one character");
    if (is_run(text, 1) || is_run(text, -1)) return bad_pin("a PIN must not be a run of digits");
    return {};
}

Result<SecretBytes> Pins::pin_key(const record::Pin& record, const SecretBytes& pin) {
    // What is longer than a PIN can be cannot be one; hashed all the same (cut short), so that wrong PINs
    // look alike.
    const ByteView text = pin.expose().first(std::min(pin.size(), config_.most_length + 1));
    SecretBytes hash(kArgonSize);
    {
        SIGILLO_ASSIGN(const auto run, Run::begin(*this));
        try {
            const auto argon2 =
                Botan::PasswordHashFamily::create_or_throw("Argon2id")
                    ->from_params(record.argon2_memory_kib(), record.argon2_passes(), record.argon2_lanes());
            const ByteView salt = as_bytes(record.salt());
            argon2->derive_key(hash.expose_mutable().data(), hash.size(), as_text(text).data(), text.size(),
                               salt.data(), salt.size());
        } catch (const std::exception& error) {
            return fail(Errc::kInternal, std::string("Argon2id: ") + error.what());
        }
    }
    return keys_.mac(MacRole::kPinPepper, hash.expose());
}

Status Pins::encrypt(const FactorId& factor, const SecretBytes& private_key, const SecretBytes& pin,
                     record::Pin& record) {
    const Bytes salt = random_.bytes(kSaltSize);
    record.set_salt(salt.data(), salt.size());
    record.set_argon2_memory_kib(config_.memory_kib);
    record.set_argon2_passes(config_.passes);
    record.set_argon2_lanes(config_.lanes);
    SIGILLO_ASSIGN(const SecretBytes key, pin_key(record, pin));
    const Bytes nonce = random_.bytes(kAeadNonceSize);
    SIGILLO_ASSIGN(const Bytes sealed, aead_seal(key.expose(), nonce, private_key.expose(),
                                                 pin_binding(factor, as_bytes(record.public_key()))));
    const Bytes stored = concat(nonce, sealed);
    record.set_encrypted_private_key(stored.data(), stored.size());
    return {};
}

Result<record::Pin> Pins::enrol(const FactorId& factor, const SecretBytes& pin) {
    SIGILLO_TRY(acceptable(pin));
    const SecretBytes private_key = random_.secret(kX25519Size);
    SIGILLO_ASSIGN(const Bytes public_key, x25519_public(private_key));
    record::Pin record;
    record.set_public_key(public_key.data(), public_key.size());
    SIGILLO_TRY(encrypt(factor, private_key, pin, record));
    return record;
}

Result<SecretBytes> Pins::unlock(const FactorId& factor, const record::Pin& record, const SecretBytes& pin) {
    const ByteView stored = as_bytes(record.encrypted_private_key());
    if (stored.size() < kAeadNonceSize) return fail(Errc::kCorrupt, "a PIN factor without its key");
    SIGILLO_ASSIGN(const SecretBytes key, pin_key(record, pin));
    auto opened = aead_open(key.expose(), stored.first(kAeadNonceSize), stored.subspan(kAeadNonceSize),
                            pin_binding(factor, as_bytes(record.public_key())));
    // The record's own MAC holds, so what does not open was tried with a wrong PIN.
    if (!opened) return fail(Errc::kAuthenticationFailed, "wrong PIN", "pin");
    return opened;
}

Result<record::Pin> Pins::change(const FactorId& factor, const record::Pin& record,
                                 const SecretBytes& old_pin, const SecretBytes& new_pin) {
    SIGILLO_TRY(acceptable(new_pin));
    SIGILLO_ASSIGN(const SecretBytes private_key, unlock(factor, record, old_pin));
    record::Pin changed;
    changed.set_public_key(record.public_key());
    SIGILLO_TRY(encrypt(factor, private_key, new_pin, changed));
    return changed;
}

}  // namespace sigillo::activation
