# Made by: python -m tests.make_dockerfile
# One stage a process. Each copies what its process imports and no more: a change rebuilds the images that it concerns.

FROM python:3.11.11-slim-bookworm AS python
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# --- what others wrote: a layer of its own, made anew only when a version changes ---------------------------------
FROM python AS dependencies
COPY .docker/requirements.txt /tmp/requirements.txt
RUN python -m venv /venv && /venv/bin/pip install -r /tmp/requirements.txt

FROM python AS base
# The folder that volumes are mounted on belongs to the user, and so do they.
RUN groupadd --gid 10001 generia \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp generia \
    && install -d -o 10001 -g 10001 /metrics
COPY --from=dependencies /venv /venv
ENV PATH=/venv/bin:$PATH
WORKDIR /app
USER 10001:10001

FROM base AS api
COPY celeryconfig.py ./
COPY generia_worker/__init__.py generia_worker/app.py generia_worker/broker.py generia_worker/errors.py \
     generia_worker/exporter.py generia_worker/health.py generia_worker/leases.py generia_worker/logs.py \
     generia_worker/metric_files.py generia_worker/metrics.py generia_worker/prompting.py \
     generia_worker/runtime.py generia_worker/secret_files.py generia_worker/setting_types.py \
     generia_worker/settings.py ./generia_worker/
COPY generia_worker/api/__init__.py generia_worker/api/app.py generia_worker/api/controls.py \
     generia_worker/api/enqueue.py generia_worker/api/events.py generia_worker/api/live.py \
     generia_worker/api/metrics.py generia_worker/api/paths.py generia_worker/api/server.py \
     ./generia_worker/api/
COPY generia_worker/clients/__init__.py generia_worker/clients/http.py generia_worker/clients/images.py \
     generia_worker/clients/limits.py generia_worker/clients/llm.py generia_worker/clients/provider_errors.py \
     ./generia_worker/clients/
COPY generia_worker/domain/__init__.py generia_worker/domain/cost.py generia_worker/domain/estimate.py \
     generia_worker/domain/media.py generia_worker/domain/order.py generia_worker/domain/queues.py \
     generia_worker/domain/receipt.py generia_worker/domain/stage.py generia_worker/domain/status.py \
     generia_worker/domain/step.py generia_worker/domain/text.py ./generia_worker/domain/
COPY generia_worker/generation/__init__.py generia_worker/generation/paid.py generia_worker/generation/run.py \
     generia_worker/generation/tools.py ./generia_worker/generation/
COPY generia_worker/http/__init__.py generia_worker/http/addresses.py generia_worker/http/bodies.py \
     generia_worker/http/problems.py generia_worker/http/sse.py generia_worker/http/streams.py \
     ./generia_worker/http/
COPY generia_worker/parts/__init__.py generia_worker/parts/api.py generia_worker/parts/health.py \
     ./generia_worker/parts/
COPY generia_worker/repositories/__init__.py generia_worker/repositories/canaries.py \
     generia_worker/repositories/changes.py generia_worker/repositories/control.py \
     generia_worker/repositories/database.py generia_worker/repositories/generations.py \
     generia_worker/repositories/kept.py generia_worker/repositories/ledger.py \
     generia_worker/repositories/parameters.py generia_worker/repositories/parked.py \
     generia_worker/repositories/requests.py generia_worker/repositories/reservations.py \
     generia_worker/repositories/status.py generia_worker/repositories/steps.py ./generia_worker/repositories/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/characters.py \
     generia_worker/rpc/errors.py generia_worker/rpc/media.py generia_worker/rpc/posts.py \
     generia_worker/rpc/wire.py generia_worker/rpc/worlds.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY prompts/__init__.py prompts/answer_schema.j2 prompts/cast_characters.j2 prompts/create_character.j2 \
     prompts/describe_world.j2 prompts/draw_picture.j2 prompts/illustrate_world.j2 prompts/plan_posts.j2 \
     prompts/reask.j2 prompts/write_post.j2 ./prompts/
ENTRYPOINT ["python", "-m", "generia_worker.parts.api"]

FROM base AS gateway
COPY generia_worker/__init__.py generia_worker/errors.py generia_worker/health.py generia_worker/logs.py \
     generia_worker/secret_files.py generia_worker/setting_types.py generia_worker/settings.py ./generia_worker/
COPY generia_worker/domain/__init__.py generia_worker/domain/cost.py generia_worker/domain/estimate.py \
     generia_worker/domain/media.py generia_worker/domain/order.py generia_worker/domain/receipt.py \
     generia_worker/domain/stage.py generia_worker/domain/status.py generia_worker/domain/step.py \
     generia_worker/domain/text.py ./generia_worker/domain/
COPY generia_worker/http/__init__.py generia_worker/http/addresses.py generia_worker/http/bodies.py \
     generia_worker/http/problems.py generia_worker/http/sse.py generia_worker/http/streams.py \
     ./generia_worker/http/
COPY generia_worker/parts/__init__.py generia_worker/parts/gateway.py generia_worker/parts/health.py \
     ./generia_worker/parts/
COPY generia_worker/platform/__init__.py generia_worker/platform/characters.py generia_worker/platform/checks.py \
     generia_worker/platform/connections.py generia_worker/platform/export.py generia_worker/platform/files.py \
     generia_worker/platform/lookups.py generia_worker/platform/once.py generia_worker/platform/resources.py \
     ./generia_worker/platform/
COPY generia_worker/platform/export_page/__init__.py generia_worker/platform/export_page/export.css \
     generia_worker/platform/export_page/index.html.j2 ./generia_worker/platform/export_page/
COPY generia_worker/platform/gateway/__init__.py generia_worker/platform/gateway/accounts.py \
     generia_worker/platform/gateway/app.py generia_worker/platform/gateway/auth.py \
     generia_worker/platform/gateway/feed.py generia_worker/platform/gateway/models.py \
     generia_worker/platform/gateway/pages.py generia_worker/platform/gateway/parts.py \
     generia_worker/platform/gateway/paths.py generia_worker/platform/gateway/problems.py \
     generia_worker/platform/gateway/rates.py generia_worker/platform/gateway/security.py \
     generia_worker/platform/gateway/server.py generia_worker/platform/gateway/stream.py \
     generia_worker/platform/gateway/tokens.py generia_worker/platform/gateway/upstream.py \
     generia_worker/platform/gateway/worlds.py ./generia_worker/platform/gateway/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/characters.py \
     generia_worker/rpc/errors.py generia_worker/rpc/media.py generia_worker/rpc/posts.py \
     generia_worker/rpc/wire.py generia_worker/rpc/worlds.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY generia_worker/web/favicon.svg generia_worker/web/index.html ./generia_worker/web/
COPY generia_worker/web/css/base.css generia_worker/web/css/pages.css generia_worker/web/css/world.css \
     ./generia_worker/web/css/
COPY generia_worker/web/js/about.js generia_worker/web/js/api.js generia_worker/web/js/create.js \
     generia_worker/web/js/dom.js generia_worker/web/js/failures.js generia_worker/web/js/feed.js \
     generia_worker/web/js/forms.js generia_worker/web/js/frame.js generia_worker/web/js/images.js \
     generia_worker/web/js/login.js generia_worker/web/js/main.js generia_worker/web/js/panel.js \
     generia_worker/web/js/people.js generia_worker/web/js/post.js generia_worker/web/js/receipt.js \
     generia_worker/web/js/router.js generia_worker/web/js/slider.js generia_worker/web/js/stream.js \
     generia_worker/web/js/strip.js generia_worker/web/js/timeleft.js generia_worker/web/js/world.js \
     generia_worker/web/js/worlds.js ./generia_worker/web/js/
ENTRYPOINT ["python", "-m", "generia_worker.parts.gateway"]

FROM base AS world
COPY generia_worker/__init__.py generia_worker/api_client.py generia_worker/errors.py generia_worker/health.py \
     generia_worker/logs.py generia_worker/secret_files.py generia_worker/setting_types.py \
     generia_worker/settings.py ./generia_worker/
COPY generia_worker/domain/__init__.py generia_worker/domain/cost.py generia_worker/domain/estimate.py \
     generia_worker/domain/media.py generia_worker/domain/order.py generia_worker/domain/receipt.py \
     generia_worker/domain/stage.py generia_worker/domain/status.py generia_worker/domain/step.py \
     generia_worker/domain/text.py ./generia_worker/domain/
COPY generia_worker/http/__init__.py generia_worker/http/sse.py ./generia_worker/http/
COPY generia_worker/parts/__init__.py generia_worker/parts/health.py generia_worker/parts/world.py \
     ./generia_worker/parts/
COPY generia_worker/platform/__init__.py generia_worker/platform/calls.py generia_worker/platform/checks.py \
     generia_worker/platform/files.py generia_worker/platform/generation_status.py \
     generia_worker/platform/lookups.py generia_worker/platform/once.py generia_worker/platform/orders.py \
     generia_worker/platform/resources.py generia_worker/platform/server.py generia_worker/platform/worlds.py \
     ./generia_worker/platform/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/wire.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
ENTRYPOINT ["python", "-m", "generia_worker.parts.world"]

FROM base AS character
COPY generia_worker/__init__.py generia_worker/api_client.py generia_worker/errors.py generia_worker/health.py \
     generia_worker/logs.py generia_worker/secret_files.py generia_worker/setting_types.py \
     generia_worker/settings.py ./generia_worker/
COPY generia_worker/domain/__init__.py generia_worker/domain/cost.py generia_worker/domain/estimate.py \
     generia_worker/domain/media.py generia_worker/domain/order.py generia_worker/domain/receipt.py \
     generia_worker/domain/stage.py generia_worker/domain/status.py generia_worker/domain/step.py \
     generia_worker/domain/text.py ./generia_worker/domain/
COPY generia_worker/http/__init__.py generia_worker/http/sse.py ./generia_worker/http/
COPY generia_worker/parts/__init__.py generia_worker/parts/character.py generia_worker/parts/health.py \
     ./generia_worker/parts/
COPY generia_worker/platform/__init__.py generia_worker/platform/calls.py generia_worker/platform/characters.py \
     generia_worker/platform/checks.py generia_worker/platform/files.py generia_worker/platform/lookups.py \
     generia_worker/platform/once.py generia_worker/platform/orders.py generia_worker/platform/resources.py \
     generia_worker/platform/server.py ./generia_worker/platform/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/wire.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
ENTRYPOINT ["python", "-m", "generia_worker.parts.character"]

FROM base AS post
COPY generia_worker/__init__.py generia_worker/api_client.py generia_worker/errors.py generia_worker/health.py \
     generia_worker/logs.py generia_worker/secret_files.py generia_worker/setting_types.py \
     generia_worker/settings.py ./generia_worker/
COPY generia_worker/domain/__init__.py generia_worker/domain/cost.py generia_worker/domain/estimate.py \
     generia_worker/domain/media.py generia_worker/domain/order.py generia_worker/domain/receipt.py \
     generia_worker/domain/stage.py generia_worker/domain/status.py generia_worker/domain/step.py \
     generia_worker/domain/text.py ./generia_worker/domain/
COPY generia_worker/http/__init__.py generia_worker/http/sse.py ./generia_worker/http/
COPY generia_worker/parts/__init__.py generia_worker/parts/health.py generia_worker/parts/post.py \
     ./generia_worker/parts/
COPY generia_worker/platform/__init__.py generia_worker/platform/calls.py generia_worker/platform/characters.py \
     generia_worker/platform/checks.py generia_worker/platform/files.py generia_worker/platform/lookups.py \
     generia_worker/platform/once.py generia_worker/platform/orders.py generia_worker/platform/posts.py \
     generia_worker/platform/resources.py generia_worker/platform/server.py ./generia_worker/platform/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/wire.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
ENTRYPOINT ["python", "-m", "generia_worker.parts.post"]

FROM base AS media
COPY generia_worker/__init__.py generia_worker/api_client.py generia_worker/errors.py generia_worker/health.py \
     generia_worker/logs.py generia_worker/secret_files.py generia_worker/setting_types.py \
     generia_worker/settings.py ./generia_worker/
COPY generia_worker/domain/__init__.py generia_worker/domain/cost.py generia_worker/domain/estimate.py \
     generia_worker/domain/media.py generia_worker/domain/order.py generia_worker/domain/receipt.py \
     generia_worker/domain/stage.py generia_worker/domain/status.py generia_worker/domain/step.py \
     generia_worker/domain/text.py ./generia_worker/domain/
COPY generia_worker/http/__init__.py generia_worker/http/sse.py ./generia_worker/http/
COPY generia_worker/parts/__init__.py generia_worker/parts/health.py generia_worker/parts/media.py \
     ./generia_worker/parts/
COPY generia_worker/platform/__init__.py generia_worker/platform/calls.py generia_worker/platform/checks.py \
     generia_worker/platform/files.py generia_worker/platform/lookups.py generia_worker/platform/media.py \
     generia_worker/platform/once.py generia_worker/platform/orders.py generia_worker/platform/pictures.py \
     generia_worker/platform/resources.py generia_worker/platform/server.py ./generia_worker/platform/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/wire.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
ENTRYPOINT ["python", "-m", "generia_worker.parts.media"]

FROM base AS simulator
COPY generia_worker/__init__.py generia_worker/errors.py generia_worker/health.py generia_worker/logs.py \
     generia_worker/secret_files.py generia_worker/setting_types.py generia_worker/settings.py ./generia_worker/
COPY generia_worker/domain/__init__.py generia_worker/domain/text.py ./generia_worker/domain/
COPY generia_worker/parts/__init__.py generia_worker/parts/health.py generia_worker/parts/simulator.py \
     ./generia_worker/parts/
COPY generia_worker/simulator/__init__.py generia_worker/simulator/app.py generia_worker/simulator/behaviour.py \
     generia_worker/simulator/chat.py generia_worker/simulator/dice.py generia_worker/simulator/gallery.py \
     generia_worker/simulator/http.py generia_worker/simulator/imaging.py generia_worker/simulator/ledger.py \
     generia_worker/simulator/mangling.py generia_worker/simulator/reading.py generia_worker/simulator/schema.py \
     generia_worker/simulator/server.py generia_worker/simulator/state.py ./generia_worker/simulator/
COPY generia_worker/simulator/drawing/__init__.py generia_worker/simulator/drawing/canvas.py \
     generia_worker/simulator/drawing/emblem.py generia_worker/simulator/drawing/figures.py \
     generia_worker/simulator/drawing/interiors.py generia_worker/simulator/drawing/landscape.py \
     generia_worker/simulator/drawing/nature.py generia_worker/simulator/drawing/objects.py \
     generia_worker/simulator/drawing/painter.py generia_worker/simulator/drawing/palettes.py \
     generia_worker/simulator/drawing/portrait.py generia_worker/simulator/drawing/props.py \
     generia_worker/simulator/drawing/scene.py generia_worker/simulator/drawing/stage.py \
     generia_worker/simulator/drawing/symbols.py generia_worker/simulator/drawing/symbols_nature.py \
     generia_worker/simulator/drawing/symbols_things.py generia_worker/simulator/drawing/view.py \
     generia_worker/simulator/drawing/wardrobe.py ./generia_worker/simulator/drawing/
COPY generia_worker/simulator/lexicon/__init__.py generia_worker/simulator/lexicon/en_people.py \
     generia_worker/simulator/lexicon/en_posts.py generia_worker/simulator/lexicon/en_themes.py \
     generia_worker/simulator/lexicon/en_themes_further.py generia_worker/simulator/lexicon/en_themes_more.py \
     generia_worker/simulator/lexicon/en_topics.py generia_worker/simulator/lexicon/en_world.py \
     generia_worker/simulator/lexicon/ru_people.py generia_worker/simulator/lexicon/ru_posts.py \
     generia_worker/simulator/lexicon/ru_themes.py generia_worker/simulator/lexicon/ru_themes_further.py \
     generia_worker/simulator/lexicon/ru_themes_more.py generia_worker/simulator/lexicon/ru_topics.py \
     generia_worker/simulator/lexicon/ru_world.py generia_worker/simulator/lexicon/types.py \
     ./generia_worker/simulator/lexicon/
COPY generia_worker/simulator/writing/__init__.py generia_worker/simulator/writing/context.py \
     generia_worker/simulator/writing/gist.py generia_worker/simulator/writing/people.py \
     generia_worker/simulator/writing/posts.py generia_worker/simulator/writing/shapes.py \
     generia_worker/simulator/writing/template.py generia_worker/simulator/writing/visuals.py \
     generia_worker/simulator/writing/world.py ./generia_worker/simulator/writing/
ENTRYPOINT ["python", "-m", "generia_worker.parts.simulator"]

FROM base AS worker
COPY celeryconfig.py ./
COPY generia_worker/__init__.py generia_worker/app.py generia_worker/broker.py generia_worker/errors.py \
     generia_worker/health.py generia_worker/leases.py generia_worker/logs.py generia_worker/metric_files.py \
     generia_worker/metrics.py generia_worker/prompting.py generia_worker/runtime.py \
     generia_worker/secret_files.py generia_worker/setting_types.py generia_worker/settings.py ./generia_worker/
COPY generia_worker/clients/__init__.py generia_worker/clients/answers.py generia_worker/clients/http.py \
     generia_worker/clients/images.py generia_worker/clients/latex.py generia_worker/clients/limits.py \
     generia_worker/clients/llm.py generia_worker/clients/provider_errors.py generia_worker/clients/schema.py \
     ./generia_worker/clients/
COPY generia_worker/domain/__init__.py generia_worker/domain/character.py generia_worker/domain/content.py \
     generia_worker/domain/cost.py generia_worker/domain/estimate.py generia_worker/domain/media.py \
     generia_worker/domain/order.py generia_worker/domain/post.py generia_worker/domain/queues.py \
     generia_worker/domain/receipt.py generia_worker/domain/stage.py generia_worker/domain/step.py \
     generia_worker/domain/text.py generia_worker/domain/world.py ./generia_worker/domain/
COPY generia_worker/generation/__init__.py generia_worker/generation/asking.py \
     generia_worker/generation/briefs.py generia_worker/generation/cast.py generia_worker/generation/describe.py \
     generia_worker/generation/drawing.py generia_worker/generation/paid.py generia_worker/generation/plan.py \
     generia_worker/generation/portray.py generia_worker/generation/run.py generia_worker/generation/tools.py \
     generia_worker/generation/write.py ./generia_worker/generation/
COPY generia_worker/parts/__init__.py generia_worker/parts/celery_app.py generia_worker/parts/health.py \
     generia_worker/parts/worker.py ./generia_worker/parts/
COPY generia_worker/repositories/__init__.py generia_worker/repositories/canaries.py \
     generia_worker/repositories/changes.py generia_worker/repositories/control.py \
     generia_worker/repositories/database.py generia_worker/repositories/generations.py \
     generia_worker/repositories/kept.py generia_worker/repositories/ledger.py \
     generia_worker/repositories/parameters.py generia_worker/repositories/parked.py \
     generia_worker/repositories/requests.py generia_worker/repositories/reservations.py \
     generia_worker/repositories/status.py generia_worker/repositories/steps.py ./generia_worker/repositories/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/characters.py \
     generia_worker/rpc/errors.py generia_worker/rpc/media.py generia_worker/rpc/posts.py \
     generia_worker/rpc/wire.py generia_worker/rpc/worlds.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY prompts/__init__.py prompts/answer_schema.j2 prompts/cast_characters.j2 prompts/create_character.j2 \
     prompts/describe_world.j2 prompts/draw_picture.j2 prompts/illustrate_world.j2 prompts/plan_posts.j2 \
     prompts/reask.j2 prompts/write_post.j2 ./prompts/
COPY tasks/__init__.py tasks/base.py tasks/characters.py tasks/maintenance.py tasks/pipeline.py tasks/posts.py \
     tasks/progress.py tasks/world.py ./tasks/
ENTRYPOINT ["python", "-m", "generia_worker.parts.worker"]

FROM base AS beat
COPY celeryconfig.py ./
COPY generia_worker/__init__.py generia_worker/app.py generia_worker/broker.py generia_worker/errors.py \
     generia_worker/health.py generia_worker/leases.py generia_worker/logs.py generia_worker/metric_files.py \
     generia_worker/metrics.py generia_worker/prompting.py generia_worker/runtime.py \
     generia_worker/secret_files.py generia_worker/setting_types.py generia_worker/settings.py ./generia_worker/
COPY generia_worker/clients/__init__.py generia_worker/clients/answers.py generia_worker/clients/http.py \
     generia_worker/clients/images.py generia_worker/clients/latex.py generia_worker/clients/limits.py \
     generia_worker/clients/llm.py generia_worker/clients/provider_errors.py generia_worker/clients/schema.py \
     ./generia_worker/clients/
COPY generia_worker/domain/__init__.py generia_worker/domain/character.py generia_worker/domain/content.py \
     generia_worker/domain/cost.py generia_worker/domain/estimate.py generia_worker/domain/media.py \
     generia_worker/domain/order.py generia_worker/domain/post.py generia_worker/domain/queues.py \
     generia_worker/domain/receipt.py generia_worker/domain/stage.py generia_worker/domain/step.py \
     generia_worker/domain/text.py generia_worker/domain/world.py ./generia_worker/domain/
COPY generia_worker/generation/__init__.py generia_worker/generation/asking.py \
     generia_worker/generation/briefs.py generia_worker/generation/cast.py generia_worker/generation/describe.py \
     generia_worker/generation/drawing.py generia_worker/generation/paid.py generia_worker/generation/plan.py \
     generia_worker/generation/portray.py generia_worker/generation/run.py generia_worker/generation/tools.py \
     generia_worker/generation/write.py ./generia_worker/generation/
COPY generia_worker/parts/__init__.py generia_worker/parts/beat.py generia_worker/parts/celery_app.py \
     generia_worker/parts/health.py ./generia_worker/parts/
COPY generia_worker/repositories/__init__.py generia_worker/repositories/canaries.py \
     generia_worker/repositories/changes.py generia_worker/repositories/control.py \
     generia_worker/repositories/database.py generia_worker/repositories/generations.py \
     generia_worker/repositories/kept.py generia_worker/repositories/ledger.py \
     generia_worker/repositories/parameters.py generia_worker/repositories/parked.py \
     generia_worker/repositories/requests.py generia_worker/repositories/reservations.py \
     generia_worker/repositories/status.py generia_worker/repositories/steps.py ./generia_worker/repositories/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/characters.py \
     generia_worker/rpc/errors.py generia_worker/rpc/media.py generia_worker/rpc/posts.py \
     generia_worker/rpc/wire.py generia_worker/rpc/worlds.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY prompts/__init__.py prompts/answer_schema.j2 prompts/cast_characters.j2 prompts/create_character.j2 \
     prompts/describe_world.j2 prompts/draw_picture.j2 prompts/illustrate_world.j2 prompts/plan_posts.j2 \
     prompts/reask.j2 prompts/write_post.j2 ./prompts/
COPY tasks/__init__.py tasks/base.py tasks/characters.py tasks/maintenance.py tasks/pipeline.py tasks/posts.py \
     tasks/progress.py tasks/world.py ./tasks/
ENTRYPOINT ["python", "-m", "generia_worker.parts.beat"]

FROM base AS exporter
COPY generia_worker/__init__.py generia_worker/errors.py generia_worker/exporter.py generia_worker/health.py \
     generia_worker/leases.py generia_worker/logs.py generia_worker/metric_files.py generia_worker/metrics.py \
     generia_worker/prompting.py generia_worker/runtime.py generia_worker/secret_files.py \
     generia_worker/setting_types.py generia_worker/settings.py ./generia_worker/
COPY generia_worker/clients/__init__.py generia_worker/clients/http.py generia_worker/clients/images.py \
     generia_worker/clients/limits.py generia_worker/clients/llm.py generia_worker/clients/provider_errors.py \
     ./generia_worker/clients/
COPY generia_worker/domain/__init__.py generia_worker/domain/cost.py generia_worker/domain/estimate.py \
     generia_worker/domain/media.py generia_worker/domain/order.py generia_worker/domain/queues.py \
     generia_worker/domain/receipt.py generia_worker/domain/stage.py generia_worker/domain/step.py \
     generia_worker/domain/text.py ./generia_worker/domain/
COPY generia_worker/generation/__init__.py generia_worker/generation/paid.py generia_worker/generation/run.py \
     generia_worker/generation/tools.py ./generia_worker/generation/
COPY generia_worker/http/__init__.py generia_worker/http/addresses.py ./generia_worker/http/
COPY generia_worker/parts/__init__.py generia_worker/parts/exporter.py generia_worker/parts/health.py \
     ./generia_worker/parts/
COPY generia_worker/repositories/__init__.py generia_worker/repositories/canaries.py \
     generia_worker/repositories/changes.py generia_worker/repositories/control.py \
     generia_worker/repositories/database.py generia_worker/repositories/generations.py \
     generia_worker/repositories/kept.py generia_worker/repositories/ledger.py \
     generia_worker/repositories/parameters.py generia_worker/repositories/parked.py \
     generia_worker/repositories/requests.py generia_worker/repositories/reservations.py \
     generia_worker/repositories/status.py generia_worker/repositories/steps.py ./generia_worker/repositories/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/characters.py \
     generia_worker/rpc/errors.py generia_worker/rpc/media.py generia_worker/rpc/posts.py \
     generia_worker/rpc/wire.py generia_worker/rpc/worlds.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY prompts/__init__.py prompts/answer_schema.j2 prompts/cast_characters.j2 prompts/create_character.j2 \
     prompts/describe_world.j2 prompts/draw_picture.j2 prompts/illustrate_world.j2 prompts/plan_posts.j2 \
     prompts/reask.j2 prompts/write_post.j2 ./prompts/
ENTRYPOINT ["python", "-m", "generia_worker.parts.exporter"]

FROM base AS flower
COPY celeryconfig.py ./
COPY generia_worker/__init__.py generia_worker/app.py generia_worker/broker.py generia_worker/errors.py \
     generia_worker/flower.py generia_worker/health.py generia_worker/leases.py generia_worker/logs.py \
     generia_worker/metric_files.py generia_worker/metrics.py generia_worker/prompting.py \
     generia_worker/runtime.py generia_worker/secret_files.py generia_worker/setting_types.py \
     generia_worker/settings.py ./generia_worker/
COPY generia_worker/clients/__init__.py generia_worker/clients/answers.py generia_worker/clients/http.py \
     generia_worker/clients/images.py generia_worker/clients/latex.py generia_worker/clients/limits.py \
     generia_worker/clients/llm.py generia_worker/clients/provider_errors.py generia_worker/clients/schema.py \
     ./generia_worker/clients/
COPY generia_worker/domain/__init__.py generia_worker/domain/character.py generia_worker/domain/content.py \
     generia_worker/domain/cost.py generia_worker/domain/estimate.py generia_worker/domain/media.py \
     generia_worker/domain/order.py generia_worker/domain/post.py generia_worker/domain/queues.py \
     generia_worker/domain/receipt.py generia_worker/domain/stage.py generia_worker/domain/step.py \
     generia_worker/domain/text.py generia_worker/domain/world.py ./generia_worker/domain/
COPY generia_worker/generation/__init__.py generia_worker/generation/asking.py \
     generia_worker/generation/briefs.py generia_worker/generation/cast.py generia_worker/generation/describe.py \
     generia_worker/generation/drawing.py generia_worker/generation/paid.py generia_worker/generation/plan.py \
     generia_worker/generation/portray.py generia_worker/generation/run.py generia_worker/generation/tools.py \
     generia_worker/generation/write.py ./generia_worker/generation/
COPY generia_worker/http/__init__.py generia_worker/http/addresses.py ./generia_worker/http/
COPY generia_worker/parts/__init__.py generia_worker/parts/flower.py generia_worker/parts/health.py \
     ./generia_worker/parts/
COPY generia_worker/repositories/__init__.py generia_worker/repositories/canaries.py \
     generia_worker/repositories/changes.py generia_worker/repositories/control.py \
     generia_worker/repositories/database.py generia_worker/repositories/generations.py \
     generia_worker/repositories/kept.py generia_worker/repositories/ledger.py \
     generia_worker/repositories/parameters.py generia_worker/repositories/parked.py \
     generia_worker/repositories/requests.py generia_worker/repositories/reservations.py \
     generia_worker/repositories/status.py generia_worker/repositories/steps.py ./generia_worker/repositories/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/characters.py \
     generia_worker/rpc/errors.py generia_worker/rpc/media.py generia_worker/rpc/posts.py \
     generia_worker/rpc/wire.py generia_worker/rpc/worlds.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY prompts/__init__.py prompts/answer_schema.j2 prompts/cast_characters.j2 prompts/create_character.j2 \
     prompts/describe_world.j2 prompts/draw_picture.j2 prompts/illustrate_world.j2 prompts/plan_posts.j2 \
     prompts/reask.j2 prompts/write_post.j2 ./prompts/
COPY tasks/__init__.py tasks/base.py tasks/characters.py tasks/maintenance.py tasks/pipeline.py tasks/posts.py \
     tasks/progress.py tasks/world.py ./tasks/
ENTRYPOINT ["python", "-m", "generia_worker.parts.flower"]
