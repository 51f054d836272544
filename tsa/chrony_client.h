// chronyd, asked over its Unix command socket.
//
// Three questions of its command protocol, version 6, which chronyd 2.2 and later speak: tracking, number of
// sources, data of a source. All numbers are big-endian; a float is 7 bits of exponent and 25 of coefficient,
// both signed: coefficient · 2^(exponent − 25).
//
//   request  version 6 · type 1 · 0 · 0 · command (2) · attempt (2) · sequence (4) · 0 (8) · data, padded
//   with
//            zeros to the length of the answer, so that nobody can be made to amplify traffic
//   answer   version 6 · type 2 · 0 · 0 · command (2) · reply (2) · status (2) · 0 (6) · sequence (4) · 0 (8)
//   · data
//
// chronyd answers to the address that a request came from, so this side binds a socket file too; it must lie
// where chronyd's user can reach it. Being connected, it takes datagrams from chronyd's socket alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "appliance/base/file.h"
#include "tsa/time_daemon.h"

namespace sigillo::tsa {

struct ChronyConfig {
    std::filesystem::path socket = "/run/chrony/chronyd.sock";
    // Where this side's socket is made. Empty: beside chronyd's, which its user surely reaches.
    std::filesystem::path own_directory;
    // Wait for one answer. chronyd answers in well under a millisecond; three unanswered questions must not
    // hold up a verdict for longer than it lives.
    std::chrono::milliseconds timeout{150};
    // Sources looked at. chronyd with more than 16 is a public pool's server, not a TSA's.
    unsigned max_sources = 16;
};

class ChronyClient final : public TimeDaemon {
 public:
    explicit ChronyClient(ChronyConfig config) : config_(std::move(config)) {}
    ~ChronyClient() override;

    Result<DaemonTracking> tracking() override;
    Result<DaemonSources> sources() override;

 private:
    struct Question;
    Status connect();
    void disconnect();
    Result<Bytes> ask(const Question& question);
    Result<Bytes> exchange(const Question& question);

    const ChronyConfig config_;
    UniqueFd socket_;
    std::filesystem::path own_path_;
    std::uint32_t sequence_ = 0;
};

}  // namespace sigillo::tsa
