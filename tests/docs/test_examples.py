"""The files of `examples/` fit the program: flags, paths, bounds and the routes' file."""

from __future__ import annotations

import configparser
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from weighbridge.cli.serve import command as serve
from weighbridge.gateway.admin import ADMIN_PATH
from weighbridge.gateway.metrics import METRICS_PATH
from weighbridge.gateway.request.bounds import Bounds
from weighbridge.gateway.request.endpoints import HEALTH, READY
from weighbridge.gateway.server import _DRAIN_S
from weighbridge.gateway.stop import STOP_PATH
from weighbridge.pilot.admission.file import load_gateway_file

EXAMPLES = Path(__file__).parents[2] / "examples"


def kubernetes() -> list[dict[str, Any]]:
    """Return every object."""
    found = []
    for path in sorted((EXAMPLES / "kubernetes").glob("*.yaml")):
        found += list(YAML(typ="safe").load_all(path))
    return found


def of(kind: str) -> dict[str, Any]:
    """Return the object of a kind."""
    return next(one for one in kubernetes() if one["kind"] == kind)


def flags(words: list[str]) -> set[str]:
    """Return the flags of a command line."""
    return {word for word in words if word.startswith("--")}


KNOWN = {flag for parameter in serve.params for flag in parameter.opts}


def test_pods_run_the_gateway_as_it_is() -> None:
    """Its flags are known, its probes ask paths that it has, and it has longer to end than it takes."""
    pod = of("StatefulSet")["spec"]["template"]["spec"]
    gateway = pod["containers"][0]
    assert flags(gateway["command"] + gateway["args"]) <= KNOWN
    paths = {probe: gateway[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": HEALTH, "livenessProbe": HEALTH, "readinessProbe": READY}
    assert pod["terminationGracePeriodSeconds"] > _DRAIN_S + gateway["lifecycle"]["preStop"]["sleep"]["seconds"]


def test_pods_hold_as_little_as_they_need() -> None:
    """No root, no token, nothing to write but their volumes, and images by digest."""
    pods = [of("StatefulSet")["spec"]["template"]["spec"], of("Pod")["spec"]]
    for pod in pods:
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            locked = container["securityContext"]
            assert (locked["readOnlyRootFilesystem"], locked["allowPrivilegeEscalation"]) == (True, False)
            assert locked["capabilities"] == {"drop": ["ALL"]}
            assert re.search(r"@sha256:[0-9a-f]{64}$", container["image"])
    assert of("NetworkPolicy")["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_the_routes_of_the_example_are_read(tmp_path: Path) -> None:
    """The file in the ConfigMap is one that the gateway takes."""
    (tmp_path / "gateway.toml").write_text(of("ConfigMap")["data"]["gateway.toml"])
    file = load_gateway_file(tmp_path / "gateway.toml")
    assert [route.name for route in file.routes] == ["coder"]
    assert file.port == of("StatefulSet")["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"]


def test_the_unit_starts_the_gateway_as_it_is() -> None:
    """Its flags are known, and it has longer to end than it takes."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(EXAMPLES / "systemd" / "weighbridge.service")
    words = shlex.split(unit["Service"]["ExecStart"])
    assert words[0].endswith("/weighbridge")
    assert flags(words) <= KNOWN
    assert int(unit["Service"]["TimeoutStopSec"]) > _DRAIN_S
    assert int(unit["Service"]["LimitNOFILE"]) > 2 * Bounds().connections


@pytest.mark.parametrize("path", [ADMIN_PATH, METRICS_PATH, STOP_PATH])
def test_the_proxy_lets_operators_in_from_inside_only(path: str) -> None:
    """Every path that is not for callers has a location of its own, with a list of who may come."""
    text = (EXAMPLES / "nginx" / "weighbridge.conf").read_text()
    (location,) = (line for line in text.splitlines() if re.search(rf"location (= )?{re.escape(path)}/? ", line))
    assert re.search(r"\{ allow [0-9./]+; deny all; proxy_pass", location)


def test_the_image_has_what_the_gateway_needs() -> None:
    """The extras that its packages are locked for are those of the project, with the gateway's and PostgreSQL's."""
    text = (EXAMPLES / "kubernetes" / "Dockerfile").read_text()
    project = tomllib.loads((EXAMPLES.parent / "pyproject.toml").read_text())["project"]
    extras = re.findall(r"--extra (\S+)", text)
    assert extras == ["gateway", "postgres"]
    assert set(extras) <= set(project["optional-dependencies"])
    assert "--require-hashes" in text
    user = re.search(r"^USER (\d+):", text, re.MULTILINE)
    assert user is not None
    assert int(user[1]) == of("StatefulSet")["spec"]["template"]["spec"]["securityContext"]["runAsUser"]


@pytest.mark.parametrize("line", ["proxy_buffering off;", "proxy_next_upstream off;", "proxy_http_version 1.1;"])
def test_the_proxy_passes_events_on_as_they_come_and_nothing_twice(line: str) -> None:
    """What must be in a proxy's file, or streams stall and requests are repeated."""
    text = (EXAMPLES / "nginx" / "weighbridge.conf").read_text()
    assert line in text
    most = re.search(r"client_max_body_size +(\d+)m;", text)
    assert most is not None
    assert int(most[1]) << 20 == Bounds().body_bytes
