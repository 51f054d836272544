#include "api/fetch/sigillo-fetch/callbacks.h"

#include <algorithm>

namespace sigillo::fetch {

Callbacks::Callbacks(CallbackConfig config, const Parts& parts)
    : config_(config),
      parts_(parts),
      pool_(config.threads, std::numeric_limits<std::size_t>::max(), config.threads_per_host) {
    for (spool::Callback& callback : parts_.spool.read_all()) {
        std::string id = callback.id();
        queue_.emplace(std::move(id), Waiting{std::move(callback)});
    }
    scheduler_ = std::thread([this] { schedule(); });
}

Callbacks::~Callbacks() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_all();
    scheduler_.join();
    pool_.close();
}

Status Callbacks::accept(const std::string& url, ByteView body, const std::string& id) {
    if (!is_callback_id(id))
        return fail(Errc::kInvalidArgument, "a callback's id has 1 to 64 of A-Z a-z 0-9 - _", "id");
    if (body.size() > config_.max_bytes)
        return fail(Errc::kLimitExceeded,
                    "a callback has at most " + std::to_string(config_.max_bytes) + " bytes", "body");
    SIGILLO_ASSIGN(const Url parsed, parse_url(url));
    SIGILLO_TRY(parts_.list.check(parsed));
    spool::Callback callback;
    callback.set_id(id);
    callback.set_url(parsed.text);
    callback.set_body(body.data(), body.size());
    callback.set_accepted_ms(unix_millis(parts_.clock.now()));
    callback.set_next_ms(callback.accepted_ms());
    const Status added = parts_.spool.add(callback);
    if (!added && added.error().code == Errc::kAlreadyExists) return {};
    if (!added) return added;
    {
        const std::lock_guard lock(mutex_);
        queue_.emplace(id, Waiting{std::move(callback)});
    }
    wake_.notify_all();
    return {};
}

void Callbacks::schedule() {
    // The clock is looked at anew after this at the latest, in case it was set.
    constexpr std::chrono::seconds kLongestSleep{30};
    std::unique_lock lock(mutex_);
    while (!ending_) {
        const std::int64_t now = unix_millis(parts_.clock.now());
        const auto longest =
            std::chrono::duration_cast<std::chrono::milliseconds>(config_.longest_pause).count();
        std::int64_t sleep = std::chrono::duration_cast<std::chrono::milliseconds>(kLongestSleep).count();
        for (auto& [id, waiting] : queue_) {
            if (waiting.running) continue;
            const std::int64_t left = waiting.callback.next_ms() - now;
            // Further ahead than any pause: the clock was set back.
            if (left > 0 && left <= longest) {
                sleep = std::min(sleep, left);
                continue;
            }
            const auto url = parse_url(waiting.callback.url());
            waiting.running = static_cast<bool>(
                pool_.submit([this, id = id] { deliver(id); }, url ? url->origin.text() : std::string()));
        }
        wake_.wait_for(lock, std::chrono::milliseconds(std::max<std::int64_t>(sleep, 1)));
    }
}

void Callbacks::deliver(const std::string& id) {
    spool::Callback callback;
    {
        const std::lock_guard lock(mutex_);
        const auto found = queue_.find(id);
        if (found == queue_.end() || ending_) return;
        callback = found->second.callback;
    }
    settle(id, attempt(callback));
}

Status Callbacks::attempt(const spool::Callback& callback) {
    SIGILLO_ASSIGN(const Url url, parse_url(callback.url()));
    SIGILLO_ASSIGN(const HttpAnswer answer,
                   parts_.transfers.run({.url = url,
                                         .list = parts_.list,
                                         .max_bytes = config_.max_answer_bytes,
                                         .post = true,
                                         .body = as_bytes(callback.body()),
                                         .content_type = "application/json",
                                         .accept = "*/*",
                                         .headers = {"Idempotency-Key: " + callback.id()}}));
    if (answer.status >= 200 && answer.status <= 299) return {};
    return fail(answer.status == 410 ? Errc::kNotFound : Errc::kUnavailable,
                url.origin.text() + " answers HTTP " + std::to_string(answer.status));
}

void Callbacks::settle(const std::string& id, const Status& outcome) {
    std::unique_lock lock(mutex_);
    const auto found = queue_.find(id);
    if (found == queue_.end()) return;
    spool::Callback& callback = found->second.callback;
    const std::int64_t now = unix_millis(parts_.clock.now());
    bool over = true;
    if (outcome) {
        ++delivered_;
        last_error_.clear();
    } else if (!ending_) {
        ++failures_;
        last_error_ = outcome.error().detail;
        callback.set_attempts(callback.attempts() + 1);
        callback.set_last_error(last_error_);
        const auto life = std::chrono::duration_cast<std::chrono::milliseconds>(config_.life).count();
        // 410: the receiver says that it will never take it. A host that is not in the list any more was
        // taken out on purpose.
        over = outcome.error().code == Errc::kNotFound || outcome.error().code == Errc::kForbidden ||
               callback.attempts() >= config_.attempts || now - callback.accepted_ms() >= life;
        callback.set_next_ms(
            now +
            std::chrono::duration_cast<std::chrono::milliseconds>(pause_after(callback.attempts())).count());
        parts_.logger.write(
            over ? Severity::kError : Severity::kWarning, over ? "callback_given_up" : "callback_failed",
            {{"id", id}, {"attempts", std::uint64_t{callback.attempts()}}, {"error", outcome.error()}});
        if (over) ++given_up_;
    } else {
        over = false;  // cut off by our own end: the next start takes it up
    }
    const spool::Callback copy = callback;
    if (over) queue_.erase(found);
    lock.unlock();
    const Status written = over ? parts_.spool.remove(id) : parts_.spool.update(copy);
    if (!written) parts_.logger.error("spool", {{"id", id}, {"error", written.error()}});
    lock.lock();
    if (const auto still = queue_.find(id); still != queue_.end()) still->second.running = false;
    lock.unlock();
    wake_.notify_all();
}

std::chrono::seconds Callbacks::pause_after(unsigned attempts) const {
    std::chrono::seconds pause = config_.first_pause;
    for (unsigned i = 1; i < attempts && pause < config_.longest_pause; ++i) pause *= 2;
    return std::min(pause, config_.longest_pause);
}

Callbacks::State Callbacks::state() const {
    State state{.delivered = delivered_, .failures = failures_, .given_up = given_up_};
    const std::lock_guard lock(mutex_);
    state.waiting = queue_.size();
    state.last_error = last_error_;
    for (const auto& [id, waiting] : queue_) {
        const WallTime accepted = from_unix_millis(waiting.callback.accepted_ms());
        if (state.oldest == WallTime{} || accepted < state.oldest) state.oldest = accepted;
    }
    return state;
}

}  // namespace sigillo::fetch
