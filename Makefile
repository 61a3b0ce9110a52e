# Thin targets over CMake and Ninja. `make demo` and `make test` do all of their
# own set-up from a fresh clone; the others expect the packages to be there
# (tools/deps.sh test).
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
CONFIGURE = cmake -G Ninja -S .
BUILD = cmake --build
CTEST = ctest --output-on-failure -j $(JOBS)
SANITIZER_ENV = ASAN_OPTIONS=detect_leaks=1 \
  UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1
# Lines for reports, but no types: less to write and to link.
SANITIZED = -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-g1
# By the second compiler, which takes less time for it.
CLANG = -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_C_COMPILER=clang
ASAN = -DHAPPY_SANITIZE='address;undefined' $(CLANG) $(SANITIZED)
TSAN = -DHAPPY_SANITIZE=thread $(SANITIZED)
COVERAGE = -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_CXX_FLAGS='--coverage -fprofile-update=atomic'
RESULTS = build/results

.PHONY: all demo lab test check asan tsan coverage clang bench bench-race bench-dot worlds lint format \
  defects mutants cpython system reproducible browser install clean

all:
	@$(CONFIGURE) -B build >/dev/null
	$(BUILD) build

demo:
	@tools/deps.sh demo
	@$(CONFIGURE) -B build >/dev/null
	@$(BUILD) build --target demo_programs
	@build/happy_demo

# A shell inside the namespace lab, or one command: make lab CMD='curl ...'.
# LAB takes --ipv6-only, --ipv4-only and --log.
lab:
	@$(CONFIGURE) -B build >/dev/null
	@$(BUILD) build --target lab_programs | tail -n 1
	@if [ -n "$$CMD" ]; then \
	  build/happy_lab_shell $(LAB) sh -c "$$CMD"; \
	else \
	  build/happy_lab_shell $(LAB); \
	fi

# Keeps going after a failure: the summary has the last word and the status.
# What is long and the same under a sanitizer (label `rows`) is left to `asan`.
test:
	@tools/deps.sh test
	@rm -rf $(RESULTS) && mkdir -p $(RESULTS)
	@$(MAKE) --no-print-directory all
	-@$(CTEST) --test-dir build --output-junit $(CURDIR)/$(RESULTS)/gcc.xml
	@$(CONFIGURE) -B build-asan $(ASAN) >/dev/null
	@$(BUILD) build-asan
	-@$(SANITIZER_ENV) $(CTEST) --test-dir build-asan -LE 'plain|rows' \
	  --output-junit $(CURDIR)/$(RESULTS)/asan.xml
	@tools/test_summary.py $(RESULTS)/gcc.xml $(RESULTS)/asan.xml

check: all
	@$(CTEST) --test-dir build -L unit

asan:
	@$(CONFIGURE) -B build-asan $(ASAN) >/dev/null
	$(BUILD) build-asan
	@$(SANITIZER_ENV) $(CTEST) --test-dir build-asan -LE plain

tsan:
	@$(CONFIGURE) -B build-tsan $(TSAN) >/dev/null
	$(BUILD) build-tsan
	@$(SANITIZER_ENV) $(CTEST) --test-dir build-tsan -L unit

# Which lines of the library and its tools the tests run through; the page is
# build-coverage/coverage.html. Without what needs an optimized build: figures,
# thousands of races at once, and a hook of dlopen() that is a jump, so that
# libc sees its caller.
UNOPTIMIZED = Crowd|Cost|PluginTest.*plain_
coverage:
	@tools/deps.sh coverage
	@$(CONFIGURE) -B build-coverage $(COVERAGE) >/dev/null
	$(BUILD) build-coverage
	@find build-coverage -name '*.gcda' -delete
	-@$(CTEST) --test-dir build-coverage -LE plain -E '$(UNOPTIMIZED)'
	@gcovr -r . --object-directory build-coverage -f core/ -f config/ -f shim/ \
	  -f tools/ --exclude-throw-branches --exclude-unreachable-branches \
	  --html-details build-coverage/coverage.html --print-summary

# Compiles everything with the second compiler; warnings are errors.
clang:
	@$(CONFIGURE) -B build-clang $(CLANG) -DCMAKE_BUILD_TYPE=None >/dev/null
	$(BUILD) build-clang

# Figures, plain beside them; for a machine that is otherwise idle.
bench:
	@tools/deps.sh bench
	@$(CONFIGURE) -B build >/dev/null
	@$(BUILD) build --target happy_bench
	@build/happy_bench
	@build/bench_functions --benchmark_out=build/bench_functions.json

# Four minutes: those of races alone, with the row of "Lazy Eye Inspection".
bench-race:
	@tools/deps.sh bench
	@$(CONFIGURE) -B build >/dev/null
	@$(BUILD) build --target happy_bench | tail -n 1
	@build/happy_bench race

# A minute: those of look-ups alone, with kdig and stubby beside them.
bench-dot:
	@tools/deps.sh bench
	@$(CONFIGURE) -B build >/dev/null
	@$(BUILD) build --target happy_bench | tail -n 1
	@build/happy_bench dot

# Minutes: each real program in each world, as docs/compatibility.md has it.
worlds:
	@tools/deps.sh test
	@$(CONFIGURE) -B build >/dev/null
	@$(BUILD) build --target happy_worlds | tail -n 1
	@build/happy_worlds

# Five minutes, root: a Debian in a chroot whose /etc/ld.so.preload names the
# library. RUNS: pairs of compilations.
RUNS ?= 5
system: all
	@tools/deps.sh system
	@tests/system/whole_system.sh build $(RUNS)

# Minutes: builds twice, in folders of different names, and compares what would
# be installed octet by octet.
reproducible:
	@tools/deps.sh test
	@tests/system/reproducible.sh

# The page of `happyctl trace --html` in a real browser. SHOTS: a folder for
# pictures of it.
browser:
	@tools/deps.sh browser
	@$(CONFIGURE) -B build >/dev/null
	@$(BUILD) build --target happyctl | tail -n 1
	@tests/browser/page_test.py build/happyctl $(SHOTS)

# FILES='core/net shim' looks at those alone with clang-tidy, which takes long.
SOURCES = $(shell git ls-files '*.cc' '*.h')
lint:
	@tools/deps.sh lint
	@clang-format --dry-run -Werror $(SOURCES)
	@tools/include_rules.sh
	@codespell $(shell git ls-files)
	@$(CONFIGURE) -B build-clang $(CLANG) -DCMAKE_BUILD_TYPE=None >/dev/null
	@tools/tidy.sh build-clang $(FILES)

format:
	@tools/deps.sh lint
	@clang-format -i $(SOURCES)

# Minutes: each deliberate defect must be caught by a row of the conformance
# tables.
defects:
	@$(CONFIGURE) -B build >/dev/null
	@$(BUILD) build --target conformance_test
	@tests/abi/defects.py . build

# Minutes: each hook and each step of the exchange must be missed by a test.
mutants: all
	@tests/abi/mutants.py . build

# Ten minutes: CPython's own tests of sockets, event loops and processes give
# the same results with the library as without.
cpython:
	@tools/deps.sh cpython
	@$(CONFIGURE) -B build >/dev/null
	@$(BUILD) build --target happy happy-core happy-tls | tail -n 1
	@tests/e2e/cpython.py build

install:
	@$(CONFIGURE) -B build -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	$(BUILD) build
	DESTDIR=$(DESTDIR) cmake --install build
	@test -n "$(DESTDIR)" || ldconfig || :

clean:
	rm -rf build build-asan build-tsan build-clang build-coverage
