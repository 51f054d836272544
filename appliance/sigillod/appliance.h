// The daemon put together: foundation below, services above, sockets in front. The order of the members is
// the order in which they are built; they are taken down in the reverse.
#pragma once

#include <atomic>
#include <memory>

#include "appliance/activation/activator.h"
#include "appliance/activation/clock_monitor.h"
#include "appliance/activation/enrolment.h"
#include "appliance/audit/publisher.h"
#include "appliance/audit/sweep.h"
#include "appliance/base/pool_executor.h"
#include "appliance/base/worker_pool.h"
#include "appliance/ipc/fd_server.h"
#include "appliance/ipc/server.h"
#include "appliance/issuance/authority.h"
#include "appliance/issuance/credentials.h"
#include "appliance/issuance/ocsp_responder.h"
#include "appliance/issuance/signers.h"
#include "appliance/sigillod/admin_service.h"
#include "appliance/sigillod/backup.h"
#include "appliance/sigillod/clients.h"
#include "appliance/sigillod/foundation.h"
#include "appliance/sigillod/health.h"
#include "appliance/sigillod/housekeeping.h"
#include "appliance/sigillod/public_service.h"
#include "appliance/sigillod/signing_service.h"
#include "appliance/sigillod/tsa.h"
#include "appliance/signing/signing_path.h"

namespace sigillo {

class Appliance {
 public:
    // Ready to serve, but not serving: what a crash left open is reconciled, the log is published.
    // `seam`: where the TSA's time comes from, in tests.
    static Result<std::unique_ptr<Appliance>> assemble(std::unique_ptr<Foundation> base,
                                                       TsaTimeSeam seam = {});
    ~Appliance();
    Appliance(const Appliance&) = delete;
    Appliance& operator=(const Appliance&) = delete;

    // Opens the sockets.
    Status serve();
    // Takes no new requests, and answers those in hand; false when some are still in hand at the deadline.
    bool drain(std::chrono::seconds deadline);

    issuance::Credentials& credentials() { return *credentials_; }
    issuance::Signers& signers() { return *signers_; }

 private:
    explicit Appliance(std::unique_ptr<Foundation> base) : base_(std::move(base)) {}
    Status build_services(TsaTimeSeam seam);
    void watch_health();
    std::vector<Housekeeping::Chore> chores();

    const std::unique_ptr<Foundation> base_;
    std::unique_ptr<audit::Publisher> publisher_;
    std::unique_ptr<audit::Sweep> sweep_;
    std::unique_ptr<activation::ClockMonitor> clock_monitor_;
    std::unique_ptr<activation::Sads> sads_;
    std::unique_ptr<activation::Pins> pins_;
    std::unique_ptr<activation::RefusalLog> refusals_;
    std::unique_ptr<activation::Enrolment> enrolment_;
    std::unique_ptr<activation::Activator> activator_;
    std::unique_ptr<signing::KeyVault> vault_;
    std::unique_ptr<signing::SigningPath> signing_;
    std::unique_ptr<issuance::Authority> authority_;
    std::unique_ptr<issuance::OcspResponder> ocsp_;
    std::unique_ptr<issuance::Signers> signers_;
    std::unique_ptr<issuance::Credentials> credentials_;
    std::unique_ptr<Tsa> tsa_;  // null where there is none
    std::unique_ptr<Clients> clients_;
    std::unique_ptr<Deposits> deposits_;
    std::unique_ptr<Backup> backup_;
    Health health_;
    std::atomic<bool> draining_{false};
    std::unique_ptr<SigningService> signing_service_;
    std::unique_ptr<PublicService> public_service_;
    std::unique_ptr<AdminService> admin_service_;
    std::unique_ptr<Housekeeper> housekeeper_;
    std::unique_ptr<Housekeeping> housekeeping_;
    std::unique_ptr<ipc::FdServer> deposit_server_;
    std::unique_ptr<ipc::Server> signing_server_;
    std::unique_ptr<ipc::Server> public_server_;
    std::unique_ptr<ipc::Server> admin_server_;
    // Last, so that they end first: what runs on them uses everything above.
    std::unique_ptr<WorkerPool> health_lane_;
    std::unique_ptr<WorkerPool> publishing_lane_;
    std::unique_ptr<WorkerPool> public_workers_;
    std::unique_ptr<WorkerPool> document_workers_;
    std::unique_ptr<WorkerPool> ocsp_workers_;
    std::unique_ptr<WorkerPool> admin_workers_;
    std::unique_ptr<WorkerPool> workers_;
    std::unique_ptr<PoolExecutor> executor_;  // where signing goes on when the store has answered
};

}  // namespace sigillo
