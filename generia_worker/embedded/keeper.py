"""Keeps one program of the embedded stack, and takes it along when the stack dies, however it dies.

Run as a script of its own (`python -I -S keeper.py …`), between the stack and the program:

    keeper.py CONTROL_FD STATUS_FD STOP_SIGNAL STOP_TIMEOUT_S -- COMMAND…

- CONTROL_FD is a pipe whose other end only the stack holds. A byte in it asks for an orderly stop; its end
  means that the stack is gone (even by SIGKILL), and then the program has at most `ORPHAN_GRACE_S`.
- STATUS_FD gets the program's process id in one line, and its exit status (128 + n: ended by signal n) in
  another when it is over; its end tells the stack that this keeper has ended.

The fork server (`forkserver.py`) uses `keep_child` in processes that it forked, in place of this script.

A death signal alone (PR_SET_PDEATHSIG) would fire when the *thread* that forked ends, and the stack forks
from threads. Here it is safe, since a keeper has one thread: it covers the case that the keeper itself is
killed. Imports little, since one of these starts for every program: nothing but the standard library, and no
package of ours.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time

#: How long a program may take to end once the stack is gone, in seconds.
ORPHAN_GRACE_S = 2.0
#: Exit status of a keeper whose program could not be executed.
NOT_EXECUTED = 127
_PR_SET_PDEATHSIG = 1
_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def _leave_keeper(keeper_pid: int) -> None:
    """Make this forked process a program's own: its group, its death signal, the usual signal handlers."""
    os.setsid()  # a group of its own, so that it can be ended with everything it starts
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != keeper_pid:  # the keeper died before the death signal was set
        os._exit(NOT_EXECUTED)
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _execute(command: list[str]) -> None:
    """Turn this forked process into the program; returns never."""
    try:
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)  # noqa: S606 - starting programs is its job
    except OSError as error:
        os.write(2, f"cannot execute {command[0]}: {error}\n".encode())
    finally:
        os._exit(NOT_EXECUTED)


def _kill_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # not yet a group of its own
        with contextlib.suppress(ProcessLookupError):
            os.kill(group, number)


def watch(pid: int) -> int:
    """Return a descriptor that becomes readable when a process ends, or -1 where there is none.

    The pipe alone would miss the end of a stack whose forked child still holds a copy of the pipe.
    """
    try:
        return os.pidfd_open(pid)
    except OSError:  # an old kernel, or it has ended
        return -1


def _keep(child: int, control: int, wake: int, owner: int, stop_signal: int, stop_timeout_s: float) -> int:
    """Wait for the program to end, stopping it when asked to; return its exit status, -n after signal n."""
    poller = select.poll()
    for fd in (control, wake, owner):
        if fd >= 0:
            poller.register(fd, select.POLLIN)
    deadline = float("inf")
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            _kill_group(child, signal.SIGKILL)
            deadline = float("inf")
            continue
        asked_s = None
        for fd, _ in poller.poll(None if left_s == float("inf") else left_s * 1000 + 1):
            if fd == wake:
                numbers = os.read(wake, 256)
                if set(numbers) - {signal.SIGCHLD}:  # somebody asked this keeper itself to end
                    asked_s = stop_timeout_s
            elif fd == control and os.read(control, 256):
                asked_s = stop_timeout_s
            else:
                asked_s = min(stop_timeout_s, ORPHAN_GRACE_S)
                poller.unregister(fd)
        if asked_s is not None:
            if deadline == float("inf"):
                os.kill(child, stop_signal)
            deadline = min(deadline, time.monotonic() + asked_s)
    # Before the child is reaped: until then its process id, the group's, cannot belong to anybody else.
    _kill_group(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def keep_child(control: int, status: int, stop_signal: int, stop_timeout_s: float, owner: int) -> int | None:
    """Fork, and keep the child until it is over. Returns None in the child, which is the program's process then,
    and in the keeper the child's exit status (128 + n when signal n ended it).

    `owner` is a descriptor that becomes readable when the stack's process ends, or -1.
    """
    wake, wake_writer = os.pipe()
    os.set_blocking(wake_writer, False)
    signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
    for number in _SIGNALS:
        signal.signal(number, lambda *_: None)
    keeper_pid = os.getpid()
    # Blocked until the program has its own handlers, lest a stop that comes this early is swallowed by ours.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    child = os.fork()
    if child == 0:
        _leave_keeper(keeper_pid)
        return None
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    os.write(status, f"{child}\n".encode())
    code = _keep(child, control, wake, owner, stop_signal, stop_timeout_s)
    code = code if code >= 0 else 128 - code
    with contextlib.suppress(OSError):  # the stack may be gone
        os.write(status, f"{code}\n".encode())
    return code


def main(arguments: list[str]) -> int:
    """Run the command, keep it, and return its exit status (128 + n when signal n ended it)."""
    control, status, stop_signal = (int(text) for text in arguments[:3])
    stop_timeout_s, command = float(arguments[3]), arguments[5:]
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - pathlib would triple this script's start
        # What keeps the stack's lock and pipes is not for the program.
        if int(name) > 2:
            with contextlib.suppress(OSError):
                os.set_inheritable(int(name), False)
    code = keep_child(control, status, stop_signal, stop_timeout_s, watch(os.getppid()))
    if code is None:
        _execute(command)
        return NOT_EXECUTED
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
