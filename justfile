# Every script by name: `just` lists them, `just NAME ARGUMENT...` runs one. CONTRIBUTING.md says what each is for and needs.
# Recipes only call scripts and cargo; nothing needs just.

set positional-arguments
set shell := ["bash", "-cu"]

_list:
    @just --list --unsorted

# Everything that must hold before a change lands
[group('check')]
gate:
    .ci/run

# The whole test suite
[group('check')]
test:
    scripts/test

# Formatting and lints alone
[group('check')]
lint:
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets -- -D warnings

# Fuzz one target for a minute: image_file, decoded_pictures, judge_replies, ...
[group('check')]
fuzz target *arguments:
    cargo +nightly fuzz run "$1" -- -max_total_time=60 "${@:2}"

# Interpret the kernels' tests, which finds undefined behavior
[group('check')]
miri *arguments:
    scripts/miri "$@"

# Requests to OpenAI against its published interface
[group('check')]
contract *arguments:
    scripts/contract "$@"

# What the clients of reward servers do, against captured requests
[group('check')]
reward-clients *arguments:
    scripts/reward_clients "$@"

# The judge client against a real language model on this machine
[group('check')]
wire-judge *arguments:
    scripts/wire_judge "$@"

# Commands over huge images within a limit of memory
[group('check')]
memory-limit *arguments:
    scripts/memory_limit "$@"

# The report page in headless Chromium
[group('check')]
report-page *arguments:
    scripts/report_page "$@"

# The label page in headless Chromium, with a server that is killed again and again
[group('check')]
label-page *arguments:
    scripts/label_page "$@"

# Build, fetch the preview detector and score the example images
[group('build')]
demo *arguments:
    scripts/demo "$@"

# Build the wheel and try it in a fresh environment
[group('build')]
wheel *arguments:
    scripts/wheel "$@"

# Build the wheel for development and test the Python package in fresh environments
[group('check')]
python-test *arguments:
    scripts/python_test "$@"

# Make a release archive with the built program
[group('build')]
archive *arguments:
    scripts/archive "$@"

# Sections of the changelog: notes VERSION, cut VERSION DATE
[group('build')]
changelog *arguments:
    scripts/changelog "$@"

# Write docs/cli.md from the commands
[group('generate')]
update-cli:
    IMGEVAL_UPDATE=1 cargo test --locked --workspace --test cli reference_of_the_command_line

# Take the screenshots of docs/pictures
[group('generate')]
report-screenshots *arguments:
    scripts/report_screenshots "$@"

# Cut the font of figures
[group('generate')]
figure-font *arguments:
    scripts/figure_font "$@"

# Make a fixture again with the authors' code: `just reference clip`
[group('generate')]
reference name *arguments:
    python3 "scripts/reference/$1.py" "${@:2}"

# Measure: `just bench inference`
[group('measure')]
bench name *arguments:
    python3 "scripts/bench/$1.py" "${@:2}"

# The fixtures that `just reference` makes
[group('generate')]
references:
    @ls scripts/reference

# The measurements that `just bench` runs
[group('measure')]
benches:
    @ls scripts/bench
