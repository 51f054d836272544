// Where updates wait for the committer, and how long the committer waits for them.
//
// Callers gather in groups; the committer takes the oldest group, commits it, and wakes all of its members
// with one system call. While there is load, it pays to let a group grow before its one fsync: the committer
// lingers until the group is as large as the largest recent one, but never longer than `linger`. With one
// caller at a time that is one member, so nothing lingers; when nobody came for ten lingers, earlier load is
// forgotten.
//
// Internal to appliance/store. Thread-safe: many submit, one takes.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "appliance/base/result.h"
#include "appliance/store/store.h"

namespace sigillo {

struct PendingUpdate {
    DeferredUpdate* update;
    Status result{};  // the committer's, until the group is finished
};

class CommitGroup {
 public:
    // The committer's, once it has taken the group.
    std::vector<PendingUpdate>& members() { return members_; }
    // The committer's: the members' results hold; each is told its own, then those who wait are woken.
    void finish();
    // Returns after finish().
    void wait() const;

 private:
    friend class CommitQueue;
    std::vector<PendingUpdate> members_;  // guarded by the queue's mutex until the group is taken
    std::atomic<int> finished_{0};
    static_assert(sizeof(finished_) == 4 && std::atomic<int>::is_always_lock_free,
                  "a futex is a plain 32-bit word");
};

// The largest group of the last 32 to 64. Not thread-safe.
class RecentPeak {
 public:
    void note(std::size_t size);
    void forget() { *this = RecentPeak(); }
    std::size_t value() const { return std::max(current_, before_); }

 private:
    std::size_t current_ = 1;
    std::size_t before_ = 1;
    unsigned noted_ = 0;
};

class CommitQueue {
 public:
    // limit: updates that wait; group_limit: members of a group.
    CommitQueue(std::size_t limit, std::size_t group_limit, std::chrono::microseconds linger)
        : limit_(limit), group_limit_(group_limit), linger_(linger) {}

    // Returns when the committer has finished the group that `body` came into. kUnavailable, and it is not
    // taken, when the queue is full or closed.
    Status submit(const std::function<Status(WriteTransaction&)>& body);
    // The same without waiting.
    Status defer(DeferredUpdate& update);

    struct Taken {
        std::shared_ptr<CommitGroup> group;  // none: nobody came within `patience`, or:
        bool closed = false;                 // nobody will come any more
    };
    Taken take(std::chrono::milliseconds patience);

    // Refuses from here on; what waits can still be taken.
    void close();
    std::size_t waiting() const;

 private:
    Result<std::shared_ptr<CommitGroup>> join(DeferredUpdate& update);

    const std::size_t limit_;
    const std::size_t group_limit_;
    const std::chrono::microseconds linger_;

    mutable std::mutex mutex_;
    std::condition_variable enough_;
    // Guarded by mutex_:
    std::deque<std::shared_ptr<CommitGroup>> groups_;  // oldest first; only the last may still grow
    std::size_t waiting_ = 0;                          // members of all groups
    std::size_t wanted_ = 0;                           // as many waiting wake the committer; 0: it is awake
    bool closed_ = false;

    RecentPeak peak_;  // the committer's
};

}  // namespace sigillo
