# Two commands are all a newcomer needs: `make demo` and `make test`. Each does its own set-up.
PYTHON ?= python3
PIP_OPTIONS := --quiet --disable-pip-version-check --no-deps --no-build-isolation
# The second runtime has no wheels above Python 3.11.
TFLITE := $(shell $(PYTHON) -c 'import sys; print(".venv-tflite/ready" if sys.version_info < (3, 12) else "")')
DETECTOR := models_tflite/blazeface_short.tflite

.PHONY: help demo serve serve-gpu bench-gpu test quick coverage check bench bench-server scale figures arm64 picamera2 lock clean

help:
	@echo "make demo    the main job on real clips, seen by a real MQTT subscriber"
	@echo "make serve   the desktop server with the float models: a web page at http://127.0.0.1:8384"
	@echo "make serve-gpu  the same on an NVIDIA GPU (x86-64, its driver installed; 3 GB)"
	@echo "make test    checks and tests"
	@echo "make quick   the checks, and the tests that start no process, in a minute"
	@echo "make check   ruff, mypy and import-linter alone"
	@echo "make coverage  which branches the tests go through (as long as the tests twice)"
	@echo "make bench   speed and memory, against a pinned peer (six minutes)"
	@echo "make bench-server  speed and memory of the desktop server (ten minutes)"
	@echo "make bench-gpu  the nets on the GPU, batch 1 to 512, against the processor and int8"
	@echo "make scale   the tests of serving with Ray"
	@echo "make figures write the figures and pictures of README.md and docs/ anew"
	@echo "make docs    the pages as a site in build/docs, and the lesson's notebook run"
	@echo "make manuals write the manual pages and shell completions of both commands"
	@echo "make picamera2  the Pi camera source on genuine picamera2, without a Pi (root, mmdebstrap)"
	@echo "make deb     the Debian packages; make deb-boot and make deb-arm64 prove them (root)"
	@echo "make fleet   the Ansible playbook for many nodes, on containers (root)"
	@echo "make home-assistant  the automations of docs/home-assistant.md in a real Home Assistant (Python 3.13)"
	@echo "make lock    write requirements/*.txt anew from pyproject.toml"

demo: .venv-demo/ready $(DETECTOR)
	.venv-demo/bin/python deploy/demo.py

serve: .venv-server/ready $(DETECTOR)
	.venv-server/bin/affectd-server run

# The same on an NVIDIA GPU: 3 GB, most of it CUDA's libraries, which nothing else here installs.
serve-gpu: .venv-gpu/ready $(DETECTOR)
	.venv-gpu/bin/affectd-server run

ALL_TESTS := packages .venv-test/ready .venv-debian/ready $(TFLITE) $(DETECTOR)
PYTEST := AFFECTD_TFLITE_PYTHON=$(if $(TFLITE),$(CURDIR)/.venv-tflite/bin/python) \
	AFFECTD_DEBIAN_PYTHON=$$([ -e .venv-debian/ready ] && echo $(CURDIR)/.venv-debian/bin/python) \
	.venv-test/bin/python -m pytest -n auto --maxprocesses=4 --dist=loadfile

test: $(ALL_TESTS) check
	$(PYTEST)

quick: .venv-test/ready $(DETECTOR) check
	.venv-test/bin/python -m pytest -n auto --maxprocesses=4 --dist=loadfile -m "not slow"

coverage: $(ALL_TESTS)
	$(PYTEST) --cov --cov-report=term --cov-report=html:build/coverage

check: .venv-test/ready
	.venv-test/bin/ruff check .
	.venv-test/bin/ruff format --check .
	.venv-test/bin/mypy
	.venv-test/bin/lint-imports

bench: .venv-test/ready .venv-bench/ready $(DETECTOR)
	.venv-test/bin/affectd bench --seconds 300 --peer-python .venv-bench/bin/python --json docs/benchmark.json

bench-server: .venv-test/ready $(DETECTOR)
	.venv-test/bin/affectd-server bench --json docs/benchmark-server.json

bench-gpu: .venv-gpu/ready $(DETECTOR)
	.venv-gpu/bin/python -m desktop_server.bench.providers --provider cuda --json docs/measured/gpu.json

# Optional: the tests of serving with Ray, which needs 240 MB of its own.
scale: .venv-scale/ready $(DETECTOR)
	.venv-scale/bin/python -m pytest tests/test_scale_out.py

# The manual pages and shell completions of both commands.
manuals: .venv-test/ready
	.venv-test/bin/python deploy/manuals/write.py
.PHONY: manuals

# The pages as a site in build/docs, with the references made anew; a warning is an error, as is a foreign host. Then
# the lesson's notebook is run.
docs: .venv-docs/ready $(DETECTOR)
	.venv-docs/bin/sphinx-build --fail-on-warning --keep-going --nitpicky --quiet -c deploy/docs . build/docs
	.venv-docs/bin/python -m pytest -o pythonpath="tests deploy/docs" -p no:cacheprovider --quiet deploy/docs
.PHONY: docs

# Into README.md and docs/: the models' figures from their cards, the benchmark's, the contract; and the pictures.
figures: .venv-test/ready $(DETECTOR)
	.venv-test/bin/python deploy/readme.py
	.venv-test/bin/python deploy/asyncapi.py
	.venv-test/bin/python deploy/screenshot.py

# One environment a purpose, from locked requirements with hashes; the lock is complete, so nothing is resolved.
.venv-%/ready: requirements/%.txt requirements/build.txt pyproject.toml
	$(PYTHON) -m venv --clear .venv-$*
	.venv-$*/bin/python -m pip install $(PIP_OPTIONS) --require-hashes -r requirements/build.txt
	.venv-$*/bin/python -m pip install $(PIP_OPTIONS) --require-hashes -r requirements/$*.txt
	.venv-$*/bin/python -m pip install $(PIP_OPTIONS) --editable .
	deploy/systemd_python.sh .venv-$*/bin/python
	touch $@

# No more than what builds wheels: whoever builds a package need not install what the tests need.
.venv-build/ready: requirements/build.txt
	$(PYTHON) -m venv --clear .venv-build
	.venv-build/bin/python -m pip install $(PIP_OPTIONS) --require-hashes -r requirements/build.txt
	touch $@

# What the Debian package is on this machine, made only where the system has the libraries.
.venv-debian/ready: requirements/pi.txt requirements/build.txt pyproject.toml | packages
	deploy/debian_python.sh .venv-debian

$(DETECTOR): deploy/provision_models.py models_tflite/blazeface_short.json
	$(PYTHON) deploy/provision_models.py
	touch $@

# The system's own packages that the tests use for real: installed where root allows, else named in one line.
packages:
	deploy/apt_packages.sh deploy/packages-test.txt
.PHONY: packages

# Optional: what the appliance costs on a Pi 4, in arm64 instructions counted under qemu (needs mmdebstrap, qemu-user, gcc,
# and a qemu plugin that counts: INSN).
INSN ?= ../shared/tools/insn.c
arm64: .venv-test/ready $(DETECTOR) .arm64/libinsn.so
	.venv-test/bin/python deploy/arm64/count.py --root .arm64/root --plugin .arm64/libinsn.so --json docs/instructions.json

.arm64/libinsn.so: $(INSN)
	mkdir -p .arm64
	$(CC) -shared -fPIC -O2 -o $@ $<

# Optional: the Pi camera source on genuine picamera2 and libcamera's Virtual pipeline, in a Debian 13 root (needs root).
picamera2:
	PYTHON=$(PYTHON) deploy/picamera2/run.sh

# Optional: the Debian packages for amd64 and arm64, of one file each for Debian 12 and 13 (needs debhelper).
deb: .venv-build/ready $(DETECTOR)
	deploy/debian/build.sh .venv-build/bin/python

# Optional: the package in dist/ and the desktop server under real systemd, in containers (root; mmdebstrap,
# systemd-container). Most of it is waiting, so four machines run at a time.
deb-boot: .venv-test/ready
	.venv-test/bin/python -m pytest -o pythonpath="tests deploy/debian" -o faulthandler_timeout=7200 \
		--basetemp=build/machines -o tmp_path_retention_policy=failed -p no:cacheprovider -n 4 --dist=loadgroup -rP deploy/debian

# Optional: the packages in dist/ on an emulated Cortex-A72 and here, and whether both make the same of a film (root;
# mmdebstrap, qemu-user-static, ffmpeg; an hour at first).
deb-arm64:
	deploy/debian/prove.sh bookworm trixie
.PHONY: deb deb-boot deb-arm64

# Optional: lints the playbook, and applies it to a broker and two nodes, booted in containers and reached by SSH, with the
# package in dist/ (root; mmdebstrap, systemd-container; half an hour).
fleet: .venv-fleet/ready
	cd deploy/ansible && PATH="$(CURDIR)/.venv-fleet/bin:$$PATH" ansible-lint --offline
	.venv-fleet/bin/python -m pytest -o pythonpath="tests deploy/debian deploy/ansible" -o faulthandler_timeout=7200 \
		--basetemp=build/fleet -o tmp_path_retention_policy=failed -p no:cacheprovider deploy/ansible
.PHONY: fleet

# Optional: docs/home-assistant.md in a real Home Assistant (its own Python 3.13, 600 MB; mosquitto, Chromium), and the
# picture of it.
HOME_ASSISTANT_PYTHON ?= python3.13
.venv-home-assistant/ready: deploy/home_assistant/requirements.txt
	$(HOME_ASSISTANT_PYTHON) -m venv --clear .venv-home-assistant
	.venv-home-assistant/bin/python -m pip install --quiet --disable-pip-version-check -r deploy/home_assistant/requirements.txt
	touch $@

home-assistant: packages .venv-test/ready .venv-home-assistant/ready
	AFFECTD_HASS=$(CURDIR)/.venv-home-assistant/bin/hass .venv-test/bin/python -m pytest \
		-o pythonpath="tests deploy/home_assistant" -p no:cacheprovider --quiet deploy/home_assistant
	AFFECTD_HASS=$(CURDIR)/.venv-home-assistant/bin/hass PYTHONPATH=tests:deploy/home_assistant \
		.venv-test/bin/python deploy/home_assistant/picture.py
.PHONY: home-assistant

lock: .venv-lock/bin/uv
	deploy/lock.sh .venv-lock/bin/uv

.venv-lock/bin/uv:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet uv==0.13.8

clean:
	rm -rf build .arm64 .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis
