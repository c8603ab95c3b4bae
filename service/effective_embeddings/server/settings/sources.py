"""Settings from flags, the environment and a TOML file, in this order of precedence.

A setting has one name everywhere: the flag ``--max-message-bytes``, the variable
``EFFEMB_MAX_MESSAGE_BYTES`` and the key ``max_message_bytes`` of the file.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from effective_embeddings.server.settings.definition import KINDS, Definition
from effective_embeddings.server.settings.errors import SettingsError
from effective_embeddings.server.settings.settings import DEFINITIONS, Settings

__all__ = ["CLIENT_VARIABLES", "Resolved", "resolve"]

_PREFIX = "EFFEMB_"
_VARIABLES: Mapping[str, str] = {_PREFIX + name.upper(): name for name in DEFINITIONS}
_CONFIG = _PREFIX + "CONFIG"
_CLIENT = ("SERVER", "TOKEN", "TOKEN_FILE", "TLS", "TLS_CA", "CLIENT_CERT", "CLIENT_KEY")
CLIENT_VARIABLES = frozenset(_PREFIX + name for name in _CLIENT)
"""Variables of the client, which may be set on the same machine."""
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclasses.dataclass(frozen=True, slots=True)
class Resolved:
    """Settings, and where each comes from.

    Attributes:
        settings: The settings.
        sources: By name: ``flag``, ``environment``, ``file`` or ``default``.
        unknown: Variables that begin with EFFEMB_ and name no setting: probably typing errors.
    """

    settings: Settings
    sources: Mapping[str, str]
    unknown: list[str]

    def shown(self) -> dict[str, Any]:
        """Return the settings as people may see them: a secret only says whether it is set."""
        shown = {}
        for name, each in DEFINITIONS.items():
            value = getattr(self.settings, each.effective or name)
            if each.secret:
                value = "(redacted)" if value.strip() else ""
            shown[name] = str(value) if isinstance(value, Path) else value
        return shown

    def hints(self) -> list[str]:
        """Return a sentence for each unknown variable."""
        known = [each.removeprefix(_PREFIX) for each in (*_VARIABLES, *CLIENT_VARIABLES, _CONFIG)]
        return [
            f"{name}: there is no such setting"
            + _did_you_mean(name.removeprefix(_PREFIX), known, _PREFIX)
            for name in self.unknown
        ]


def resolve(
    flags: Mapping[str, Any],
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Resolved:
    """Put the settings together.

    Args:
        flags: By name; None: not given.
        file: A TOML file; None: the one that EFFEMB_CONFIG names, if it does.
        environment: The environment; None: this process's.

    Raises:
        SettingsError: A value cannot be used, or the file has a key that is not a setting. All
            faults of all sources are named.
    """
    environment = os.environ if environment is None else environment
    if file is None and environment.get(_CONFIG):
        file = Path(environment[_CONFIG])
    if file is not None:
        file = _expanded(file)
    faults = _Faults()
    layers = {
        "file": {} if file is None else _from_file(file, faults),
        "environment": _from_environment(environment, faults),
        "flag": {name: value for name, value in flags.items() if value is not None},
    }
    values = {name: each.served for name, each in DEFINITIONS.items() if each.served is not None}
    sources = dict.fromkeys(DEFINITIONS, "default")
    for source, layer in layers.items():
        values |= layer
        sources |= dict.fromkeys(layer, source)
    values = {
        name: _expanded(value) if isinstance(value, Path) else value
        for name, value in values.items()
    }
    if values["metrics_listen"] == "off":
        values["metrics_listen"] = None
    problems = faults.texts + Settings.problems_of(values, faults.names)
    if problems:
        raise SettingsError(*problems)
    ours = {*_VARIABLES, *CLIENT_VARIABLES, _CONFIG}
    unknown = sorted(n for n in environment if n.startswith(_PREFIX) and n not in ours)
    return Resolved(Settings(**values), sources, unknown)


class _Faults:
    """What is wrong with the sources themselves."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.names: set[str] = set()

    def add(self, text: str, name: str = "") -> None:
        self.texts.append(text)
        self.names.add(name)


def _expanded(path: Path) -> Path:
    """Return a path with ``~`` replaced; one whose user is unknown stays as it is."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {prefix}{close[0]}?" if close else ""


def _from_environment(environment: Mapping[str, str], faults: _Faults) -> dict[str, Any]:
    values = {}
    for variable, name in _VARIABLES.items():
        text = environment.get(variable)
        if text:
            try:
                values[name] = _parse(text, DEFINITIONS[name])
            except ValueError:
                kind = KINDS[DEFINITIONS[name].kind]
                faults.add(f"{variable} must be {kind}, not {text!r}", name)
    if "token_entries" in values:
        values["token_entries"] = values["token_entries"].replace(";", "\n")
    return values


def _parse(text: str, definition: Definition) -> Any:
    """Return the value of a text; raise a ValueError if it has another type."""
    if definition.kind is bool:
        if text.lower() not in _TRUE | _FALSE:
            raise ValueError
        return text.lower() in _TRUE
    return definition.kind(text)


def _from_file(path: Path, faults: _Faults) -> dict[str, Any]:
    try:
        # Editors of some systems begin a file with a byte order mark.
        content = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        faults.add(f"cannot read the settings: {path}: {error.strerror}")
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.add(f"{path} is not TOML: {error}")
        return {}
    values = {}
    for name, value in content.items():
        definition = DEFINITIONS.get(name)
        if definition is None:
            hint = _did_you_mean(name, DEFINITIONS) or "; `effemb config show` lists them"
            faults.add(f"{path}: there is no setting {name!r}{hint}", name)
        elif not _is_of(value, definition.kind):
            # A value of another type may still be a secret.
            shown = "" if definition.secret else f", not {value!r}"
            faults.add(f"{path}: {name} must be {KINDS[definition.kind]}{shown}", name)
        elif definition.kind is Path:
            # A path in a file is relative to the file, wherever the server is started.
            values[name] = (path.parent / _expanded(Path(value))).absolute()
        else:
            values[name] = value
    return values


def _is_of(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float)
    return isinstance(value, str if kind is Path else kind)
