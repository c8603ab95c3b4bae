"""Settings from flags, the environment and a TOML file, in this order of precedence.

A setting has one name everywhere: the flag ``--max-message-bytes``, the variable
``EFFEMB_MAX_MESSAGE_BYTES`` and the key ``max_message_bytes`` of the file. The one exception says
more as a flag: ``allow_insecure`` is ``--allow-insecure-listen``.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from effective_embeddings.server.settings.addresses import SettingsError
from effective_embeddings.server.settings.settings import DEFAULT_METRICS_LISTEN, Settings

__all__ = ["FIELDS", "Resolved", "resolve"]

_PREFIX = "EFFEMB_"
# The client's, on the same machine.
_CLIENT = ("SERVER", "TOKEN", "TOKEN_FILE", "TLS", "TLS_CA", "CLIENT_CERT", "CLIENT_KEY")
_NOT_OURS = frozenset(_PREFIX + name for name in _CLIENT)
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_DEFAULT_DATA = Path("effemb-data")


def _fields() -> dict[str, type]:
    """Return the settings by name, each with its type; None is no type of a given value."""
    hints = typing.get_type_hints(Settings)
    found: dict[str, type] = {}
    for each in dataclasses.fields(Settings):
        hint = hints[each.name]
        if isinstance(hint, types.UnionType):
            (hint,) = (arg for arg in typing.get_args(hint) if arg is not type(None))
        found[each.name] = hint
    return found


FIELDS: dict[str, type] = _fields()


@dataclasses.dataclass(frozen=True, slots=True)
class Resolved:
    """Settings, and where each comes from.

    Attributes:
        settings: The settings.
        sources: By name: ``flag``, ``environment``, ``file`` or ``default``.
        unknown: Variables that begin like settings and are none: slips of the hand.
    """

    settings: Settings
    sources: Mapping[str, str]
    unknown: list[str]

    def shown(self) -> dict[str, Any]:
        """Return the settings for people to see: no secrets, only whether there are some."""
        shown = {name: getattr(self.settings, name) for name in FIELDS}
        # Hashes, not tokens; but nobody needs them, and whose they are is nobody's business.
        shown["token_entries"] = "(redacted)" if self.settings.token_entries.strip() else ""
        shown["reflection"] = self.settings.reflects
        return {name: str(v) if isinstance(v, Path) else v for name, v in shown.items()}


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
        SettingsError: A value cannot be used, or the file has a key that is no setting.
    """
    environment = os.environ if environment is None else environment
    if file is None and environment.get("EFFEMB_CONFIG"):
        file = Path(environment["EFFEMB_CONFIG"])
    layers = {
        "flag": {name: value for name, value in flags.items() if value is not None},
        "environment": _from_environment(environment),
        "file": {} if file is None else _from_file(file),
    }
    values: dict[str, Any] = {"data": _DEFAULT_DATA, "metrics_listen": DEFAULT_METRICS_LISTEN}
    sources: dict[str, str] = dict.fromkeys(FIELDS, "default")
    for source in ("file", "environment", "flag"):
        for name, value in layers[source].items():
            values[name] = value
            sources[name] = source
    if values["metrics_listen"] == "off":
        values["metrics_listen"] = None
    own = {_PREFIX + name.upper() for name in FIELDS} | _NOT_OURS | {"EFFEMB_CONFIG"}
    unknown = sorted(n for n in environment if n.startswith(_PREFIX) and n not in own)
    return Resolved(Settings(**values), sources, unknown)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for name, kind in FIELDS.items():
        text = environment.get(_PREFIX + name.upper())
        if text:
            values[name] = _parse(_PREFIX + name.upper(), text, kind)
    if "token_entries" in values:
        values["token_entries"] = values["token_entries"].replace(";", "\n")
    return values


def _parse(where: str, text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        message = f"{where} must be true or false, not {text!r}"
        raise SettingsError(message)
    try:
        return kind(text)
    except ValueError:
        message = f"{where} must be {_KINDS[kind]}, not {text!r}"
        raise SettingsError(message) from None


_KINDS: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    Path: "a path",
}


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        message = f"cannot read the settings: {path}: {error.strerror}"
        raise SettingsError(message) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path} is not TOML: {error}"
        raise SettingsError(message) from None
    return {name: _typed(path, name, value) for name, value in content.items()}


def _typed(path: Path, name: str, value: Any) -> Any:
    kind = FIELDS.get(name)
    if kind is None:
        message = f"{path}: there is no setting {name!r}; `effemb config show` lists them"
        raise SettingsError(message)
    fits = isinstance(value, str) if kind is Path else isinstance(value, kind)
    if kind is float and isinstance(value, int):
        fits = True
    if kind is not bool and isinstance(value, bool):
        fits = False
    if not fits:
        # What is there instead of a text may be tokens.
        shown = "" if name == "token_entries" else f", not {value!r}"
        message = f"{path}: {name} must be {_KINDS[kind]}{shown}"
        raise SettingsError(message)
    # A path in a file is relative to the file, wherever the server is started.
    return (path.parent / value).absolute() if kind is Path else value
