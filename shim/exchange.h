// Puts another file behind the host's numbers of a race. Needs races::lock().
#pragma once

#include "shim/race.h"

namespace happy::shim::exchange {

// Enters the race in the table for `fd`, and for its duplicates.
bool show(Race* race, int fd);
// One more number of the same file.
void also_show(Race* race, int fd);
// Takes one number, or all, out of the table. Does not touch the files.
void hide(Race* race, int fd);
void hide_all(Race* race);
// Whether `fd` still is the file that the race shows.
bool is_shown(const Race* race, int fd);
// The file of `descriptor` is what the numbers show (identity only).
void note_shown(Race* race, int descriptor);
// EPOLL_CTL_DEL, dup3(2) and EPOLL_CTL_ADD for every number that still shows
// the race; the others are hidden. FD_CLOEXEC of each number stays. The file
// status (O_NONBLOCK ...) goes over to the new file first.
void replace(Race* race, int descriptor);

}  // namespace happy::shim::exchange
