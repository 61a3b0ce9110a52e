#include "shim/race.h"

#include <stdlib.h>

#include <new>

#include "shim/descriptors.h"
#include "shim/stand_in.h"

namespace happy::shim {

Race* new_race() {
  void* memory = malloc(sizeof(Race));
  return memory != nullptr ? new (memory) Race : nullptr;
}

void drop(Race* race) {
  if (race->references.fetch_sub(1) != 1) return;
  own::close(race->attempt);
  if (race->stand_in >= 0) {
    own::close(race->stand_in);
    stand_in::closed();
  }
  own::close(race->wake[0]);
  own::close(race->wake[1]);
  if (race->decided && race->outcome.descriptor >= 0) {
    own::close(race->outcome.descriptor);  // won, and nobody took it
  }
  free(race);
}

}  // namespace happy::shim
