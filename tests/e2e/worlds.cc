#include "tests/e2e/worlds.h"

namespace happy::e2e {
namespace {

constexpr const char *kGood4 = "198.51.100.1", *kGood6 = "2001:db8:5::1";
constexpr const char *kDead4 = "198.51.100.2", *kDead6 = "2001:db8:5::2";
constexpr const char *kRefusing4 = "198.51.100.3",
                     *kRefusing6 = "2001:db8:5::3";

// When the client first sends on one of these connections after its SYN. Others
// may be closing still.
std::optional<Time> connected(const lab::PacketLog& packets,
                              const std::vector<lab::Packet>& attempts) {
  for (const auto& packet : packets.all()) {
    if (!packet.from_client || packet.syn || !packet.ack || packet.rst)
      continue;
    for (const auto& attempt : attempts)
      if (packet.source == attempt.source &&
          packet.destination == attempt.destination)
        return packet.sent;
  }
  return std::nullopt;
}

}  // namespace

std::unique_ptr<lab::NamespaceLab> make_worlds(const RealProgram& program) {
  const lab::Path path{.rtt = kWorldRtt};
  const lab::Path nothing{.black_hole = true};
  // A reset by the wire, so that it comes on every port.
  const lab::Path reset{.rtt = kWorldRtt, .refusal = lab::Refusal::kReset};
  lab::NamespaceWish wish{
      .hosts = {{kGood4, path},
                {kGood6, path},
                {kDead4, nothing},
                {kDead6, nothing},
                {kRefusing4, reset},
                {kRefusing6, reset}},
      .names = {{"healthy.lab.test", {kGood6, kGood4}},
                {"dead.lab.test", {kDead6, kGood4}},
                {"dead4.lab.test", {kDead4, kGood4}},
                {"dead6.lab.test", {kDead6, kGood6}},
                {"refused.lab.test", {kRefusing6, kGood4}},
                {"refused4.lab.test", {kRefusing4, kGood4}},
                {"refused6.lab.test", {kRefusing6, kGood6}}}};
  wish.ssh = program.port == 22;
  return std::make_unique<lab::NamespaceLab>(wish);
}

std::string name_in(World world, const RealProgram& program) {
  if (world == World::kHealthy) return "healthy.lab.test";
  std::string name = world == World::kBlackHole ? "dead" : "refused";
  if (program.uses == Uses::kIpv4) name += '4';
  if (program.uses == Uses::kIpv6) name += '6';
  return name += ".lab.test";
}

Connecting connect_in(lab::NamespaceLab& lab, World world,
                      const RealProgram& program, With with,
                      std::chrono::milliseconds limit) {
  lab::Environment environment;
  if (with == With::kDisabled) environment.emplace("HAPPY_DISABLE", "1");
  Connecting out;
  out.outcome =
      lab.run(program.client.command(name_in(world, program), program.port),
              environment, limit);
  const auto attempts = lab.packets().attempts();
  if (attempts.empty()) return out;
  out.first = attempts[0].destination.address.to_string();
  if (const auto when = connected(lab.packets(), attempts))
    out.milliseconds =
        std::chrono::duration<double, std::milli>(*when - attempts[0].sent)
            .count();
  return out;
}

}  // namespace happy::e2e
