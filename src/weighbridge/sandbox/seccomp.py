"""A filter of system calls for `bwrap --seccomp`: classic BPF, written by hand, for x86-64 and arm64.

No new process, no socket, no tracing, no namespaces, no kernel keys, no io_uring. Threads stay possible.
Numbers are from the kernel's `syscall_64.tbl` and `include/uapi/asm-generic/unistd.h`; a list of what is refused is
weaker than a list of what is allowed, and stands behind namespaces, not in place of them.
"""

from __future__ import annotations

import errno
import platform
import struct

__all__ = ["filter_program"]

_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in `struct seccomp_data`, little endian
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000
_CLONE3 = 435
_ARCHITECTURES = {
    "x86_64": (
        0xC000003E, 56,
        # fork, vfork, ptrace, process_vm_readv, process_vm_writev, unshare, setns, mount, umount2, pivot_root, chroot
        (57, 58, 101, 310, 311, 272, 308, 165, 166, 155, 161,
         # socket, socketpair, bind, connect, listen, add_key, request_key, keyctl, bpf, perf_event_open, userfaultfd
         41, 53, 49, 42, 50, 248, 249, 250, 321, 298, 323,
         # io_uring_setup, io_uring_enter, io_uring_register, open_tree, move_mount, fsopen, pidfd_getfd, memfd_create
         425, 426, 427, 428, 429, 430, 438, 319),
    ),
    "aarch64": (
        0xC00000B7, 220,
        (117, 270, 271, 97, 268, 40, 39, 41, 51, 198, 199, 200, 203, 201, 217, 218, 219, 280, 241, 282,
         425, 426, 427, 428, 429, 430, 438, 279),
    ),
}  # fmt: skip


def filter_program(machine: str | None = None) -> bytes | None:
    """Return the filter for a machine (this one, if none is named), or None for one that is not known."""
    if (machine or platform.machine()) not in _ARCHITECTURES:
        return None
    architecture, clone, refused = _ARCHITECTURES[machine or platform.machine()]
    rules = [
        _rule(_LOAD, _ARCHITECTURE),
        _rule(_EQUAL, architecture, 1, 0),
        _rule(_RETURN, _KILL),
        _rule(_LOAD, _NUMBER),
        _rule(_AT_LEAST, _X32, 0, 1),  # the x32 numbering would pass the list below
        _rule(_RETURN, _KILL),
        _rule(_EQUAL, _CLONE3, 0, 1),
        _rule(_RETURN, _ERRNO | errno.ENOSYS),  # its flags lie in memory; the C library then takes `clone`
        _rule(_EQUAL, clone, 0, 4),
        _rule(_LOAD, _FIRST_ARGUMENT),
        _rule(_ANY_BIT, _CLONE_THREAD, 0, 1),
        _rule(_RETURN, _ALLOW),
        _rule(_RETURN, _ERRNO | errno.EPERM),
    ]
    for number in refused:
        rules += [_rule(_EQUAL, number, 0, 1), _rule(_RETURN, _ERRNO | errno.EPERM)]
    return b"".join([*rules, _rule(_RETURN, _ALLOW)])


def _rule(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Return one instruction (`struct sock_filter`)."""
    return struct.pack("<HBBI", code, if_true, if_false, operand)
