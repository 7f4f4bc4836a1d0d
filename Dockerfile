# Made by: python -m tests.make_dockerfile
# One stage a process. Each copies what its process imports and no more: a change rebuilds the images that it concerns.

FROM python:3.11.11-slim-bookworm AS python
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Threads under Python's lock need no heap each.
ENV MALLOC_ARENA_MAX=2

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
COPY generia_worker/__init__.py generia_worker/errors.py generia_worker/text.py ./generia_worker/
COPY generia_worker/api/__init__.py generia_worker/api/app.py generia_worker/api/controls.py \
     generia_worker/api/docs.py generia_worker/api/events.py generia_worker/api/live.py \
     generia_worker/api/metrics.py generia_worker/api/ordering.py generia_worker/api/paths.py \
     generia_worker/api/server.py ./generia_worker/api/
COPY generia_worker/app/__init__.py generia_worker/app/celery_app.py generia_worker/app/container.py \
     generia_worker/app/enqueue.py generia_worker/app/exporter.py generia_worker/app/task_events.py \
     generia_worker/app/transport.py ./generia_worker/app/
COPY generia_worker/billing/__init__.py generia_worker/billing/allowances.py generia_worker/billing/bills.py \
     generia_worker/billing/calls.py generia_worker/billing/estimate.py generia_worker/billing/holds.py \
     generia_worker/billing/prices.py generia_worker/billing/requests.py generia_worker/billing/slots.py \
     ./generia_worker/billing/
COPY generia_worker/client/__init__.py generia_worker/client/allowance.py generia_worker/client/estimate.py \
     generia_worker/client/order.py generia_worker/client/receipt.py generia_worker/client/status.py \
     ./generia_worker/client/
COPY generia_worker/engine/__init__.py generia_worker/engine/generations.py generia_worker/engine/leases.py \
     generia_worker/engine/ledger.py generia_worker/engine/owners.py generia_worker/engine/queues.py \
     generia_worker/engine/recovery.py generia_worker/engine/results.py generia_worker/engine/retry.py \
     generia_worker/engine/specs.py generia_worker/engine/step.py generia_worker/engine/step_rows.py \
     generia_worker/engine/watermarks.py ./generia_worker/engine/
COPY generia_worker/http/__init__.py generia_worker/http/addresses.py generia_worker/http/bodies.py \
     generia_worker/http/connections.py generia_worker/http/paths.py generia_worker/http/problems.py \
     generia_worker/http/sse.py generia_worker/http/streams.py ./generia_worker/http/
COPY generia_worker/observability/__init__.py generia_worker/observability/logs.py \
     generia_worker/observability/metric_files.py generia_worker/observability/metrics.py \
     generia_worker/observability/tracing.py ./generia_worker/observability/
COPY generia_worker/processes/__init__.py generia_worker/processes/api.py generia_worker/processes/health.py \
     generia_worker/processes/health_checks.py ./generia_worker/processes/
COPY generia_worker/providers/__init__.py generia_worker/providers/dialects.py generia_worker/providers/http.py \
     generia_worker/providers/images.py generia_worker/providers/llm.py generia_worker/providers/refusals.py \
     generia_worker/providers/usage.py ./generia_worker/providers/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/character_client.py \
     generia_worker/rpc/media_client.py generia_worker/rpc/media_types.py generia_worker/rpc/post_client.py \
     generia_worker/rpc/status_codes.py generia_worker/rpc/users.py generia_worker/rpc/wire.py \
     generia_worker/rpc/world_client.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY generia_worker/settings/__init__.py generia_worker/settings/secret_files.py \
     generia_worker/settings/settings.py generia_worker/settings/types.py ./generia_worker/settings/
COPY generia_worker/status/__init__.py generia_worker/status/changes.py generia_worker/status/forecast.py \
     generia_worker/status/projection.py generia_worker/status/refresh.py generia_worker/status/stages.py \
     ./generia_worker/status/
COPY generia_worker/storage/__init__.py generia_worker/storage/cache.py generia_worker/storage/database.py \
     generia_worker/storage/mongo.py generia_worker/storage/mongo_check.py generia_worker/storage/parameters.py \
     ./generia_worker/storage/
COPY generia_worker/worlds/__init__.py generia_worker/worlds/context.py generia_worker/worlds/control.py \
     generia_worker/worlds/documents.py generia_worker/worlds/results.py generia_worker/worlds/steps.py \
     generia_worker/worlds/templates.py ./generia_worker/worlds/
COPY prompts/__init__.py prompts/answer_schema.j2 prompts/cast_characters.j2 prompts/create_character.j2 \
     prompts/describe_world.j2 prompts/draw_picture.j2 prompts/illustrate_world.j2 prompts/plan_posts.j2 \
     prompts/reask.j2 prompts/write_post.j2 ./prompts/
ENTRYPOINT ["python", "-m", "generia_worker.processes.api"]

FROM base AS gateway
COPY generia_worker/__init__.py generia_worker/errors.py generia_worker/text.py ./generia_worker/
COPY generia_worker/billing/__init__.py generia_worker/billing/allowances.py ./generia_worker/billing/
COPY generia_worker/client/__init__.py generia_worker/client/allowance.py generia_worker/client/estimate.py \
     generia_worker/client/order.py generia_worker/client/receipt.py generia_worker/client/status.py \
     ./generia_worker/client/
COPY generia_worker/gateway/__init__.py generia_worker/gateway/account_routes.py \
     generia_worker/gateway/accounts.py generia_worker/gateway/app.py generia_worker/gateway/auth.py \
     generia_worker/gateway/content_routes.py generia_worker/gateway/dependencies.py \
     generia_worker/gateway/error_handlers.py generia_worker/gateway/export.py \
     generia_worker/gateway/languages.py generia_worker/gateway/models.py \
     generia_worker/gateway/password_queue.py generia_worker/gateway/rate_limits.py \
     generia_worker/gateway/reasons.py generia_worker/gateway/route_parameters.py \
     generia_worker/gateway/security_headers.py generia_worker/gateway/server.py \
     generia_worker/gateway/static_files.py generia_worker/gateway/stream_places.py \
     generia_worker/gateway/stream_routes.py generia_worker/gateway/tokens.py generia_worker/gateway/upstream.py \
     generia_worker/gateway/usernames.py generia_worker/gateway/world_routes.py ./generia_worker/gateway/
COPY generia_worker/gateway/export_page/__init__.py generia_worker/gateway/export_page/export.css \
     generia_worker/gateway/export_page/export.js generia_worker/gateway/export_page/index.html.j2 \
     generia_worker/gateway/export_page/texts.py ./generia_worker/gateway/export_page/
COPY generia_worker/http/__init__.py generia_worker/http/addresses.py generia_worker/http/bodies.py \
     generia_worker/http/connections.py generia_worker/http/paths.py generia_worker/http/problems.py \
     generia_worker/http/sse.py generia_worker/http/streams.py ./generia_worker/http/
COPY generia_worker/observability/__init__.py generia_worker/observability/logs.py \
     generia_worker/observability/tracing.py ./generia_worker/observability/
COPY generia_worker/processes/__init__.py generia_worker/processes/gateway.py generia_worker/processes/health.py \
     generia_worker/processes/health_checks.py generia_worker/processes/users.py ./generia_worker/processes/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/character_client.py \
     generia_worker/rpc/connections.py generia_worker/rpc/media_client.py generia_worker/rpc/media_types.py \
     generia_worker/rpc/post_client.py generia_worker/rpc/status_codes.py generia_worker/rpc/users.py \
     generia_worker/rpc/wire.py generia_worker/rpc/world_client.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY generia_worker/settings/__init__.py generia_worker/settings/secret_files.py \
     generia_worker/settings/settings.py generia_worker/settings/types.py ./generia_worker/settings/
COPY generia_worker/storage/__init__.py generia_worker/storage/database.py generia_worker/storage/mongo.py \
     generia_worker/storage/mongo_check.py ./generia_worker/storage/
COPY generia_worker/web/favicon.ico generia_worker/web/favicon.svg generia_worker/web/index.html \
     ./generia_worker/web/
COPY generia_worker/web/css/base.css generia_worker/web/css/pages.css generia_worker/web/css/world.css \
     ./generia_worker/web/css/
COPY generia_worker/web/js/about.js generia_worker/web/js/account.js generia_worker/web/js/api.js \
     generia_worker/web/js/create.js generia_worker/web/js/dom.js generia_worker/web/js/draft.js \
     generia_worker/web/js/failures.js generia_worker/web/js/feed.js generia_worker/web/js/forms.js \
     generia_worker/web/js/formulas.js generia_worker/web/js/frame.js generia_worker/web/js/images.js \
     generia_worker/web/js/language.js generia_worker/web/js/login.js generia_worker/web/js/main.js \
     generia_worker/web/js/panel.js generia_worker/web/js/people.js generia_worker/web/js/post.js \
     generia_worker/web/js/receipt.js generia_worker/web/js/router.js generia_worker/web/js/slider.js \
     generia_worker/web/js/stream.js generia_worker/web/js/strip.js generia_worker/web/js/texts.js \
     generia_worker/web/js/timeleft.js generia_worker/web/js/world.js generia_worker/web/js/worlds.js \
     ./generia_worker/web/js/
COPY generia_worker/web/texts/en.json generia_worker/web/texts/ru.json ./generia_worker/web/texts/
COPY generia_worker/web/vendor/temml/LICENSE.txt generia_worker/web/vendor/temml/ORIGIN.txt \
     generia_worker/web/vendor/temml/temml.min.js ./generia_worker/web/vendor/temml/
ENTRYPOINT ["python", "-m", "generia_worker.processes.gateway"]

FROM base AS world
COPY generia_worker/__init__.py generia_worker/errors.py generia_worker/text.py ./generia_worker/
COPY generia_worker/client/__init__.py generia_worker/client/allowance.py generia_worker/client/client.py \
     generia_worker/client/estimate.py generia_worker/client/order.py generia_worker/client/receipt.py \
     generia_worker/client/status.py ./generia_worker/client/
COPY generia_worker/http/__init__.py generia_worker/http/sse.py ./generia_worker/http/
COPY generia_worker/observability/__init__.py generia_worker/observability/logs.py \
     generia_worker/observability/tracing.py ./generia_worker/observability/
COPY generia_worker/processes/__init__.py generia_worker/processes/health.py \
     generia_worker/processes/health_checks.py generia_worker/processes/world.py ./generia_worker/processes/
COPY generia_worker/reference/__init__.py generia_worker/reference/base_service.py \
     generia_worker/reference/facts.py generia_worker/reference/idempotency.py \
     generia_worker/reference/interceptor.py generia_worker/reference/lookups.py \
     generia_worker/reference/resources.py generia_worker/reference/server.py \
     generia_worker/reference/signed_urls.py generia_worker/reference/validation.py ./generia_worker/reference/
COPY generia_worker/reference/world/__init__.py generia_worker/reference/world/generation_status.py \
     generia_worker/reference/world/orders.py generia_worker/reference/world/world_service.py \
     ./generia_worker/reference/world/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/media_types.py \
     generia_worker/rpc/users.py generia_worker/rpc/wire.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY generia_worker/settings/__init__.py generia_worker/settings/secret_files.py \
     generia_worker/settings/settings.py generia_worker/settings/types.py ./generia_worker/settings/
COPY generia_worker/storage/__init__.py generia_worker/storage/cache.py generia_worker/storage/mongo.py \
     generia_worker/storage/mongo_check.py ./generia_worker/storage/
ENTRYPOINT ["python", "-m", "generia_worker.processes.world"]

FROM base AS character
COPY generia_worker/__init__.py generia_worker/errors.py generia_worker/text.py ./generia_worker/
COPY generia_worker/observability/__init__.py generia_worker/observability/logs.py \
     generia_worker/observability/tracing.py ./generia_worker/observability/
COPY generia_worker/processes/__init__.py generia_worker/processes/character.py \
     generia_worker/processes/health.py generia_worker/processes/health_checks.py ./generia_worker/processes/
COPY generia_worker/reference/__init__.py generia_worker/reference/base_service.py \
     generia_worker/reference/facts.py generia_worker/reference/idempotency.py \
     generia_worker/reference/interceptor.py generia_worker/reference/lookups.py \
     generia_worker/reference/resources.py generia_worker/reference/server.py \
     generia_worker/reference/signed_urls.py generia_worker/reference/validation.py ./generia_worker/reference/
COPY generia_worker/reference/character/__init__.py generia_worker/reference/character/character_service.py \
     ./generia_worker/reference/character/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/media_types.py \
     generia_worker/rpc/users.py generia_worker/rpc/wire.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY generia_worker/settings/__init__.py generia_worker/settings/secret_files.py \
     generia_worker/settings/settings.py generia_worker/settings/types.py ./generia_worker/settings/
COPY generia_worker/storage/__init__.py generia_worker/storage/cache.py generia_worker/storage/mongo.py \
     generia_worker/storage/mongo_check.py ./generia_worker/storage/
ENTRYPOINT ["python", "-m", "generia_worker.processes.character"]

FROM base AS post
COPY generia_worker/__init__.py generia_worker/errors.py generia_worker/text.py ./generia_worker/
COPY generia_worker/observability/__init__.py generia_worker/observability/logs.py \
     generia_worker/observability/tracing.py ./generia_worker/observability/
COPY generia_worker/processes/__init__.py generia_worker/processes/health.py \
     generia_worker/processes/health_checks.py generia_worker/processes/post.py ./generia_worker/processes/
COPY generia_worker/reference/__init__.py generia_worker/reference/base_service.py \
     generia_worker/reference/facts.py generia_worker/reference/idempotency.py \
     generia_worker/reference/interceptor.py generia_worker/reference/lookups.py \
     generia_worker/reference/resources.py generia_worker/reference/server.py \
     generia_worker/reference/signed_urls.py generia_worker/reference/validation.py ./generia_worker/reference/
COPY generia_worker/reference/post/__init__.py generia_worker/reference/post/post_service.py \
     ./generia_worker/reference/post/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/media_types.py \
     generia_worker/rpc/users.py generia_worker/rpc/wire.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY generia_worker/settings/__init__.py generia_worker/settings/secret_files.py \
     generia_worker/settings/settings.py generia_worker/settings/types.py ./generia_worker/settings/
COPY generia_worker/storage/__init__.py generia_worker/storage/cache.py generia_worker/storage/mongo.py \
     generia_worker/storage/mongo_check.py ./generia_worker/storage/
ENTRYPOINT ["python", "-m", "generia_worker.processes.post"]

FROM base AS media
COPY generia_worker/__init__.py generia_worker/errors.py generia_worker/text.py ./generia_worker/
COPY generia_worker/observability/__init__.py generia_worker/observability/logs.py \
     generia_worker/observability/tracing.py ./generia_worker/observability/
COPY generia_worker/processes/__init__.py generia_worker/processes/health.py \
     generia_worker/processes/health_checks.py generia_worker/processes/media.py ./generia_worker/processes/
COPY generia_worker/reference/__init__.py generia_worker/reference/base_service.py \
     generia_worker/reference/facts.py generia_worker/reference/idempotency.py \
     generia_worker/reference/interceptor.py generia_worker/reference/lookups.py \
     generia_worker/reference/resources.py generia_worker/reference/server.py \
     generia_worker/reference/signed_urls.py generia_worker/reference/validation.py ./generia_worker/reference/
COPY generia_worker/reference/media/__init__.py generia_worker/reference/media/bucket.py \
     generia_worker/reference/media/media_service.py generia_worker/reference/media/pictures.py \
     ./generia_worker/reference/media/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/media_types.py \
     generia_worker/rpc/users.py generia_worker/rpc/wire.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY generia_worker/settings/__init__.py generia_worker/settings/secret_files.py \
     generia_worker/settings/settings.py generia_worker/settings/types.py ./generia_worker/settings/
COPY generia_worker/storage/__init__.py generia_worker/storage/cache.py generia_worker/storage/mongo.py \
     generia_worker/storage/mongo_check.py ./generia_worker/storage/
ENTRYPOINT ["python", "-m", "generia_worker.processes.media"]

FROM base AS simulator
COPY generia_worker/__init__.py generia_worker/errors.py generia_worker/text.py ./generia_worker/
COPY generia_worker/http/__init__.py generia_worker/http/addresses.py ./generia_worker/http/
COPY generia_worker/observability/__init__.py generia_worker/observability/logs.py \
     generia_worker/observability/tracing.py ./generia_worker/observability/
COPY generia_worker/processes/__init__.py generia_worker/processes/health.py \
     generia_worker/processes/health_checks.py generia_worker/processes/simulator.py ./generia_worker/processes/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/wire.py \
     ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY generia_worker/settings/__init__.py generia_worker/settings/secret_files.py \
     generia_worker/settings/settings.py generia_worker/settings/types.py ./generia_worker/settings/
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
     generia_worker/simulator/drawing/scene.py generia_worker/simulator/drawing/shapes.py \
     generia_worker/simulator/drawing/stage.py generia_worker/simulator/drawing/symbols.py \
     generia_worker/simulator/drawing/symbols.toml generia_worker/simulator/drawing/symbols_calculated.py \
     generia_worker/simulator/drawing/view.py generia_worker/simulator/drawing/wardrobe.py \
     generia_worker/simulator/drawing/words.py ./generia_worker/simulator/drawing/
COPY generia_worker/simulator/vocabulary/__init__.py generia_worker/simulator/vocabulary/en.toml \
     generia_worker/simulator/vocabulary/loader.py generia_worker/simulator/vocabulary/ru.toml \
     generia_worker/simulator/vocabulary/types.py ./generia_worker/simulator/vocabulary/
COPY generia_worker/simulator/writing/__init__.py generia_worker/simulator/writing/context.py \
     generia_worker/simulator/writing/gist.py generia_worker/simulator/writing/people.py \
     generia_worker/simulator/writing/posts.py generia_worker/simulator/writing/shapes.py \
     generia_worker/simulator/writing/template.py generia_worker/simulator/writing/visuals.py \
     generia_worker/simulator/writing/world.py ./generia_worker/simulator/writing/
ENTRYPOINT ["python", "-m", "generia_worker.processes.simulator"]

FROM base AS worker
COPY celeryconfig.py ./
COPY generia_worker/__init__.py generia_worker/errors.py generia_worker/text.py ./generia_worker/
COPY generia_worker/app/__init__.py generia_worker/app/celery_app.py generia_worker/app/container.py \
     generia_worker/app/enqueue.py generia_worker/app/predecessors.py generia_worker/app/task_events.py \
     generia_worker/app/transport.py ./generia_worker/app/
COPY generia_worker/billing/__init__.py generia_worker/billing/allowances.py generia_worker/billing/bills.py \
     generia_worker/billing/calls.py generia_worker/billing/estimate.py generia_worker/billing/holds.py \
     generia_worker/billing/prices.py generia_worker/billing/requests.py generia_worker/billing/slots.py \
     ./generia_worker/billing/
COPY generia_worker/client/__init__.py generia_worker/client/allowance.py generia_worker/client/estimate.py \
     generia_worker/client/order.py generia_worker/client/receipt.py generia_worker/client/status.py \
     ./generia_worker/client/
COPY generia_worker/engine/__init__.py generia_worker/engine/generations.py generia_worker/engine/leases.py \
     generia_worker/engine/ledger.py generia_worker/engine/owners.py generia_worker/engine/queues.py \
     generia_worker/engine/recovery.py generia_worker/engine/results.py generia_worker/engine/retry.py \
     generia_worker/engine/specs.py generia_worker/engine/step.py generia_worker/engine/step_rows.py \
     generia_worker/engine/watermarks.py ./generia_worker/engine/
COPY generia_worker/observability/__init__.py generia_worker/observability/logs.py \
     generia_worker/observability/metric_files.py generia_worker/observability/metrics.py \
     generia_worker/observability/tracing.py ./generia_worker/observability/
COPY generia_worker/processes/__init__.py generia_worker/processes/celery_program.py \
     generia_worker/processes/health.py generia_worker/processes/health_checks.py \
     generia_worker/processes/worker.py ./generia_worker/processes/
COPY generia_worker/providers/__init__.py generia_worker/providers/answers.py \
     generia_worker/providers/dialects.py generia_worker/providers/http.py generia_worker/providers/images.py \
     generia_worker/providers/latex.py generia_worker/providers/llm.py generia_worker/providers/refusals.py \
     generia_worker/providers/schema.py generia_worker/providers/usage.py ./generia_worker/providers/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/character_client.py \
     generia_worker/rpc/media_client.py generia_worker/rpc/media_types.py generia_worker/rpc/post_client.py \
     generia_worker/rpc/status_codes.py generia_worker/rpc/users.py generia_worker/rpc/wire.py \
     generia_worker/rpc/world_client.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY generia_worker/settings/__init__.py generia_worker/settings/secret_files.py \
     generia_worker/settings/settings.py generia_worker/settings/types.py ./generia_worker/settings/
COPY generia_worker/status/__init__.py generia_worker/status/changes.py generia_worker/status/forecast.py \
     generia_worker/status/projection.py generia_worker/status/refresh.py generia_worker/status/stages.py \
     ./generia_worker/status/
COPY generia_worker/storage/__init__.py generia_worker/storage/cache.py generia_worker/storage/database.py \
     generia_worker/storage/migrations.py generia_worker/storage/mongo.py generia_worker/storage/mongo_check.py \
     generia_worker/storage/parameters.py ./generia_worker/storage/
COPY generia_worker/worlds/__init__.py generia_worker/worlds/cast.py generia_worker/worlds/characters.py \
     generia_worker/worlds/context.py generia_worker/worlds/control.py generia_worker/worlds/dates.py \
     generia_worker/worlds/documents.py generia_worker/worlds/generate.py generia_worker/worlds/media.py \
     generia_worker/worlds/posts.py generia_worker/worlds/prompt_context.py generia_worker/worlds/results.py \
     generia_worker/worlds/steps.py generia_worker/worlds/templates.py generia_worker/worlds/world.py \
     ./generia_worker/worlds/
COPY prompts/__init__.py prompts/answer_schema.j2 prompts/cast_characters.j2 prompts/create_character.j2 \
     prompts/describe_world.j2 prompts/draw_picture.j2 prompts/illustrate_world.j2 prompts/plan_posts.j2 \
     prompts/reask.j2 prompts/write_post.j2 ./prompts/
COPY tasks/__init__.py tasks/base.py tasks/characters.py tasks/maintenance.py tasks/pipeline.py tasks/posts.py \
     tasks/progress.py tasks/world.py ./tasks/
ENTRYPOINT ["python", "-m", "generia_worker.processes.worker"]

FROM base AS beat
COPY celeryconfig.py ./
COPY generia_worker/__init__.py generia_worker/errors.py generia_worker/text.py ./generia_worker/
COPY generia_worker/app/__init__.py generia_worker/app/celery_app.py generia_worker/app/container.py \
     generia_worker/app/enqueue.py generia_worker/app/task_events.py generia_worker/app/transport.py \
     ./generia_worker/app/
COPY generia_worker/billing/__init__.py generia_worker/billing/allowances.py generia_worker/billing/bills.py \
     generia_worker/billing/calls.py generia_worker/billing/estimate.py generia_worker/billing/holds.py \
     generia_worker/billing/prices.py generia_worker/billing/requests.py generia_worker/billing/slots.py \
     ./generia_worker/billing/
COPY generia_worker/client/__init__.py generia_worker/client/allowance.py generia_worker/client/estimate.py \
     generia_worker/client/order.py generia_worker/client/receipt.py generia_worker/client/status.py \
     ./generia_worker/client/
COPY generia_worker/engine/__init__.py generia_worker/engine/generations.py generia_worker/engine/leases.py \
     generia_worker/engine/ledger.py generia_worker/engine/owners.py generia_worker/engine/queues.py \
     generia_worker/engine/recovery.py generia_worker/engine/results.py generia_worker/engine/retry.py \
     generia_worker/engine/specs.py generia_worker/engine/step.py generia_worker/engine/step_rows.py \
     generia_worker/engine/watermarks.py ./generia_worker/engine/
COPY generia_worker/observability/__init__.py generia_worker/observability/logs.py \
     generia_worker/observability/metric_files.py generia_worker/observability/metrics.py \
     generia_worker/observability/tracing.py ./generia_worker/observability/
COPY generia_worker/processes/__init__.py generia_worker/processes/beat.py \
     generia_worker/processes/celery_program.py generia_worker/processes/health.py \
     generia_worker/processes/health_checks.py generia_worker/processes/scheduler.py ./generia_worker/processes/
COPY generia_worker/providers/__init__.py generia_worker/providers/answers.py \
     generia_worker/providers/dialects.py generia_worker/providers/http.py generia_worker/providers/images.py \
     generia_worker/providers/latex.py generia_worker/providers/llm.py generia_worker/providers/refusals.py \
     generia_worker/providers/schema.py generia_worker/providers/usage.py ./generia_worker/providers/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/character_client.py \
     generia_worker/rpc/media_client.py generia_worker/rpc/media_types.py generia_worker/rpc/post_client.py \
     generia_worker/rpc/status_codes.py generia_worker/rpc/users.py generia_worker/rpc/wire.py \
     generia_worker/rpc/world_client.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY generia_worker/settings/__init__.py generia_worker/settings/secret_files.py \
     generia_worker/settings/settings.py generia_worker/settings/types.py ./generia_worker/settings/
COPY generia_worker/status/__init__.py generia_worker/status/changes.py generia_worker/status/forecast.py \
     generia_worker/status/projection.py generia_worker/status/refresh.py generia_worker/status/stages.py \
     ./generia_worker/status/
COPY generia_worker/storage/__init__.py generia_worker/storage/cache.py generia_worker/storage/database.py \
     generia_worker/storage/migrations.py generia_worker/storage/mongo.py generia_worker/storage/mongo_check.py \
     generia_worker/storage/parameters.py ./generia_worker/storage/
COPY generia_worker/worlds/__init__.py generia_worker/worlds/cast.py generia_worker/worlds/characters.py \
     generia_worker/worlds/context.py generia_worker/worlds/control.py generia_worker/worlds/dates.py \
     generia_worker/worlds/documents.py generia_worker/worlds/generate.py generia_worker/worlds/media.py \
     generia_worker/worlds/posts.py generia_worker/worlds/prompt_context.py generia_worker/worlds/results.py \
     generia_worker/worlds/steps.py generia_worker/worlds/templates.py generia_worker/worlds/world.py \
     ./generia_worker/worlds/
COPY prompts/__init__.py prompts/answer_schema.j2 prompts/cast_characters.j2 prompts/create_character.j2 \
     prompts/describe_world.j2 prompts/draw_picture.j2 prompts/illustrate_world.j2 prompts/plan_posts.j2 \
     prompts/reask.j2 prompts/write_post.j2 ./prompts/
COPY tasks/__init__.py tasks/base.py tasks/characters.py tasks/maintenance.py tasks/pipeline.py tasks/posts.py \
     tasks/progress.py tasks/world.py ./tasks/
ENTRYPOINT ["python", "-m", "generia_worker.processes.beat"]

FROM base AS exporter
COPY generia_worker/__init__.py generia_worker/errors.py generia_worker/text.py ./generia_worker/
COPY generia_worker/app/__init__.py generia_worker/app/container.py generia_worker/app/exporter.py \
     ./generia_worker/app/
COPY generia_worker/billing/__init__.py generia_worker/billing/allowances.py generia_worker/billing/bills.py \
     generia_worker/billing/calls.py generia_worker/billing/estimate.py generia_worker/billing/holds.py \
     generia_worker/billing/prices.py generia_worker/billing/requests.py generia_worker/billing/slots.py \
     ./generia_worker/billing/
COPY generia_worker/client/__init__.py generia_worker/client/allowance.py generia_worker/client/estimate.py \
     generia_worker/client/order.py generia_worker/client/receipt.py generia_worker/client/status.py \
     ./generia_worker/client/
COPY generia_worker/engine/__init__.py generia_worker/engine/generations.py generia_worker/engine/leases.py \
     generia_worker/engine/ledger.py generia_worker/engine/owners.py generia_worker/engine/queues.py \
     generia_worker/engine/recovery.py generia_worker/engine/results.py generia_worker/engine/retry.py \
     generia_worker/engine/specs.py generia_worker/engine/step.py generia_worker/engine/step_rows.py \
     generia_worker/engine/watermarks.py ./generia_worker/engine/
COPY generia_worker/http/__init__.py generia_worker/http/addresses.py ./generia_worker/http/
COPY generia_worker/observability/__init__.py generia_worker/observability/logs.py \
     generia_worker/observability/metric_files.py generia_worker/observability/metrics.py \
     generia_worker/observability/tracing.py ./generia_worker/observability/
COPY generia_worker/processes/__init__.py generia_worker/processes/exporter.py \
     generia_worker/processes/health.py generia_worker/processes/health_checks.py ./generia_worker/processes/
COPY generia_worker/providers/__init__.py generia_worker/providers/dialects.py generia_worker/providers/http.py \
     generia_worker/providers/images.py generia_worker/providers/llm.py generia_worker/providers/refusals.py \
     generia_worker/providers/usage.py ./generia_worker/providers/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/character_client.py \
     generia_worker/rpc/media_client.py generia_worker/rpc/media_types.py generia_worker/rpc/post_client.py \
     generia_worker/rpc/status_codes.py generia_worker/rpc/users.py generia_worker/rpc/wire.py \
     generia_worker/rpc/world_client.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY generia_worker/settings/__init__.py generia_worker/settings/secret_files.py \
     generia_worker/settings/settings.py generia_worker/settings/types.py ./generia_worker/settings/
COPY generia_worker/status/__init__.py generia_worker/status/changes.py generia_worker/status/forecast.py \
     generia_worker/status/projection.py generia_worker/status/refresh.py generia_worker/status/stages.py \
     ./generia_worker/status/
COPY generia_worker/storage/__init__.py generia_worker/storage/cache.py generia_worker/storage/database.py \
     generia_worker/storage/mongo.py generia_worker/storage/mongo_check.py generia_worker/storage/parameters.py \
     ./generia_worker/storage/
COPY generia_worker/worlds/__init__.py generia_worker/worlds/context.py generia_worker/worlds/control.py \
     generia_worker/worlds/documents.py generia_worker/worlds/results.py generia_worker/worlds/steps.py \
     generia_worker/worlds/templates.py ./generia_worker/worlds/
COPY prompts/__init__.py prompts/answer_schema.j2 prompts/cast_characters.j2 prompts/create_character.j2 \
     prompts/describe_world.j2 prompts/draw_picture.j2 prompts/illustrate_world.j2 prompts/plan_posts.j2 \
     prompts/reask.j2 prompts/write_post.j2 ./prompts/
ENTRYPOINT ["python", "-m", "generia_worker.processes.exporter"]

FROM base AS flower
COPY celeryconfig.py ./
COPY generia_worker/__init__.py generia_worker/errors.py generia_worker/text.py ./generia_worker/
COPY generia_worker/app/__init__.py generia_worker/app/celery_app.py generia_worker/app/container.py \
     generia_worker/app/enqueue.py generia_worker/app/task_events.py generia_worker/app/transport.py \
     ./generia_worker/app/
COPY generia_worker/billing/__init__.py generia_worker/billing/allowances.py generia_worker/billing/bills.py \
     generia_worker/billing/calls.py generia_worker/billing/estimate.py generia_worker/billing/holds.py \
     generia_worker/billing/prices.py generia_worker/billing/requests.py generia_worker/billing/slots.py \
     ./generia_worker/billing/
COPY generia_worker/client/__init__.py generia_worker/client/allowance.py generia_worker/client/estimate.py \
     generia_worker/client/order.py generia_worker/client/receipt.py generia_worker/client/status.py \
     ./generia_worker/client/
COPY generia_worker/engine/__init__.py generia_worker/engine/generations.py generia_worker/engine/leases.py \
     generia_worker/engine/ledger.py generia_worker/engine/owners.py generia_worker/engine/queues.py \
     generia_worker/engine/recovery.py generia_worker/engine/results.py generia_worker/engine/retry.py \
     generia_worker/engine/specs.py generia_worker/engine/step.py generia_worker/engine/step_rows.py \
     generia_worker/engine/watermarks.py ./generia_worker/engine/
COPY generia_worker/http/__init__.py generia_worker/http/addresses.py ./generia_worker/http/
COPY generia_worker/observability/__init__.py generia_worker/observability/logs.py \
     generia_worker/observability/metric_files.py generia_worker/observability/metrics.py \
     generia_worker/observability/tracing.py ./generia_worker/observability/
COPY generia_worker/processes/__init__.py generia_worker/processes/flower.py \
     generia_worker/processes/flower_app.py generia_worker/processes/health.py \
     generia_worker/processes/health_checks.py ./generia_worker/processes/
COPY generia_worker/providers/__init__.py generia_worker/providers/answers.py \
     generia_worker/providers/dialects.py generia_worker/providers/http.py generia_worker/providers/images.py \
     generia_worker/providers/latex.py generia_worker/providers/llm.py generia_worker/providers/refusals.py \
     generia_worker/providers/schema.py generia_worker/providers/usage.py ./generia_worker/providers/
COPY generia_worker/rpc/__init__.py generia_worker/rpc/channel.py generia_worker/rpc/character_client.py \
     generia_worker/rpc/media_client.py generia_worker/rpc/media_types.py generia_worker/rpc/post_client.py \
     generia_worker/rpc/status_codes.py generia_worker/rpc/users.py generia_worker/rpc/wire.py \
     generia_worker/rpc/world_client.py ./generia_worker/rpc/
COPY generia_worker/rpc/stubs/__init__.py generia_worker/rpc/stubs/character_pb2.py \
     generia_worker/rpc/stubs/character_pb2_grpc.py generia_worker/rpc/stubs/media_pb2.py \
     generia_worker/rpc/stubs/media_pb2_grpc.py generia_worker/rpc/stubs/post_pb2.py \
     generia_worker/rpc/stubs/post_pb2_grpc.py generia_worker/rpc/stubs/world_pb2.py \
     generia_worker/rpc/stubs/world_pb2_grpc.py ./generia_worker/rpc/stubs/
COPY generia_worker/settings/__init__.py generia_worker/settings/secret_files.py \
     generia_worker/settings/settings.py generia_worker/settings/types.py ./generia_worker/settings/
COPY generia_worker/status/__init__.py generia_worker/status/changes.py generia_worker/status/forecast.py \
     generia_worker/status/projection.py generia_worker/status/refresh.py generia_worker/status/stages.py \
     ./generia_worker/status/
COPY generia_worker/storage/__init__.py generia_worker/storage/cache.py generia_worker/storage/database.py \
     generia_worker/storage/mongo.py generia_worker/storage/mongo_check.py generia_worker/storage/parameters.py \
     ./generia_worker/storage/
COPY generia_worker/worlds/__init__.py generia_worker/worlds/cast.py generia_worker/worlds/characters.py \
     generia_worker/worlds/context.py generia_worker/worlds/control.py generia_worker/worlds/dates.py \
     generia_worker/worlds/documents.py generia_worker/worlds/generate.py generia_worker/worlds/media.py \
     generia_worker/worlds/posts.py generia_worker/worlds/prompt_context.py generia_worker/worlds/results.py \
     generia_worker/worlds/steps.py generia_worker/worlds/templates.py generia_worker/worlds/world.py \
     ./generia_worker/worlds/
COPY prompts/__init__.py prompts/answer_schema.j2 prompts/cast_characters.j2 prompts/create_character.j2 \
     prompts/describe_world.j2 prompts/draw_picture.j2 prompts/illustrate_world.j2 prompts/plan_posts.j2 \
     prompts/reask.j2 prompts/write_post.j2 ./prompts/
COPY tasks/__init__.py tasks/base.py tasks/characters.py tasks/maintenance.py tasks/pipeline.py tasks/posts.py \
     tasks/progress.py tasks/world.py ./tasks/
ENTRYPOINT ["python", "-m", "generia_worker.processes.flower"]
