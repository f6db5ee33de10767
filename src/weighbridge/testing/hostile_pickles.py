"""Pickles that run code when they are loaded, built opcode by opcode, and harmless ones beside them.

Nothing here does harm even if it is loaded: the command is `id`. Each hostile one is a public bypass of a scanner or a
form that one missed; the advisory or the issue stands beside it. Written from `pickletools`, apart from the reader.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict

__all__ = ["CALLED", "benign_pickles", "called", "hostile_pickles", "imported"]

# what published payloads called; picklescan GHSA/CVE ids, fickling GHSA ids, modelscan issues 263, 311, 330, 338
CALLED = (
    "os system", "posix system", "nt system", "subprocess Popen", "builtins exec", "builtins eval",
    "builtins __import__", "builtins compile", "runpy _run_code", "pip main", "pip._internal.cli.main main",
    "pkgutil resolve_name", "logging FileHandler", "uuid _get_command_stdout", "imaplib IMAP4_stream",
    "_osx_support _read_output", "_aix_support _read_cmd_output", "pydoc pipepager", "timeit timeit", "cProfile run",
    "profile Profile.run", "trace Trace.run", "bdb Bdb.run", "pdb Pdb.run", "doctest debug_script",
    "code InteractiveInterpreter.runcode", "idlelib.pyshell ModifiedInterpreter.runcode",
    "idlelib.run Executive.runcode",
    "asyncio.unix_events _UnixSubprocessTransport._start", "lib2to3.pgen2.grammar Grammar.loads",
    "lib2to3.pgen2.pgen ParserGenerator.make_label", "ensurepip _run_pip", "distutils.file_util write_file",
    "pathlib os.system", "linecache getlines", "ctypes CDLL", "_ctypes dlopen", "shutil rmtree", "webbrowser open",
    "importlib import_module", "pty spawn", "multiprocessing.util spawnv_passfds", "functools reduce",
    "operator methodcaller", "operator attrgetter", "types FunctionType", "types CodeType", "marshal loads",
    "pickle loads", "_pickle loads", "shelve open", "sqlite3 connect", "_io FileIO", "io open", "smtplib SMTP",
    "urllib.request urlopen", "http.client HTTPSConnection", "socket create_connection", "ssl get_server_certificate",
    "zipimport zipimporter", "site main", "cgitb lookup", "sys exit", "signal raise_signal", "weakref finalize",
    "torch load", "torch.serialization load", "torch.hub load", "torch.utils.collect_env run",
    "torch.utils._config_module load_config", "torch.utils.bottleneck.__main__ run_cprofile",
    "torch.jit.unsupported_tensor_ops execWrapper", "torch._dynamo.guards GuardBuilder.get",
    "torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression",
    "torch._inductor.codecache compile_file", "numpy load", "numpy.f2py.crackfortran getlincoef",
    "numpy.f2py.crackfortran _eval_length", "numpy.testing._private.utils runstring",
    "numpy.distutils.exec_command exec_command", "pandas read_pickle", "pandas eval", "joblib load", "dill loads",
    "cloudpickle.cloudpickle _make_function", "sympy.parsing.sympy_parser parse_expr", "requests get",
    "aiohttp.client ClientSession", "setuptools.sandbox run_setup", "scipy.io loadmat", "somepackage.tools do_it",
)  # fmt: skip


def imported(module: str, name: str) -> bytes:
    """Return the opcodes of protocol 4 that put a name on the stack."""
    parts = (module.encode(), name.encode())
    return b"".join(b"\x8c" + bytes([len(part)]) + part for part in parts) + b"\x93"


def called(module: str, name: str, argument: bytes = b"\x8c\x02id") -> bytes:
    """Return a pickle of protocol 4 that calls a name with one argument."""
    return b"\x80\x04" + imported(module, name) + argument + b"\x85R."


def hostile_pickles() -> dict[str, bytes]:
    """Return pickles that all run code on load, by a name that says how they hide."""
    system, getattr_ = imported("os", "system"), imported("builtins", "getattr")
    plain, nested = called("os", "system"), called("os", "system")
    forms = {
        "protocol 0 without a mark": b"cos\nsystem\n(S'id'\ntR.",
        "protocol 0 under old names": b"c__builtin__\neval\n(S'1'\ntR.",
        "INST": b"(S'id'\nios\nsystem\n.",
        "OBJ (fickling GHSA-mxhj-88fx-4pcv)": b"\x80\x02(cos\nsystem\nS'id'\no.",
        "NEWOBJ": b"\x80\x04" + imported("subprocess", "Popen") + b"\x8c\x02id\x85\x81.",
        "NEWOBJ_EX": b"\x80\x04" + imported("subprocess", "Popen") + b"\x8c\x02id\x85}\x92.",
        "escaped names": b"\x80\x04V\\u006fs\nVsys\\u0074em\n\x93\x8c\x02id\x85R.",
        "escaped strings": b"\x80\x04S'\\x6fs'\nS'sy\\163tem'\n\x93\x8c\x02id\x85R.",
        "names through the memo": b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93\x8c\x02id\x85R.",
        "names through PUT": b"\x80\x04\x8c\x02osp77\n0\x8c\x06systemq\x050g77\nh\x05\x93\x8c\x02id\x85R.",
        "getattr of builtins": b"\x80\x04"
        + getattr_
        + imported("builtins", "eval")
        + b"\x8c\x08__call__\x86R\x8c\x011\x85R.",
        "getattr of an import": (
            b"\x80\x04"
            + getattr_
            + imported("builtins", "__import__")
            + b"\x8c\x02os\x85R\x8c\x06system\x86R\x8c\x02id\x85R."
        ),
        "resolve_name (picklescan GHSA-vvpj-8cmc-gx39)": (
            b"\x80\x04" + imported("pkgutil", "resolve_name") + b"\x8c\x09os:system\x85R\x8c\x02id\x85R."
        ),
        "a name made on the way": b"\x80\x04(\x8c\x02osl\x8c\x06system\x93\x8c\x02id\x85R.",
        "the extension registry": b"\x80\x02\x82\x05)R.",
        "numpy patched by BUILD (modelscan 330)": b"\x80\x04"
        + imported("numpy", "ndarray")
        + b"N}\x8c\x03fooK\x01s\x86b.",
        "a class changed by SETITEM": b"\x80\x04"
        + imported("collections", "OrderedDict")
        + b"\x8c\x01a"
        + system
        + b"s.",
        "bytes loaded in turn": (
            b"\x80\x04"
            + imported("torch.storage", "_load_from_bytes")
            + b"C"
            + bytes([len(nested)])
            + nested
            + b"\x85R."
        ),
        "a loader handed to an allowed call": (
            b"\x80\x04"
            + imported("numpy.random._pickle", "__generator_ctor")
            + b"C"
            + bytes([len(nested)])
            + nested
            + imported("torch.storage", "_load_from_bytes")
            + b"\x86R."
        ),
        "a trusted package's class given a path": called("pandas", "ExcelWriter", b"\x8c\x08/tmp/a.x"),
        "the second of two": pickle.dumps({}) + plain,
        "the third, behind rubbish": pickle.dumps({}) + b"\xff\xfe rubbish " + plain,
        "without STOP": plain[:-1],
        "then a wrong opcode (picklescan GHSA-9gvj-pp9x-gcfr)": plain[:-1] + b"\xff\xfe",
        "popped at once": plain[:-1] + b"0N.",
        "inside a list that is popped": b"\x80\x04](" + plain[2:-1] + b"10}.",
        "a frame that lies": b"\x80\x04\x95" + b"\xff" * 7 + b"\x00" + plain[2:],
    }
    forms |= {f"calls {target}": called(target.split(" ")[0], target.split(" ")[1]) for target in CALLED}
    return forms


def benign_pickles() -> dict[str, bytes]:
    """Return pickles of every protocol that only build data; one of them talks of `os.system` in a text."""
    value = {
        "weights": [1.5, 2, None, True, 2**70, b"bytes", "x" * 700], "set": {1, 2}, "order": OrderedDict(a=(1, 2)),
        "text": "import os; os.system('rm -rf /'); eval(exec)", "frozen": frozenset({3}), "complex": 1j,
    }  # fmt: skip
    return {f"protocol {number}": pickle.dumps(value, number) for number in range(6)}
