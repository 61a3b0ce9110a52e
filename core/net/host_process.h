// The functions that libhappy.so shares with the other objects, found when they
// are loaded. Weak: a program that opens one of them without libhappy.so never
// calls what needs the table.
#pragma once

#include "core/engine.h"

extern "C" __attribute__((visibility("default"), weak))
const happy_process_functions happy_process;

#define HAPPY_FORWARD extern "C" __attribute__((visibility("default")))
