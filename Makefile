# make demo [SOURCE=clip.mp4]   a camera, a gateway, and the link to open
# make test                     every check and every test
# make bench                    the figures of docs/benchmarks.md
# make fuzz [SECONDS=30]        each fuzz target for so long
#
# Each installs what is missing on a Debian 12 machine that has Rust and Node.

SOURCE ?= auto
SECONDS ?= 30

.PHONY: demo test bench fuzz

demo:
	@.ci/install demo
	@.ci/demo "$(SOURCE)"

test:
	@.ci/test

bench:
	@.ci/install test
	@.ci/bench

fuzz:
	@.ci/fuzz "$(SECONDS)"
