# `make demo` and `make test` need nothing but Python 3.11 or later: each makes
# .venv when it is missing or older than the two files of requirements.
PYTHON ?= python3
BIN := .venv/bin
DEMO := runs/demo

.PHONY: demo test test-slow lint clean

# Alternating updates learn sooner, simultaneous ones more in a longer training.
demo: .venv/.installed
	rm -rf $(DEMO)
	$(BIN)/python chapter02_3dgan/main.py train --preset quick --steps 3000 \
	    --update-mode alternating --max-minutes 5.5 --run-dir $(DEMO)
	$(BIN)/python chapter02_3dgan/main.py test --run-dir $(DEMO)
	$(BIN)/python chapter02_3dgan/main.py interpolate --run-dir $(DEMO)
	$(BIN)/python chapter02_3dgan/main.py arithmetic --run-dir $(DEMO)
	$(BIN)/python chapter02_3dgan/main.py generate --run-dir $(DEMO) --format stl
	$(BIN)/python chapter02_3dgan/main.py generate --run-dir $(DEMO) --format html
	@echo
	@echo "Real shapes:       $(DEMO)/reals.png"
	@echo "Generated shapes:  $(DEMO)/samples.png"
	@echo "Nearest training:  $(DEMO)/neighbours.png"
	@echo "The training:      $(DEMO)/training.gif and $(DEMO)/curves.png"
	@echo "To turn them:      $(DEMO)/generated/shapes.html"
	@echo "To print them:     $(DEMO)/generated/shape_0000.stl"
	@echo "Measured:          $(DEMO)/metrics.md"

test: .venv/.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# What takes long or needs an extra: all chapters in two processes, searches on Spark.
test-slow: .venv/.spark
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile
	SPARK_TESTS=1 $(BIN)/python -m pytest tests/common/tuning/test_spark.py

lint: .venv/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

clean:
	rm -rf .venv $(DEMO) test.log *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.spark: .venv/.installed requirements-spark.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-spark.txt
	touch $@

.venv/.installed: requirements.txt requirements-test.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    -r requirements.txt -r requirements-test.txt
	touch $@
