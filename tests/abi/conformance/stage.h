// Plays the steps of one row and says what each gave. Knows the names that the
// script gave to descriptors and where its world's name leads to. One process
// plays one row.
#pragma once

#include <errno.h>

#include <cstdint>
#include <map>
#include <string>

#include "tests/abi/conformance/addresses.h"
#include "tests/abi/conformance/row.h"
#include "tests/abi/conformance/worlds.h"

namespace happy::abi {

struct Setting {
  const World* world = nullptr;
  uint16_t port = 0;          // the world's
  bool with_library = false;  // else addresses come from the table of worlds
};

class Stage {
 public:
  explicit Stage(const Setting& setting) : setting_(setting) {}

  // Each step's line goes to standard output as it is played.
  void play(const Row& row);

  // For steps. A descriptor is a name of the script's or a number.
  int descriptor(const std::string& token) const;
  void name(const std::string& token, int descriptor);
  // WORLD, @NAME for where that socket is bound, or one of addresses.h.
  Address address(const std::string& token, int socket);
  std::string look_up(const std::string& family);
  const Setting& setting() const { return setting_; }

 private:
  std::string play_one(const Words& words);
  size_t play_child(const Row& row, size_t first);
  Address world_address(int socket);

  const Setting setting_;
  std::map<std::string, int> descriptors_;
  std::map<int, Address> found_;  // by family
  bool looked_up_ = false;
  std::string prefix_ = "  ";
};

// A step: the words after its own name, without notes.
using Step = std::string (*)(Stage&, const Words&);
using StepTable = std::map<std::string, Step>;
StepTable socket_steps();
StepTable descriptor_steps();
StepTable wait_steps();
StepTable process_steps();

// What a call gave: its value or errno. An errno that a good call changed is
// said too.
std::string result_text(long result, int error);
inline constexpr int kUntouched = EXFULL;  // what errno is before each call

template <typename Call>
std::string call(Call make) {
  errno = kUntouched;
  const long result = make();
  return result_text(result, errno);
}

int number(const std::string& text);
// The word at `index`, or `otherwise` where there are fewer.
std::string word(const Words& words, size_t index,
                 const std::string& otherwise = "");

}  // namespace happy::abi
