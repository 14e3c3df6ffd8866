# make demo [SOURCE=clip.mp4]   a camera, a gateway, and the link, opened where there is a desktop
# make test                     every check and every test
# make stress [ONLY=camera]     each test program ten times beside busy loops, ten times alone
# make bench                    the figures of docs/benchmarks.md
# make interop                  every client with every other: docs/interop.md, with its times
# make fuzz [SECONDS=30]        each fuzz target for so long
#
# Each installs what is missing on a Debian 12 machine that has Rust and Node.

SOURCE ?= auto
SECONDS ?= 30
ONLY ?= .
TIMES ?= 10
MINUTES ?= 60

.PHONY: demo test stress bench interop fuzz

demo:
	@.ci/install demo
	@.ci/demo "$(SOURCE)"

test:
	@.ci/test

stress:
	@.ci/install test
	@node .ci/stress.mjs --only "$(ONLY)" --times "$(TIMES)" --minutes "$(MINUTES)"

interop:
	@.ci/install test
	@WRITE=docs/interop.md npm --prefix tests run --silent interop

bench:
	@.ci/install test
	@.ci/bench

fuzz:
	@.ci/fuzz "$(SECONDS)"
