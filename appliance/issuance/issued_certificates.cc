#include "appliance/issuance/issued_certificates.h"

namespace sigillo::issuance {
namespace {

constexpr std::string_view kAuthorityKey = "ca";
constexpr std::size_t kBatch = 500;  // rows in one transaction: others wait no longer than for a few records

Status enter(audit::Recorder& recorder, ByteView serial, const record::Issued& issued) {
    SIGILLO_ASSIGN(const auto listed, recorder.load(tables::kIssued, serial));
    if (listed) return {};
    return recorder.create(tables::kIssued, serial, issued);
}

struct Row {
    Bytes serial;
    record::Issued issued;
};

// The next credentials after `after`, which moves on; nothing when there are no more.
Result<std::vector<Row>> next_rows(audit::Ledger& ledger, Bytes& after, bool& more) {
    std::vector<Row> rows;
    more = false;
    SIGILLO_TRY(ledger.view([&](ReadTransaction& txn) -> Status {
        std::vector<Bytes> keys;
        SIGILLO_TRY(
            txn.scan(tables::kCredentials.space, {}, after, [&](ByteView key, ByteView) -> Result<bool> {
                if (equal(key, after)) return true;
                if (keys.size() == kBatch) {
                    more = true;
                    return false;
                }
                keys.push_back(to_bytes(key));
                return true;
            }));
        for (Bytes& key : keys) {
            SIGILLO_ASSIGN(const auto credential,
                           require(txn, ledger.codec(), tables::kCredentials, key, "credentialID"));
            const record::Credential& value = credential.value;
            if (value.certificate_source() == "embedded" && !value.certificate_serial().empty()) {
                Row row{to_bytes(as_bytes(value.certificate_serial())), {}};
                row.issued.set_subject_id(std::string(as_text(key)));
                row.issued.set_kind(std::string(kIssuedToCredential));
                row.issued.set_not_after_ms(value.not_after_ms());
                rows.push_back(std::move(row));
            }
            after = std::move(key);
        }
        return {};
    }));
    return rows;
}

Status enter_all(audit::Ledger& ledger, const std::vector<Row>& rows) {
    if (rows.empty()) return {};
    return ledger.update([&](audit::Recorder& recorder) -> Status {
        for (const Row& row : rows) SIGILLO_TRY(enter(recorder, row.serial, row.issued));
        return {};
    });
}

}  // namespace

Status note_issued(audit::Recorder& recorder, ByteView serial, std::string_view kind,
                   std::string_view subject_id, std::int64_t not_after_ms) {
    record::Issued issued;
    issued.set_kind(std::string(kind));
    issued.set_subject_id(std::string(subject_id));
    issued.set_not_after_ms(not_after_ms);
    return recorder.create(tables::kIssued, serial, issued);
}

Status list_earlier_certificates(audit::Ledger& ledger, const std::vector<EarlierCertificate>& units) {
    std::vector<Row> rows;
    for (const EarlierCertificate& unit : units) {
        SIGILLO_ASSIGN(const bool there, ledger.view([&](ReadTransaction& txn) -> Result<bool> {
            SIGILLO_ASSIGN(const auto row, load(txn, ledger.codec(), tables::kIssued, unit.serial));
            return row.has_value();
        }));
        if (there) continue;
        Row row{unit.serial, {}};
        row.issued.set_subject_id(unit.unit_id);
        row.issued.set_kind(std::string(kIssuedToUnit));
        row.issued.set_not_after_ms(unit.not_after_ms);
        rows.push_back(std::move(row));
    }
    SIGILLO_TRY(enter_all(ledger, rows));

    const Bytes authority_key = key_of(kAuthorityKey);
    SIGILLO_ASSIGN(const bool listed, ledger.view([&](ReadTransaction& txn) -> Result<bool> {
        SIGILLO_ASSIGN(const auto authority,
                       require(txn, ledger.codec(), tables::kAuthority, authority_key, "ca"));
        return authority.value.issued_listed();
    }));
    if (listed) return {};

    std::uint64_t count = rows.size();
    Bytes after;
    for (bool more = true; more;) {
        SIGILLO_ASSIGN(const auto batch, next_rows(ledger, after, more));
        SIGILLO_TRY(enter_all(ledger, batch));
        count += batch.size();
    }
    return ledger.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(auto authority, recorder.require(tables::kAuthority, authority_key, "ca"));
        authority.value.set_issued_listed(true);
        SIGILLO_TRY(recorder.save(tables::kAuthority, authority_key, authority));
        audit::Event event = recorder.event("ca.issued_listed");
        event.set("certificates", count);
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    });
}

}  // namespace sigillo::issuance
