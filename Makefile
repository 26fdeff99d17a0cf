# make demo and make test work from nothing; every target sets up .venv by itself when it is missing.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# the chain of the everyday prior, each stage a card that goes on from the one before
PHOTOS_STAGES := photos-64 photos-64-more

.PHONY: help demo test lab app notebooks check-notebooks exercises site status weights photos bench doctor lint clean

help:
	@echo "make demo   colorize real photographs with the bundled weights (into out/)"
	@echo "make test   prove everything"
	@echo "make lab    JupyterLab on the lessons      make app  the colorization page"
	@echo "make site   the executed lessons as pages to read, into build/site/html"
	@echo "make notebooks | check-notebooks | exercises | status | weights | photos | bench | doctor | lint"

$(READY): constraints.txt pyproject.toml notebooks/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q -c constraints.txt -e '.[app,browser,data,dev,site]' -e notebooks
	touch $(READY)

demo: $(READY)
	$(PY) -m jgm_course.demo

test: $(READY)
	$(PY) -m pytest $(ARGS)

lab: $(READY)  # on copies in lessons/; ARGS are JupyterLab's
	$(PY) -m jgm_course.start $(ARGS)

app: $(READY)
	$(PY) -m jgm_lib.app $(ARGS)

notebooks: $(READY)
	$(PY) -m jgm_course.pairs $(ARGS)

check-notebooks: $(READY)
	$(PY) -m jgm_course.lint

exercises: $(READY)
	$(PY) -m jgm_course.reading
	$(PY) -m jgm_course.exercises

site: $(READY)
	$(PY) -m jgm_course.site $(ARGS)

status: $(READY)
	$(PY) -m jgm_course.run --readme README.md --times

weights: $(READY)
	@test -n "$(SOURCE)" || { echo "make weights SOURCE=folder of colour photographs"; exit 2; }
	$(PY) -m jgm_lib.cli data folder --source $(SOURCE) --size 100 --holdout 0.05 --name scenes --out data
	$(PY) -m jgm_lib.cli train scenes-64 --data data/scenes-100 --out runs/scenes-64
	$(PY) -m jgm_lib.cli train scenes-64-more --data data/scenes-100 --out runs/scenes-64-more
	$(PY) -m jgm_lib.cli train scenes-64-last --data data/scenes-100 --out runs/scenes-64-last

photos: $(READY)
	@test -n "$(PHOTOS)" || { echo "make photos PHOTOS=\"folders of colour photographs\""; exit 2; }
	$(PY) -m jgm_lib.cli data folder --source $(PHOTOS) --size 144 --holdout 0.02 --name everyday --out data
	for card in $(PHOTOS_STAGES); do $(PY) -m jgm_lib.cli train $$card --data data/everyday-144 \
	  --out runs/$$card --about docs/photos-64-sources.yaml $(ARGS) || exit $$?; done

bench: $(READY)  # on a quiet machine; ARGS="--fullres --refinenet 5" for the slow parts
	$(PY) -m benchmarks.run --readme README.md $(ARGS)

doctor: $(READY)
	$(PY) -m jgm_lib.cli doctor

lint: $(READY)
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .

clean:
	rm -rf out build dist *.egg-info
