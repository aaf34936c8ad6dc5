# jail: build, install, test. `make help` lists the targets.
#
# SAN=1 builds with AddressSanitizer and UBSan into build-san/, CC=clang into build-clang/, FUZZ=1 (with both)
# for libFuzzer. WERROR=1 turns warnings into errors (the tests do). V=1 prints the commands.

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec
DATADIR ?= $(PREFIX)/share
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
VERSION := 0.1.0

CC := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
SAN ?= 0
FUZZ ?= 0
WERROR ?= 0
B := build$(if $(findstring clang,$(CC)),-clang)$(if $(filter 1,$(SAN)),-san)$(if $(filter 1,$(FUZZ)),-fuzz)
Q := $(if $(V),,@)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wformat=2 -Wvla \
	-Walloca -Wcast-qual -Wwrite-strings -Wundef -Wconversion -Wno-sign-conversion \
	$(if $(filter 1,$(WERROR)),-Werror)
# clang before 16 wants to be asked twice for the last one.
HARDEN := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
	-ftrivial-auto-var-init=zero \
	$(if $(findstring clang,$(CC)),$(shell $(CC) -Werror -ftrivial-auto-var-init=zero -x c -c \
		-o /dev/null /dev/null 2>/dev/null || \
		echo -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang))
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
	$(if $(filter 1,$(FUZZ)),-fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping)
CPPFLAGS := -D_GNU_SOURCE -I. -I$(B) -DJAIL_VERSION='"$(VERSION)"' \
	-DJAIL_LIBEXEC='"$(LIBEXECDIR)/jail"' -DJAIL_SYSCONF='"$(SYSCONFDIR)/jail"'
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu17 $(CFLAGS) $(WARN) -fPIE -MMD -MP \
	$(if $(filter 1,$(SAN)),$(SANFLAGS),$(HARDEN))
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now $(if $(filter 1,$(SAN)),$(SANFLAGS)) $(LDFLAGS)

# The command: everything but libc and libmnl (which Debian ships as a shared library only) linked statically, so
# that starting it costs no more than a small C program.
LIBS_STATIC := -lseccomp -lnftnl -lyajl_s -lcap -larchive -lnettle -lzstd -lz
LIBS := -Wl,-Bstatic $(LIBS_STATIC) -Wl,-Bdynamic -lmnl
# The importer carries libarchive and its decompressors, and nothing dynamic.
UNPACK_LIBS := -larchive -lacl -llzma -lzstd -llz4 -lbz2 -lz -lnettle -lseccomp -lcap

# What stays resident is built with musl: a static program of a few pages. (These expand in the recipes: gcc may come
# with `make deps` only.) The sanitizers need glibc; jail-init has none of them, since it runs where there is no runtime
# of theirs.
MUSL_CC := musl-gcc
MUSL_CFLAGS = -std=gnu17 -Os -g $(WARN) -MMD -MP -fstack-protector-strong -fno-pie \
	-ftrivial-auto-var-init=zero -ffunction-sections -fdata-sections \
	-idirafter /usr/include -idirafter /usr/include/$(shell gcc -dumpmachine)
MUSL_LDFLAGS := -static -no-pie -Wl,--gc-sections -Wl,-z,norelro -Wl,-z,noseparate-code
ifeq ($(SAN),1)
TINY_CC := $(CC)
TINY_CFLAGS := $(ALL_CFLAGS)
TINY_LDFLAGS := $(LDFLAGS_ALL)
else
TINY_CC := $(MUSL_CC)
TINY_CFLAGS = $(MUSL_CFLAGS)
TINY_LDFLAGS := $(MUSL_LDFLAGS)
endif

ROOMS := base runtime runtime/oci namespaces cgroups netsetup images hooks
LIB_SRC := $(wildcard $(ROOMS:%=%/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o)
# cmd/*.c is what the commands share.
CMD_SRC := $(wildcard cmd/*.c cmd/jail/*.c)
CMD_OBJ := $(CMD_SRC:%.c=$(B)/%.o)
# jail-oci is linked twice: static with musl (see below), and dynamic as jail-oci-full, with what is rarely used.
OCI_SRC := $(wildcard cmd/*.c cmd/jail-oci/*.c)
OCI_FULL_OBJ := $(OCI_SRC:%.c=$(B)/%.o) $(patsubst %.c,$(B)/%.o,$(wildcard cmd/jail-oci/full/*.c))
OCI_STATIC_OBJ := $(OCI_SRC:%.c=$(B)/musl/%.o) $(patsubst %.c,$(B)/musl/%.o,$(wildcard cmd/jail-oci/static/*.c))
MUSL_LIB_OBJ := $(patsubst %.c,$(B)/musl/%.o,$(wildcard base/*.c runtime/oci/*.c namespaces/*.c cgroups/*.c hooks/*.c \
	$(patsubst %,runtime/%*.c,console creds decode sealed seccomp spec_signal systemd_call userdb)))
# Each tiny program: cmd/NAME/*.c; those that stay share cmd/tiny/*.c, all share headers.
INIT_SRC := $(wildcard cmd/jail-init/*.c)
MONITOR_SRC := $(wildcard cmd/jail-monitor/*.c cmd/tiny/*.c)
PROXY_SRC := $(wildcard cmd/jail-proxy/*.c cmd/tiny/*.c)
INIT_OBJ := $(INIT_SRC:%.c=$(B)/tiny/%.o)
MONITOR_OBJ := $(MONITOR_SRC:%.c=$(B)/tiny/%.o)
PROXY_OBJ := $(PROXY_SRC:%.c=$(B)/tiny/%.o)
UNPACK_SRC := $(wildcard cmd/jail-unpack/*.c)
UNPACK_OBJ := $(UNPACK_SRC:%.c=$(B)/%.o)
# jail-copy makes files as the importer does, in the same cage.
COPY_SRC := $(wildcard cmd/jail-copy/*.c) \
	$(patsubst %,cmd/jail-unpack/%.c,confine filter meta tree tree_file tree_link tree_whiteout xattr)
COPY_OBJ := $(COPY_SRC:%.c=$(B)/%.o)
UNIT_SRC := $(wildcard tests/unit/*_test.c)
UNIT_BIN := $(UNIT_SRC:%.c=$(B)/%)
FUZZ_SRC := $(wildcard tests/fuzz/*_fuzz.c)
FUZZ_BIN := $(FUZZ_SRC:%.c=$(B)/%)
C_FILES := $(wildcard $(ROOMS:%=%/*.[ch]) cmd/*.[ch] cmd/*/*.[ch] cmd/*/*/*.[ch] tests/*/*.[ch])
SCRIPTS := .ci/run tests/run tests/demo tests/bench/run tests/bench/network tests/bench/images $(filter-out %.bash,$(wildcard tests/lib/*)) \
	$(addprefix tests/vm/,run shell boot reboot-test image install-qemu guest/init guest/agent instances)

UNITS := $(B)/systemd/jail@.service $(addprefix $(B)/systemd/,jail-boot.service jail-snapshots.service) \
	systemd/jail-snapshots.timer systemd/jail.slice

PROGRAMS := $(B)/jail $(B)/jail-oci $(B)/jail-oci-full $(B)/jail-init $(B)/jail-monitor $(B)/jail-proxy \
	$(B)/jail-unpack $(B)/jail-copy

.PHONY: all
all: $(PROGRAMS) $(UNITS) ## build the programs

$(B)/jail: $(CMD_OBJ) $(B)/libjail.a
	@echo "  LD      $@"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(B)/jail-oci-full: $(OCI_FULL_OBJ) $(B)/libjail.a
	@echo "  LD      $@"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# Without a dynamic loader, and without what glibc does at its start (it asks the CPU what it can do, which in a virtual
# machine costs a millisecond). Under the sanitizers, which need glibc, it is the other program.
ifeq ($(SAN),1)
$(B)/jail-oci: $(B)/jail-oci-full
	$(Q)cp $< $@
else
$(B)/jail-oci: $(OCI_STATIC_OBJ) $(B)/musl/libjail.a
	@echo "  LD      $@"
	$(Q)$(MUSL_CC) $(MUSL_LDFLAGS) -o $@ $^ $(foreach l,seccomp yajl_s nettle,$(shell gcc -print-file-name=lib$l.a))
endif

$(B)/musl/libjail.a: $(MUSL_LIB_OBJ)
	@echo "  AR      $@"
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/libjail.a: $(LIB_OBJ)
	@echo "  AR      $@"
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/jail-init $(INIT_OBJ): TINY_CC := $(MUSL_CC)
$(B)/jail-init $(INIT_OBJ): TINY_CFLAGS = $(MUSL_CFLAGS)
$(B)/jail-init $(INIT_OBJ): TINY_LDFLAGS := $(MUSL_LDFLAGS)
$(B)/jail-init: $(INIT_OBJ)
	@echo "  LD      $@"
	$(Q)$(TINY_CC) $(TINY_LDFLAGS) -o $@ $^

$(B)/jail-monitor: $(MONITOR_OBJ)
	@echo "  LD      $@"
	$(Q)$(TINY_CC) $(TINY_LDFLAGS) -o $@ $^

$(B)/jail-proxy: $(PROXY_OBJ)
	@echo "  LD      $@"
	$(Q)$(TINY_CC) $(TINY_LDFLAGS) -o $@ $^

$(B)/jail-unpack: $(UNPACK_OBJ) $(B)/libjail.a
	@echo "  LD      $@"
	$(Q)$(CC) $(LDFLAGS_ALL) $(if $(filter 1,$(SAN)),,-static-pie) -o $@ $^ $(UNPACK_LIBS)

$(B)/jail-copy: $(COPY_OBJ) $(B)/libjail.a
	@echo "  LD      $@"
	$(Q)$(CC) $(LDFLAGS_ALL) $(if $(filter 1,$(SAN)),,-static-pie) -o $@ $^ $(UNPACK_LIBS)

$(B)/tiny/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  CC      $< (tiny)"
	$(Q)$(TINY_CC) $(CPPFLAGS) $(TINY_CFLAGS) -c -o $@ $<

# The types of the two C libraries differ; conversions are judged with those of glibc.
$(B)/musl/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  CC      $< (musl)"
	$(Q)$(MUSL_CC) $(CPPFLAGS) $(filter-out -Wconversion,$(subst -Os,-O2,$(MUSL_CFLAGS))) -c -o $@ $<

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# Whatever decides how objects look: a change of PREFIX or CFLAGS builds everything again. Warnings don't count.
FLAGS := $(CC) $(CPPFLAGS) $(CFLAGS) $(SAN) $(LDFLAGS)
$(B)/flags: force
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(FLAGS))' >$@
.PHONY: force

# The shipped seccomp profile is part of the program (.incbin).
$(B)/runtime/seccomp.o $(B)/musl/runtime/seccomp.o: runtime/seccomp-default.json

$(B)/systemd/%: systemd/%.in $(B)/flags
	@mkdir -p $(@D)
	$(Q)sed -e 's|@BINDIR@|$(BINDIR)|g; s|@DOCDIR@|$(DATADIR)/doc/jail|g' $< >$@

# ---- tests

$(B)/tests/unit/%_test: tests/unit/%_test.c $(B)/libjail.a | $(PROGRAMS)
	@mkdir -p $(@D)
	@echo "  TEST    $@"
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS_ALL) -o $@ $< $(B)/libjail.a $(LIBS) -lcmocka

# The command's own: with its objects, but for main().
$(B)/tests/unit/cmd_%_test: tests/unit/cmd_%_test.c $(filter-out %/main.o,$(CMD_OBJ)) $(B)/libjail.a
	@mkdir -p $(@D)
	@echo "  TEST    $@"
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS_ALL) -o $@ $(filter-out %.h,$^) $(LIBS) -lcmocka

.PHONY: unit
unit: $(UNIT_BIN) ## build the unit tests

# One libFuzzer program for each parser; tests/run runs them for a bounded time.
$(B)/tests/fuzz/%_fuzz: tests/fuzz/%_fuzz.c $(B)/libjail.a
	@mkdir -p $(@D)
	@echo "  FUZZ    $@"
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $< $(B)/libjail.a $(LIBS) \
		$(if $(filter pax unpack_tar,$*),$(UNPACK_LIBS))

# With a program's own objects, but for main() and what the fuzzer stands in for.
$(B)/tests/fuzz/cmd_%_fuzz: tests/fuzz/cmd_%_fuzz.c $(filter-out %/main.o,$(CMD_OBJ)) $(B)/libjail.a
	@mkdir -p $(@D)
	@echo "  FUZZ    $@"
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $(filter-out %.h,$^) $(LIBS)

$(B)/tests/fuzz/copy_%_fuzz: tests/fuzz/copy_%_fuzz.c $(filter-out %/main.o,$(COPY_OBJ)) $(B)/libjail.a
	@mkdir -p $(@D)
	@echo "  FUZZ    $@"
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $(filter-out %.h,$^) $(UNPACK_LIBS)

.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_BIN)
.PHONY: fuzz
fuzz: test-deps ## run every fuzzer for FUZZ_SECONDS (60) each
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-60} tests/run fuzz

.PHONY: fuzz-coverage
fuzz-coverage: test-deps ## what the fuzzers reach of the files they are about, after FUZZ_SECONDS (0)
	@$(MAKE) --no-print-directory CC=clang SAN=1 FUZZ=1 fuzz-programs
	@tests/fuzz/coverage --seconds $${FUZZ_SECONDS:-0}

.PHONY: valgrind
valgrind: test-deps ## the unit tests under valgrind's memcheck (root)
	@JAIL_VALGRIND=all tests/run valgrind

.PHONY: vm-test
vm-test: test-deps vm-deps ## the tests that need systemd and all controllers, in a VM (root)
	@tests/run vm

.PHONY: vm-shell
vm-shell: deps vm-deps ## build, then a shell in the test VM (root)
	@$(MAKE) --no-print-directory all
	@tests/vm/shell

.PHONY: test
test: test-deps vm-deps ## install what the tests need, build and run them all (root)
	@tests/run

.PHONY: crash-test
crash-test: test-deps ## SIGKILL and errors at every system call that changes something, long races (root, hours)
	@tests/run crash

.PHONY: bench
bench: bench-deps ## measure against other runtimes, side by side (root)
	@$(MAKE) --no-print-directory all $(B)/tests/bench/floor $(B)/tests/bench/netpart
	@tests/bench/run
	@tests/bench/network
	@tests/bench/images

.PHONY: bench-network
bench-network: bench-deps ## the network's part of it alone
	@$(MAKE) --no-print-directory all $(B)/tests/bench/netpart
	@tests/bench/network

.PHONY: bench-images
bench-images: bench-deps ## the part of it about images, snapshots and clones alone
	@$(MAKE) --no-print-directory all
	@tests/bench/images

$(B)/tests/bench/netpart: tests/bench/netpart.c $(B)/libjail.a
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS_ALL) -Wl,--wrap=send -o $@ $< $(B)/libjail.a $(LIBS)

$(B)/tests/bench/floor: tests/bench/floor.c
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu17 -O2 $(WARN) -static -o $@ $<

.PHONY: demo
demo: deps ## build, then show an instance's whole life (root)
	@$(MAKE) --no-print-directory all
	@tests/demo

# ---- packages of Debian 12

BUILD_PACKAGES := gcc libc6-dev make musl-tools pkgconf libseccomp-dev libcap-dev libmnl-dev libnftnl-dev libyajl-dev \
	nettle-dev libarchive-dev libacl1-dev liblzma-dev libzstd-dev liblz4-dev libbz2-dev zlib1g-dev busybox-static
TEST_PACKAGES := bats libcmocka-dev clang clang-format clang-tidy libclang-rt-14-dev llvm cppcheck shellcheck valgrind jq \
	python3 python3-jsonschema mmdebstrap arch-test expect curl netcat-openbsd socat iproute2 nftables procps attr \
	libcap2-bin zstd xz-utils bzip2 lz4 gzip util-linux strace keyutils bsdutils openssh-client \
	postgresql-client tcpdump podman buildah skopeo umoci e2fsprogs
VM_PACKAGES := busybox-static cpio e2fsprogs kmod make mmdebstrap arch-test python3 util-linux xz-utils zstd jq
BENCH_PACKAGES := iperf3 podman umoci skopeo gzip xz-utils util-linux-extra python3 hyperfine crun runc bubblewrap lxc jq zstd iproute2 mmdebstrap arch-test

.PHONY: deps test-deps vm-deps bench-deps
deps: ## install what building needs
	@tests/lib/install-packages $(BUILD_PACKAGES)
test-deps: deps ## install what the tests need besides
	@tests/lib/install-packages $(TEST_PACKAGES)
vm-deps: ## install what the test VM needs: QEMU, from backports where there are any
	@tests/lib/install-packages $(VM_PACKAGES)
	@tests/vm/install-qemu
bench-deps: deps
	@tests/lib/install-packages $(BENCH_PACKAGES)

# ---- the code itself

.PHONY: lint
lint: lint-format lint-tidy lint-cppcheck lint-analyzer lint-shell lint-rows ## clang-format, clang-tidy, cppcheck, gcc -fanalyzer, shellcheck, rows of docs/security.md: all clean

.PHONY: lint-format
lint-format:
	@clang-format --dry-run -Werror $(C_FILES)

# Checks and the reason for each that is left out: .clang-tidy.
# Among them those of clang's scan-build: clang-analyzer-*.
TIDY_SRC := $(LIB_SRC) $(CMD_SRC) $(INIT_SRC) $(MONITOR_SRC) $(PROXY_SRC) $(UNPACK_SRC) \
	$(wildcard cmd/jail-copy/*.c cmd/jail-oci/*.c cmd/jail-oci/*/*.c)
.PHONY: lint-tidy
lint-tidy: compile_commands.json
	printf '%s\n' $(TIDY_SRC) | xargs -P $$(nproc) -n 4 clang-tidy --quiet --warnings-as-errors='*' -p .

# missingIncludeSystem: system headers aren't read, which is how cppcheck wants it. memleak: cppcheck doesn't know the
# cleanup attribute; the sanitizers look for real leaks. ctuuninitvar: takes a pure output parameter for an input.
.PHONY: lint-cppcheck
lint-cppcheck:
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --suppress=memleak --suppress=ctuuninitvar -D__linux__ -D_GNU_SOURCE '-DJAIL_VERSION="0"' -I . $(TIDY_SRC)

# gcc's -fanalyzer, which follows paths as clang's does in lint-tidy. What is left out: tests/lib/gcc-analyzer.
.PHONY: lint-analyzer
lint-analyzer:
	@printf '%s\n' $(TIDY_SRC) | xargs -P $$(nproc) -n 4 tests/lib/gcc-analyzer

.PHONY: lint-shell
lint-shell:
	shellcheck $(SCRIPTS)
	shellcheck -s bash -e SC2034 tests/lib/*.bash tests/bench/*.bash tests/vm/*.bash tests/engines/*.bash # variables for those who load it
	shellcheck -s bash -e SC2030,SC2031,SC2034,SC2153,SC2154,SC1091,SC2016 tests/cli/*.bats tests/oci/*.bats tests/oci/*.bash tests/security/*.bats tests/system/*.bats tests/engines/*.bats # what bats sets, and scripts to run inside

.PHONY: lint-rows
lint-rows:
	tests/rows

.PHONY: format
format: ## apply clang-format
	clang-format -i $(C_FILES)

# For clang-tidy and editors. Every file is described as the command's are: the tiny programs differ in flags that no
# check looks at.
compile_commands.json: Makefile $(TIDY_SRC)
	@{ sep='['; for f in $(TIDY_SRC); do \
		printf '%s\n{"directory": "%s", "file": "%s", "arguments": ["clang", "-std=gnu17", "-D_GNU_SOURCE", "-I.", "-DJAIL_VERSION=\\"%s\\"", "-DJAIL_LIBEXEC=\\"/usr/local/libexec/jail\\"", "-DJAIL_SYSCONF=\\"/etc/jail\\"", "-c", "%s"]}' \
			"$$sep" "$(CURDIR)" "$$f" "$(VERSION)" "$$f"; sep=,; done; printf '\n]\n'; } >$@

# ---- installing

.PHONY: install
install: all ## install below PREFIX (/usr/local), under DESTDIR
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBEXECDIR)/jail $(DESTDIR)$(DATADIR)/jail \
		$(DESTDIR)$(DATADIR)/doc/jail
	install -m 755 $(B)/jail $(B)/jail-oci $(DESTDIR)$(BINDIR)/
	install -m 755 $(B)/jail-init $(B)/jail-monitor $(B)/jail-proxy $(B)/jail-unpack $(B)/jail-copy \
		$(B)/jail-oci-full $(DESTDIR)$(LIBEXECDIR)/jail/
	install -d $(addprefix $(DESTDIR)$(UNITDIR)/,multi-user.target.wants timers.target.wants)
	install -m 644 $(UNITS) $(DESTDIR)$(UNITDIR)/
	ln -sf ../jail-boot.service $(DESTDIR)$(UNITDIR)/multi-user.target.wants/jail-boot.service
	ln -sf ../jail-snapshots.timer $(DESTDIR)$(UNITDIR)/timers.target.wants/jail-snapshots.timer
	install -m 644 config.schema.json $(DESTDIR)$(DATADIR)/jail/
	install -m 644 COPYING README.md SECURITY.md docs/*.md $(DESTDIR)$(DATADIR)/doc/jail/

.PHONY: uninstall
uninstall: ## remove what install put there; instances and images stay
	rm -f $(DESTDIR)$(BINDIR)/jail $(DESTDIR)$(BINDIR)/jail-oci $(DESTDIR)$(UNITDIR)/multi-user.target.wants/jail-boot.service
	rm -f $(DESTDIR)$(UNITDIR)/timers.target.wants/jail-snapshots.timer
	rm -f $(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(UNITS)))
	rm -rf $(DESTDIR)$(LIBEXECDIR)/jail $(DESTDIR)$(DATADIR)/jail $(DESTDIR)$(DATADIR)/doc/jail

.PHONY: clean
clean: ## remove everything built
	rm -rf build build-* compile_commands.json

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 16

-include $(shell find $(B) -name '*.d' 2>/dev/null)
