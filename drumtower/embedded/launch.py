"""Becomes a child program: gives up root, ties its life to its parent's, then execs.

Runs as a script with the standard library only, `launch.py <death signal> <parent> <uid:gid or -> <argv...>`.
A script, because a `preexec_fn` is unsafe once the parent has threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
ORPHANED = 111


def drop_root(owner: str) -> None:
    """Becomes `uid:gid` without supplementary groups; `-` stays who it is."""
    if owner == "-":
        return
    uid, gid = (int(part) for part in owner.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with(parent: int, death_signal: int) -> None:
    """Asks Linux to send `death_signal` when the parent dies; elsewhere pid files serve (see `leftovers`)."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    # The parent may have died before the request was in place: then nobody would ever signal us.
    if os.getppid() != parent:
        os._exit(ORPHANED)


def main(death_signal: str, parent: str, owner: str, *command: str) -> None:
    """Never returns: execs `command`, whose first word is an absolute path."""
    # Changing the user clears the parent-death signal, so the order matters.
    drop_root(owner)
    die_with(int(parent), int(death_signal))
    os.execv(command[0], command)  # noqa: S606 - that is what it is for


if __name__ == "__main__":
    main(*sys.argv[1:])
