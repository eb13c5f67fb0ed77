# `make falsify`  contracts against a real model        `make test`  the tests of the house, lint, types
# `make install`  what both need, in .venv              Every target can be repeated; nothing is done twice.

VENV    ?= .venv
PYTHON  ?= python3
REPORTS ?= reports
MODEL   := smollm2
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.installed
LLAMA   := $(VENV)/.llama-cpp-python
LLAMA_WHEEL := $(VENV)/.llama-cpp-python-wheel
PIP     := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: install model vocabularies falsify test coverage lint types audit wheel site docs fuzz mutation bench bench-honest fixtures llama-cpp-python llama-cpp-python-wheel clean
.DEFAULT_GOAL := falsify

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say which: make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[dev]'
	@touch $@

model: $(STAMP)
	@$(BIN)/apr pull $(MODEL)

# llama.cpp's vocabulary files, which tests of tokenizers need and which are not ours to hand on
vocabularies: $(STAMP)
	@$(BIN)/python fixtures/vocabularies.py

# The status is printed whatever the verdicts are, and the exit status is the worse of the two.
falsify: model
	@verdicts=0; $(BIN)/python -m pytest -n 2 -m falsify contracts --junitxml $(REPORTS)/falsify.xml || verdicts=$$?; \
	echo; status=0; $(BIN)/pv status || status=$$?; \
	exit $$(( verdicts > status ? verdicts : status ))

test: lint types
	$(BIN)/python -m pytest -n 2 -m "not falsify" --junitxml $(REPORTS)/test.xml

# The same tests with their branches counted, which takes twice the time: the nightly run does it, and fails below the limit.
coverage: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m "not falsify" --cov --cov-report=term --cov-report=xml:$(REPORTS)/coverage.xml

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo

types: $(STAMP)
	$(BIN)/mypy pv runtime/apr conftest.py examples falsifiers fixtures benchmarks docs tests

# docs/reference out of the code, docs/contracts out of the contracts; a test fails where a page is not what it would write
docs: $(STAMP)
	$(BIN)/python docs/make.py
	$(BIN)/pv docs

# what scanners find in the code and in the workflows; known vulnerabilities where their database can be asked
audit: $(STAMP)
	$(BIN)/bandit -q -r pv runtime -c .ci/bandit.yaml
	$(BIN)/zizmor --offline --no-progress -q --config .github/zizmor.yml .github action.yml
	$(BIN)/python .ci/audit.py

# wheel and sdist, built, installed into empty environments, and used on repositories that are not this one
wheel: $(STAMP)
	$(BIN)/python .ci/wheel.py

# docs/ as pages, in site/
site: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# every parser, ten minutes each; FUZZ="--seconds 60 --only gguf" for less
fuzz: $(STAMP)
	$(PIP) --editable '.[fuzz]'
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.run $(FUZZ)

# whether the tests of what decides verdicts notice a fault there; ONLY=judge is one module, minutes each
mutation: $(STAMP)
	$(PIP) --editable '.[mutation]'
	$(BIN)/python -m tests.mutation $(if $(ONLY),--only $(ONLY))

# every figure of README and docs; one BLAS thread, as llama.cpp is given one
bench: model
	$(PIP) --editable '.[bench]'
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/run.py --into README.md docs/reference/figures.md

# twenty thousand honest comparisons; exits with 1 if a single one raises an alarm
bench-honest: $(STAMP)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/honest.py

fixtures: $(STAMP)
	$(BIN)/python fixtures/make.py

# The second provider of llama.cpp is source-only: two minutes and a C++ compiler. pip's cache would hand out a wheel that
# was built with other flags, so it is left aside; and one of the same version that is installed is replaced.
llama-cpp-python: $(LLAMA)

llama-cpp-python-wheel: $(LLAMA_WHEEL)

$(LLAMA): $(LLAMA_WHEEL)
	$(PIP) $(LLAMA_WHEEL)/*.whl
	$(PIP) --force-reinstall --no-deps $(LLAMA_WHEEL)/*.whl
	@touch $@

$(LLAMA_WHEEL): $(STAMP) .ci/lean-llama.cmake
	@rm -rf $@.new
	CMAKE_ARGS="-DCMAKE_BUILD_TYPE=Release -DLLAVA_BUILD=OFF -DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_MTMD=OFF -DCMAKE_UNITY_BUILD=ON -DCMAKE_PROJECT_llama.cpp_INCLUDE=$(abspath .ci/lean-llama.cmake)" \
	$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --constraint constraints.txt --no-deps --no-cache-dir \
	--no-binary llama-cpp-python --wheel-dir $@.new llama-cpp-python
	@rm -rf $@ && mv $@.new $@

clean:
	rm -rf $(VENV) .pv $(REPORTS) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist site
