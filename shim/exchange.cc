#include "shim/exchange.h"

#include <errno.h>

#include "shim/epoll_sets.h"
#include "shim/fd_table.h"
#include "shim/races.h"
#include "shim/real.h"

namespace happy::shim::exchange {
namespace {

bool add_number(Race* race, int fd) {
  FdEntry* entry = fd_table::make(fd);
  if (entry == nullptr || race->number_count == Race::kMaxNumbers) return false;
  if (entry->race.load() == race) return true;
  race->numbers[race->number_count++] = fd;
  if (race->number_count == 1) {
    hold(race);
    races::count(1);  // before the marks are read: see dup()
  }
  entry->race.store(race, std::memory_order_release);
  return true;
}

// Numbers that dup(2) and friends made of the same file before the race. Only
// marked numbers are looked at.
void add_duplicates(Race* race, int fd) {
  for (int other = fd_table::next_duplicated(0); other >= 0;
       other = fd_table::next_duplicated(other + 1)) {
    if (other != fd && is_shown(race, other)) add_number(race, other);
  }
}

}  // namespace

bool show(Race* race, int fd) {
  note_shown(race, fd);
  if (!add_number(race, fd)) return false;
  std::atomic_thread_fence(std::memory_order_seq_cst);  // see dup()
  if (fd_table::is_duplicated(fd)) add_duplicates(race, fd);
  return true;
}

void also_show(Race* race, int fd) { add_number(race, fd); }

void hide(Race* race, int fd) {
  for (int i = 0; i < race->number_count; ++i) {
    if (race->numbers[i] != fd) continue;
    race->numbers[i] = race->numbers[--race->number_count];
    fd_table::find(fd)->race.store(nullptr, std::memory_order_release);
    if (race->number_count == 0) {
      race->state = RaceState::kEnded;
      races::count(-1);
      drop(race);
    }
    return;
  }
}

void hide_all(Race* race) {
  hold(race);
  while (race->number_count > 0) hide(race, race->numbers[0]);
  drop(race);
}

bool is_shown(const Race* race, int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 && info.st_ino == race->shown_inode &&
         info.st_dev == race->shown_device;
}

void note_shown(Race* race, int descriptor) {
  struct stat info;
  if (fstat(descriptor, &info) != 0) return;
  race->shown_device = info.st_dev;
  race->shown_inode = info.st_ino;
}

void replace(Race* race, int descriptor) {
  hold(race);
  for (int i = race->number_count; i-- > 0;) {
    if (!is_shown(race, race->numbers[i])) hide(race, race->numbers[i]);
  }
  if (race->number_count > 0) {
    socket_options::copy_file_status(race->numbers[0], descriptor);
  }
  for (int i = 0; i < race->number_count; ++i) {
    const int fd = race->numbers[i];
    const int flags = real::fcntl(fd, F_GETFD);
    epoll_sets::detach(fd);
    while (real::dup3(descriptor, fd,
                      (flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0) < 0 &&
           (errno == EBUSY || errno == EINTR)) {
    }
    epoll_sets::attach(fd);
  }
  note_shown(race, descriptor);
  drop(race);
}

}  // namespace happy::shim::exchange
