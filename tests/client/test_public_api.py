"""The public names of the package: listed, documented, and generated from the contract."""

from __future__ import annotations

import importlib
import importlib.resources
import inspect
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from grpc_tools import protoc

import effective_embeddings
from effective_embeddings import AsyncClient, Client, _core, errors
from effective_embeddings.client.contract import METHODS
from effective_embeddings.v1 import errors_pb2, resources_pb2, service_pb2

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = _ROOT / "service" / "effective_embeddings"
_MODULES = sorted(
    ".".join(
        ("effective_embeddings", *path.relative_to(_PACKAGE).with_suffix("").parts)
    ).removesuffix(".__init__")
    for path in _PACKAGE.rglob("*.py")
    if "v1" not in path.parts and path.name != "__main__.py"
)
_SERVICE = service_pb2.DESCRIPTOR.services_by_name["EffectiveEmbeddingsService"]


@pytest.mark.parametrize("name", _MODULES)
def test_every_module_has_docstrings_and_existing_exports(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, "a module begins with what it is for"
    for offered in getattr(module, "__all__", ()):
        assert hasattr(module, offered), f"{offered} is listed and not there"
        thing = getattr(module, offered)
        if (inspect.isclass(thing) or inspect.isfunction(thing)) and thing.__module__ == name:
            assert inspect.getdoc(thing), f"{offered} has no docstring"


def test_the_public_names_are_sorted_and_unique() -> None:
    offered = effective_embeddings.__all__
    assert len(offered) == len(set(offered))
    assert {"Client", "AsyncClient", "CategoryMatrix", "errors"} <= set(offered)
    assert not [name for name in offered if name.startswith("_") and name != "__version__"]


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_every_method_of_the_clients_has_a_docstring(client: type) -> None:
    for name, method in inspect.getmembers(client, callable):
        if not name.startswith("_"):
            assert inspect.getdoc(method), name


def test_both_clients_have_the_same_methods_and_arguments() -> None:
    def signatures(client: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(client, inspect.isfunction)
            if not name.startswith("_")
        }

    assert signatures(AsyncClient) == signatures(Client)


def test_the_client_reaches_every_method_of_the_service() -> None:
    assert set(METHODS) == {method.name for method in _SERVICE.methods}
    assert {name for name, _ in _core.METHODS} == set(METHODS)
    scopes = dict(_core.METHODS)
    assert set(scopes.values()) == {"read", "write", "admin"}
    for name, method in METHODS.items():
        assert (scopes[name] == "read") == (not method.writes), name


def test_every_status_code_of_the_contract_has_an_error_class() -> None:
    kinds = errors.EffectiveEmbeddingsError.__subclasses__()
    codes = {kind.default_code.name for kind in kinds}
    assert codes <= {code.name for code in grpc.StatusCode}
    for reason in errors_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"].values:
        assert reason.name.startswith("ERROR_REASON_")
    for kind in kinds:
        assert kind.__name__ in (errors.__doc__ or ""), "the tree in the docstring is whole"


@pytest.mark.parametrize("script", ["proto/generate.py", "scripts/unasync.py"])
def test_the_generated_code_is_current(script: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(_ROOT / script), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_brings_the_protos_and_they_compile_from_there(tmp_path: Path) -> None:
    package = Path(effective_embeddings.__file__).parent
    contract = {
        path.name: path.read_bytes()
        for path in (_ROOT / "proto/effective_embeddings/v1").glob("*.proto")
    }
    assert {"errors.proto", "resources.proto", "service.proto"} <= contract.keys()
    brought = {path.name: path.read_bytes() for path in (package / "v1").glob("*.proto")}
    assert brought == contract
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    status = protoc.main(
        [
            "protoc",
            f"--proto_path={package.parent}",
            f"--proto_path={well_known}",
            f"--descriptor_set_out={tmp_path / 'contract'}",
            "effective_embeddings/v1/service.proto",
            "--include_imports",
        ]
    )
    assert status == 0
    assert b"ERROR_REASON_DEGENERATE_QUERY" in (tmp_path / "contract").read_bytes()


def test_every_proto_has_the_options_of_every_language() -> None:
    for descriptor in (service_pb2.DESCRIPTOR, resources_pb2.DESCRIPTOR, errors_pb2.DESCRIPTOR):
        options = descriptor.GetOptions()
        for name in (
            "csharp_namespace",
            "go_package",
            "java_multiple_files",
            "java_package",
            "objc_class_prefix",
            "php_namespace",
            "ruby_package",
        ):
            assert options.HasField(name), (descriptor.name, name)


def test_the_service_file_reaches_every_other_file() -> None:
    names = {file.name.rpartition("/")[2] for file in service_pb2.DESCRIPTOR.dependencies}
    assert {"errors.proto", "resources.proto"} <= names


def test_the_build_under_test_is_a_release_build_or_says_so() -> None:
    assert isinstance(_core.RELEASE_BUILD, bool)
    assert _core.kernels()[-1] == "scalar"
    assert effective_embeddings.__version__ == _core.VERSION


def test_errors_can_be_imported_from_the_documented_module() -> None:
    """It was once an attribute of the package and not a module."""
    module = importlib.import_module("effective_embeddings.errors")
    assert module.NotFound is errors.NotFound
    assert set(module.__all__) == set(errors.__all__)
