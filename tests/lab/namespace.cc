#include "tests/lab/namespace.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <exception>

#include "tests/lab/child.h"
#include "tests/lab/fail.h"
#include "tests/lab/fd_passing.h"
#include "tests/lab/temp_folder.h"

namespace happy::lab {
namespace {

void write_proc(const char* path, const std::string& text) {
  const Descriptor file(check(open(path, O_WRONLY | O_CLOEXEC), path));
  check(static_cast<int>(write(file.get(), text.data(), text.size())), path);
}

// What is mounted inside must not appear outside. In a chroot "/" is no mount
// point whose propagation could be set; there nothing on the machine may have
// any.
void keep_mounts_inside() {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) return;
  if (errno != EINVAL) fail_errno("mount");
  if (read_file("/proc/1/mountinfo").empty() ||
      read_file("/proc/1/mountinfo").find(" shared:") != std::string::npos)
    fail("in a chroot, and the machine's mounts are shared");
}

// Root of the machine needs no user namespace; others become root of their own.
void unshare_all(const Namespace* sibling) {
  if (sibling != nullptr) {
    if (!sibling->enter()) fail_errno("setns");
    check(unshare(CLONE_NEWNET | CLONE_NEWNS), "unshare");
  } else if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
    const std::string uid = std::to_string(geteuid());
    const std::string gid = std::to_string(getegid());
    check(unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS), "unshare");
    write_proc("/proc/self/setgroups", "deny");
    write_proc("/proc/self/uid_map", "0 " + uid + " 1");
    write_proc("/proc/self/gid_map", "0 " + gid + " 1");
  }
  keep_mounts_inside();
}

Descriptor door(const char* which) {
  const std::string path = std::string("/proc/self/ns/") + which;
  return Descriptor(check(open(path.c_str(), O_RDONLY | O_CLOEXEC), path));
}

// In a forked child: runs `work` and sends its descriptors, or its error.
[[noreturn]] void report(int channel,
                         const std::function<std::vector<Descriptor>()>& work) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    const auto opened = work();
    send_descriptors(channel, opened, "");
  } catch (const std::exception& error) {
    send_descriptors(channel, {}, error.what());
  }
  _exit(0);
}

std::vector<Descriptor> in_child(
    const std::function<std::vector<Descriptor>()>& work) {
  int ends[2];
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
  Descriptor mine(ends[0]), theirs(ends[1]);
  const pid_t child = check(fork(), "fork");
  if (child == 0) report(theirs.get(), work);
  theirs.reset();
  std::string error;
  auto received = receive_descriptors(mine.get(), &error);
  waitpid(child, nullptr, 0);
  if (!error.empty()) fail(error);
  return received;
}

}  // namespace

Namespace::Namespace(const Namespace* sibling) {
  auto opened = in_child([sibling] {
    unshare_all(sibling);
    std::vector<Descriptor> doors;
    doors.push_back(door("net"));
    doors.push_back(door("mnt"));
    doors.push_back(door("user"));
    doors.emplace_back(
        check(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "open /"));
    return doors;
  });
  auto doors = std::make_shared<Doors>();
  doors->network = std::move(opened.at(0));
  doors->mount = std::move(opened.at(1));
  doors->root = std::move(opened.at(3));
  // setns() into the own user namespace is an error, so tell them apart.
  if (std::array<char, 64> mine{}, theirs{};
      readlink("/proc/self/ns/user", mine.data(), mine.size() - 1) > 0 &&
      readlink(("/proc/self/fd/" + std::to_string(opened.at(2).get())).c_str(),
               theirs.data(), theirs.size() - 1) > 0 &&
      mine != theirs)
    doors->user = std::move(opened.at(2));
  std::array<char, PATH_MAX> folder{};
  if (getcwd(folder.data(), folder.size()) == nullptr) fail_errno("getcwd");
  doors->folder = folder.data();
  doors_ = doors;
}

bool Namespace::enter(const Doors& doors) {
  if (doors.user.open() && setns(doors.user.get(), CLONE_NEWUSER) != 0)
    return false;
  // A mount namespace is entered at its root, which is not that of a chroot.
  return setns(doors.network.get(), CLONE_NEWNET) == 0 &&
         setns(doors.mount.get(), CLONE_NEWNS) == 0 &&
         fchdir(doors.root.get()) == 0 && chroot(".") == 0 &&
         chdir(doors.folder.c_str()) == 0;
}

bool Namespace::enter() const { return enter(*doors_); }

std::function<bool()> Namespace::entrance() const {
  return [doors = doors_] { return enter(*doors); };
}

std::vector<Descriptor> Namespace::open_inside(
    const std::function<std::vector<Descriptor>()>& open) const {
  return in_child([this, &open] {
    if (!enter()) fail_errno("setns");
    return open();
  });
}

void Namespace::must_run(const std::vector<std::string>& arguments,
                         const std::string& input) const {
  const Outcome outcome = run({.arguments = arguments,
                               .environment = {{"PATH",
                                                "/usr/sbin:/usr/bin:"
                                                "/sbin:/bin"}},
                               .enter = entrance(),
                               .input = input});
  if (!outcome.good()) fail(arguments[0] + ": " + outcome.describe());
}

}  // namespace happy::lab
