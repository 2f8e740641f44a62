"""Serves every exported model of a folder, and new versions as they appear."""

import asyncio
import logging
import pathlib
import re
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from fastapi.exceptions import RequestValidationError
from mlserver import MLServer
from mlserver.errors import MLServerError, ModelNotFound
from mlserver.middleware import InferenceMiddlewares
from mlserver.repository import ModelRepository
from mlserver.settings import ModelParameters, ModelSettings, Settings

from tfvae.errors import UserError
from tfvae.export.saved_model import NAME, versions_of
from tfvae.serving.grpc_server import GrpcServer
from tfvae.serving.http_server import Guard, HttpServer, bind, tell_of_bodies
from tfvae.serving.limits import Limits
from tfvae.serving.memory import give_back_memory
from tfvae.serving.runtime import LOADED, ExportedModel, SavedModelRuntime

log = logging.getLogger("tfvae")
_KEPT = 2
"""Latest versions of a model that are served, as TensorFlow Serving's configuration beside has it."""
_POLL = 1.0  # seconds between looks at the folder


Key = tuple[str, str]
"""Name and version of a model."""


def found(folder: pathlib.Path) -> dict[Key, pathlib.Path]:
    """Returns the latest versions of the models of a folder; what is no version of a model is passed over."""
    answer: dict[Key, pathlib.Path] = {}
    for home in sorted(folder.iterdir()):
        if home.is_dir() and re.fullmatch(NAME, home.name):
            there = [version for version in versions_of(home) if (home / str(version) / "saved_model.pb").exists()]
            answer |= {(home.name, str(version)): home / str(version) for version in there[-_KEPT:]}
    return answer


def outdated(loaded: Iterable[Key], folder: pathlib.Path) -> list[Key]:
    """Returns the versions that are loaded and no longer served: those with `_KEPT` later ones loaded, and those whose folder is gone."""
    versions: dict[str, list[int]] = {}
    for name, version in loaded:
        versions.setdefault(name, []).append(int(version))
    return [
        (name, str(version))
        for name, every in versions.items()
        for version in every
        if version not in sorted(every)[-_KEPT:] or not (folder / name / str(version)).is_dir()
    ]


def _changed(path: pathlib.Path) -> float:
    """When something of a version last changed: one that was not whole yet is tried again."""
    return max(entry.stat().st_mtime for entry in (path, *path.rglob("*")))


_AllSettings = list[ModelSettings]


class _Repository(ModelRepository):
    """MLServer's list of models; nothing outside of what is loaded can be named."""

    def __init__(self, root: str) -> None:
        self.root = root

    async def list(self) -> _AllSettings:
        return [_settings(name, version) for name, version in LOADED]

    async def find(self, name: str) -> _AllSettings:
        chosen = [_settings(known, version) for known, version in LOADED if known == name]
        if not chosen:
            raise ModelNotFound(name)
        return chosen


def _settings(name: str, version: str) -> ModelSettings:
    return ModelSettings(name=name, implementation=SavedModelRuntime, parameters=ModelParameters(version=version))


class Server:
    """An MLServer over a folder of exported models."""

    def __init__(
        self,
        folder: str,
        *,
        host: str = "127.0.0.1",
        http_port: int = 8080,
        grpc_port: int = 8081,
        limits: Limits | None = None,
        trust_graphs: bool = False,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Takes a folder.

        Args:
          folder: with <name>/<version>/ in it.
          host: address to listen at; the server asks nobody who they are.
          http_port: of HTTP.
          grpc_port: of gRPC.
          limits: on a request.
          trust_graphs: whether graphs that reach files, addresses or Python are loaded.
          say: hears of what is loaded and dropped.

        Raises:
          UserError: there is no folder, or no model in it.
        """
        self.trust_graphs = trust_graphs
        self.dropped: list[weakref.ref[ExportedModel]] = []
        self.folder, self.limits, self.say = pathlib.Path(folder), limits or Limits(), say
        if not self.folder.is_dir():
            raise UserError(f"--model_dir={folder}: no such folder; scripts/export.py makes it")
        if not found(self.folder):
            raise UserError(f"--model_dir={folder}: no exported model is in it, as dem_vae/1/saved_model.pb; scripts/export.py makes one")
        self.settings = Settings(
            host=host,
            http_port=http_port,
            grpc_port=grpc_port,
            model_repository_implementation=_Repository,
            parallel_workers=0,
            metrics_endpoint=None,
            debug=False,
            server_name="tfvae",
        )

    async def run(self) -> None:
        """Serves until it is told to stop by a signal."""
        self.server = MLServer(self.settings)
        self._bind()
        for name in ("mlserver", "mlserver.rest", "mlserver.grpc", "uvicorn.error"):
            logging.getLogger(name).setLevel(logging.WARNING)
        logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it advises against sessions, which alone give memory back
        await self._load(found(self.folder))
        self._close_doors()
        watching = asyncio.create_task(self._watch())
        self.say(f"HTTP http://{self.settings.host}:{self.settings.http_port}/v2, gRPC {self.settings.host}:{self.settings.grpc_port}")
        try:
            await self.server.start([_settings(name, version) for name, version in LOADED])
        finally:
            watching.cancel()

    def _bind(self) -> None:
        """Takes both ports, in place of MLServer's own servers: that one is not to be had is said before models are loaded."""
        parts = (self.settings, self.server._data_plane, self.server._model_repository_handlers)
        self.http, self.grpc = HttpServer(*parts), GrpcServer(*parts)
        self.http.limits = self.grpc.limits = self.limits
        self.http.taken = bind(self.settings.host, self.settings.http_port)
        bind(self.settings.host, self.settings.grpc_port, "--grpc_port").close()  # gRPC itself does not say why a port is not to be had
        self.grpc.bind()
        self.server._rest_server, self.server._grpc_server = self.http, self.grpc

    def _close_doors(self) -> None:
        """Takes from MLServer what would change what is served, answer before it has checked, or remember every name it is asked for."""
        app, plane, repository = self.server._rest_server._app, self.server._data_plane, self.server._model_repository_handlers
        closed = ("/v2/repository/models", "_stream")
        app.router.routes[:] = [route for route in app.router.routes if not any(part in getattr(route, "path", "") for part in closed)]
        app.router.redirect_slashes = False  # a redirection repeats what the request says its host is
        app.add_middleware(Guard, limits=self.limits)
        app.add_exception_handler(RequestValidationError, tell_of_bodies)
        plane._inference_middleware = InferenceMiddlewares()  # MLServer's own writes the id of a request into headers
        infer, active = plane.infer, 0

        async def known_only(payload: Any, name: str, version: str | None = None) -> Any:
            if not any(name == known and version in (None, "", number) for known, number in LOADED):
                raise ModelNotFound(f"{name:.100}", f"{version:.20}" if version else None)
            nonlocal active
            if active >= self.limits.requests:
                raise MLServerError(f"{active} requests are computed already (--requests); try again later", 503)
            active += 1
            try:
                return await infer(payload, name, version)
            finally:
                active -= 1

        async def refuse(*arguments: Any, **more: Any) -> Any:
            raise MLServerError("models are loaded and dropped by the folder alone")

        plane.infer = known_only
        repository.load = repository.unload = plane.infer_stream = refuse

    async def _load(self, models: dict[Key, pathlib.Path]) -> None:
        """Loads models into memory, in a thread: requests go on meanwhile."""
        for key, path in models.items():
            try:
                model = await asyncio.to_thread(ExportedModel, path, self.limits, trusted=self.trust_graphs)
                await asyncio.to_thread(model.warm_up)
            except Exception as error:
                log.warning("%s is not served: %s", path, " ".join(str(error).split())[:300])
                continue
            LOADED[key] = model
            self.say(f"{key[0]} version {key[1]}: {', '.join(model.signatures)}")

    async def _watch(self) -> None:
        """Loads versions that appear, then drops those that are no longer among the latest."""
        failed: dict[Key, float] = {}
        while True:
            await asyncio.sleep(_POLL)
            try:
                await self._look(failed)
            except Exception as error:
                log.warning("%s: %s", self.folder, error)

    async def _look(self, failed: dict[Key, float]) -> None:
        """Looks at the folder once; `failed` are versions that could not be loaded, and when they had changed then."""
        new = {key: path for key, path in found(self.folder).items() if key not in LOADED and failed.get(key) != _changed(path)}
        await self._load(new)
        for key, path in new.items():
            if key in LOADED:
                failed.pop(key, None)
                await self.server._model_registry.load(_settings(*key))
            else:
                failed[key] = _changed(path)
        for name, version in outdated(LOADED, self.folder):
            self.dropped.append(weakref.ref(LOADED[name, version]))
            await self.server._model_registry.unload_version(name, version)
            LOADED.pop((name, version), None)
            self.say(f"{name} version {version} is no longer served")
        if self.dropped:  # until requests under way have been answered, which still hold a model
            await asyncio.to_thread(give_back_memory)
            self.dropped = [model for model in self.dropped if model() is not None]


def serve(server: Server) -> None:
    """Runs a server until a signal stops it."""
    asyncio.run(server.run())
