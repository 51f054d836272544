// Rows of tsa_units: what their fields mean, and what they allow. Pure functions; safe from any thread.
#pragma once

#include <initializer_list>
#include <vector>

#include "tsa/units.h"

namespace sigillo::tsa {

Bytes key_of_unit(const UnitId& id);

// Who ordered it and why, as far as `order` says.
void set_order(audit::Event& event, const UnitOrder& order);

// kConflict unless the unit is in one of the states.
Status expect(const record::Unit& unit, std::initializer_list<record::UnitState> states);
// kConflict unless `now` lies in the period of its key.
Status expect_in_period(const record::Unit& unit, WallTime now);

Result<PublicKey> public_key_of(const record::Unit& unit);  // kCorrupt: an unknown algorithm
std::vector<Bytes> chain_of(const record::Unit& unit);
UnitSubject subject_of(const record::Unit& unit);

// A unit whose key is about to be made. kInvalidArgument, `field` names the member of NewUnit.
Status check_new_unit(const NewUnit& unit);
record::Unit new_record(const NewUnit& unit, WallTime now, std::chrono::days key_life);

// EN 319 421 §7.6.7: the end of a key's life is fixed before it serves, within its certificate's validity.
// kInvalidArgument with `field` "chain" when nothing would be left of it.
Status set_usage(record::Unit& unit, const UnitCertificate& certificate, WallTime now,
                 const UnitsConfig& config);

}  // namespace sigillo::tsa
