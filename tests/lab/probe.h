// What an unchanged program sees when it connects inside a namespace lab.
#pragma once

#include <string>
#include <vector>

#include "tests/lab/namespace_lab.h"

namespace happy::lab {

struct Probe {
  std::string result;  // "ok", "timeout" after half a second, or "ECONNREFUSED"
  double ms;
};

// Connects to port 80 of the address so many times, one after the other,
// without the library.
std::vector<Probe> probe(NamespaceLab& lab, const std::string& address,
                         int times);

}  // namespace happy::lab
