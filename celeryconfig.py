"""Celery's settings: broker, queues, acknowledgement, schedule. What each value protects from stands beside it."""

from __future__ import annotations

from kombu import Queue

from generia_worker.app.result_backend import ChordBackend
from generia_worker.engine.queues import QUEUES, SERVICES
from generia_worker.settings import get_settings
from generia_worker.worlds.steps import STEPS

_settings = get_settings()

# --- broker ----------------------------------------------------------------------------------------------------
broker_url = _settings.redis_url.get_secret_value()
broker_connection_retry_on_startup = True
# Redis may be away for as long as it likes: workers wait for it.
broker_connection_max_retries = None
# Starting a chord holds one producer while it takes another: below twice the threads, all threads wait for ever.
broker_pool_limit = 2 * _settings.worker_threads + 16
broker_transport_options = {
    # No priorities: one list in Redis for each queue, not four.
    "priority_steps": [0],
    # The queues are taken in turn: that is what shares a provider out among its priority bands.
    "queue_order_strategy": "round_robin",
    # A message that was taken and not acknowledged comes back after this; above the longest step.
    "visibility_timeout": _settings.visibility_timeout_s,
    # How often workers look for such messages: the defaults would find them after 100 s.
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # kombu's own default is to wait for ever.
    "socket_timeout": _settings.redis_timeout_s,
    "socket_connect_timeout": _settings.redis_timeout_s,
    "socket_keepalive": True,
    "health_check_interval": 25,
}

# --- results: none is kept, the backend only counts the parts of chords --------------------------------------------
task_ignore_result = True
result_backend = f"{ChordBackend.__module__}:{ChordBackend.__name__}+{broker_url}"
result_expires = 24 * 3600
result_backend_always_retry = True
result_backend_max_retries = 50
redis_socket_timeout = _settings.redis_timeout_s
redis_socket_connect_timeout = _settings.redis_timeout_s
redis_socket_keepalive = True
redis_backend_health_check_interval = 25
result_chord_retry_interval = 1.0

# --- tasks ------------------------------------------------------------------------------------------------------
imports = (
    "tasks.world",
    "tasks.characters",
    "tasks.posts",
    "tasks.reactions",
    "tasks.progress",
    "tasks.maintenance",
)
task_acks_late = True
task_reject_on_worker_lost = True
task_serializer = "json"
result_serializer = "json"
accept_content = ["json"]
task_default_queue = SERVICES
task_create_missing_queues = False
task_queues = [Queue(name) for name in QUEUES]
task_routes = STEPS.routes | {
    "tasks.progress.*": {"queue": "progress"},
    "tasks.maintenance.*": {"queue": "maintenance"},
}
task_publish_retry_policy = {
    "max_retries": 10,
    "interval_start": 0.1,
    "interval_step": 0.5,
    "interval_max": 3,
}

# --- workers ----------------------------------------------------------------------------------------------------
worker_prefetch_multiplier = 1
worker_concurrency = _settings.worker_threads
# Finding successful duplicates by task id makes chords hang; the ledger does it.
worker_deduplicate_successful_tasks = False
worker_send_task_events = True
# One more message for each message; Flower shows a task from the moment that a worker has it.
task_send_sent_event = False
worker_cancel_long_running_tasks_on_connection_loss = False

# --- schedule ---------------------------------------------------------------------------------------------------
timezone = "UTC"
enable_utc = True


def _every(task: str, seconds: float) -> dict[str, object]:
    """Schedule a maintenance task; one that was not taken in time is pointless: the next one does its work."""
    options = {"expires": max(1.0, 4 * seconds), "ignore_result": True}
    return {"task": f"tasks.maintenance.{task}", "schedule": seconds, "options": options}


beat_schedule = {
    "pump": _every("pump", _settings.pump_every_s),
    "sweep": _every("sweep", _settings.sweep_every_s),
    "live_on": _every("live_on", _settings.sweep_every_s),
    "canaries": _every("send_canaries", _settings.recover_every_s),
    "recover": _every("recover", _settings.recover_every_s),
}
beat_max_loop_interval = 1
