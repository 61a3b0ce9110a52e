// The table of socket options (option_rows.inc): how each one travels from the
// caller's socket to another attempt. Pure data, with the look-up by number;
// socket_options.h does the travelling.
#pragma once

#include <cstdint>

namespace happy::shim::option_table {

enum class Travel : uint8_t {
  kCopied,    // set on every attempt; one that will not take it is still made
  kDoubled,   // the same; what is read is twice what was set (socket(7))
  kRequired,  // set, or the attempt is not made
  kSteers,    // decides where packets go: as kRequired; set during a race it
              // ends the race, since attempts are under way without it
  kSame,      // cannot be set: attempts that differ are not made
  kForbids,   // no race where it is set
  kHidden,    // the same, but it cannot be read: setsockopt() is watched for it
  kOtherForm,     // another option reads the same setting
  kReadOnly,      // what the socket is
  kState,         // what happened to the socket, or what is known of its peer
  kCommand,       // something to do now; leaves nothing to copy
  kListening,     // for sockets that listen
  kOtherSockets,  // TCP refuses it
  kAbsent,        // no kernel has it, has it any more, or has it as an option
};

// When the caller's socket is asked for it. Most options are set by few
// programs, and each question is a system call.
enum class Reading : uint8_t {
  kNever,
  kOnceSet,  // if this process has set it on any socket
  kAlways,
};

struct Row {
  int16_t level;
  int16_t name;
  Travel travel;
  Reading reading;
};

extern const Row kRows[];
extern const int kRowCount;
inline constexpr int kMostRows = 254;

// The row of an option, or -1.
int find(int level, int name);
// Whether options of this level may concern a stream socket of the Internet.
bool is_known_level(int level);

// The IPv4 form of an IPv6 option, or the other way round; -1 without one.
int twin_of(int row);

}  // namespace happy::shim::option_table
