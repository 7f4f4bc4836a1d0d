# One stage a process, by folders: what all share, what those share that work on worlds, then what a process has alone. A
# change of a folder rebuilds the stages that copy it and those made from them. That nothing is missing is held by
# tests/deployment/test_dockerfile.py, which starts each process from exactly the files of its stage.
FROM python:3.11.11-slim-bookworm AS python
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Threads under Python's lock need no heap each.
ENV MALLOC_ARENA_MAX=2

# --- what others wrote: a layer of its own, made anew only when a version changes ---------------------------------
FROM python AS dependencies
COPY .docker/requirements.txt /tmp/requirements.txt
RUN python -m venv /venv && /venv/bin/pip install -r /tmp/requirements.txt

FROM python AS base
# The folder that a volume is mounted on belongs to the user, and so does the volume.
RUN groupadd --gid 10001 generia \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp generia \
    && install -d -o 10001 -g 10001 /metrics
COPY --from=dependencies /venv /venv
COPY .docker/probe /usr/local/bin/
ENV PATH=/venv/bin:$PATH
WORKDIR /app
USER 10001:10001

# --- what all share -----------------------------------------------------------------------------------------------
FROM base AS shared
COPY generia_worker/*.py generia_worker/
COPY generia_worker/settings generia_worker/settings
COPY generia_worker/observability generia_worker/observability
COPY generia_worker/storage generia_worker/storage
COPY generia_worker/rpc generia_worker/rpc
COPY generia_worker/http generia_worker/http
COPY generia_worker/client generia_worker/client
COPY generia_worker/processes/__init__.py generia_worker/processes/health_checks.py generia_worker/processes/

# --- the platform's services --------------------------------------------------------------------------------------
FROM shared AS reference
COPY generia_worker/reference/__init__.py generia_worker/reference/
COPY generia_worker/reference/shared generia_worker/reference/shared

FROM reference AS world
COPY generia_worker/reference/world generia_worker/reference/world
COPY generia_worker/processes/world.py generia_worker/processes/
ENTRYPOINT ["python", "-m", "generia_worker.processes.world"]

FROM reference AS character
COPY generia_worker/reference/character generia_worker/reference/character
COPY generia_worker/processes/character.py generia_worker/processes/
ENTRYPOINT ["python", "-m", "generia_worker.processes.character"]

FROM reference AS post
COPY generia_worker/reference/post generia_worker/reference/post
COPY generia_worker/processes/post.py generia_worker/processes/
ENTRYPOINT ["python", "-m", "generia_worker.processes.post"]

FROM reference AS interaction
COPY generia_worker/reference/interaction generia_worker/reference/interaction
COPY generia_worker/processes/interaction.py generia_worker/processes/
ENTRYPOINT ["python", "-m", "generia_worker.processes.interaction"]

FROM reference AS media
COPY generia_worker/reference/media generia_worker/reference/media
COPY generia_worker/processes/media.py generia_worker/processes/
ENTRYPOINT ["python", "-m", "generia_worker.processes.media"]

FROM shared AS gateway
COPY generia_worker/billing/__init__.py generia_worker/billing/allowances.py generia_worker/billing/
COPY generia_worker/processes/gateway.py generia_worker/processes/users.py generia_worker/processes/
COPY generia_worker/gateway generia_worker/gateway
COPY generia_worker/web generia_worker/web
ENTRYPOINT ["python", "-m", "generia_worker.processes.gateway"]

FROM shared AS simulator
COPY generia_worker/processes/simulator.py generia_worker/processes/
COPY generia_worker/simulator generia_worker/simulator
ENTRYPOINT ["python", "-m", "generia_worker.processes.simulator"]

# --- the engine: all of it but what makes a step, which workers alone do -------------------------------------------
FROM shared AS engine
COPY celeryconfig.py ./
COPY generia_worker/engine generia_worker/engine
COPY generia_worker/billing generia_worker/billing
COPY generia_worker/providers generia_worker/providers
COPY generia_worker/status generia_worker/status
COPY generia_worker/app generia_worker/app
COPY generia_worker/worlds/__init__.py generia_worker/worlds/steps.py generia_worker/worlds/results.py \
     generia_worker/worlds/extension.py generia_worker/worlds/shares.py generia_worker/worlds/talk.py \
     generia_worker/worlds/schedules.py generia_worker/worlds/reply_accounts.py \
     generia_worker/worlds/documents.py generia_worker/worlds/templates.py generia_worker/worlds/context.py \
     generia_worker/worlds/claims.py generia_worker/worlds/control.py generia_worker/worlds/

FROM engine AS api
COPY generia_worker/processes/api.py generia_worker/processes/
COPY generia_worker/api generia_worker/api
ENTRYPOINT ["python", "-m", "generia_worker.processes.api"]

FROM engine AS exporter
COPY generia_worker/processes/exporter.py generia_worker/processes/
ENTRYPOINT ["python", "-m", "generia_worker.processes.exporter"]

FROM engine AS beat
COPY generia_worker/processes/celery_program.py generia_worker/processes/beat.py generia_worker/processes/scheduler.py \
     generia_worker/processes/
ENTRYPOINT ["python", "-m", "generia_worker.processes.beat"]

FROM engine AS flower
COPY generia_worker/processes/celery_program.py generia_worker/processes/flower.py \
     generia_worker/processes/flower_app.py generia_worker/processes/
ENTRYPOINT ["python", "-m", "generia_worker.processes.flower"]

FROM engine AS worker
COPY generia_worker/processes/celery_program.py generia_worker/processes/worker.py generia_worker/processes/
COPY generia_worker/worlds generia_worker/worlds
COPY tasks tasks
COPY prompts prompts
ENTRYPOINT ["python", "-m", "generia_worker.processes.worker"]

# --- the command line, for one command at a time; it exports as the gateway does -----------------------------------
FROM gateway AS cli
COPY generia_worker/processes generia_worker/processes
COPY generia_worker/embedded generia_worker/embedded
COPY generia_worker/cli generia_worker/cli
ENTRYPOINT ["python", "-m", "generia_worker.cli.main"]
