"""Who trains together: one device, several of this machine, or several processes, on one machine or many."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from tfvae.data.shares import WHOLE, Shares
from tfvae.errors import UserError

STRATEGIES = ("none", "mirrored", "multi_worker")


def strategy_of(name: str, replicas: int = 0) -> tf.distribute.Strategy | None:
    """Returns the strategy of a name, made before anything else is done with TensorFlow; None for "none".

    Args:
      name: "mirrored", all accelerators of this machine, or `replicas` shares of its processor where it has none; "multi_worker", the
        processes that TF_CONFIG or, where that is not set, Slurm names, each with its own accelerators.
      replicas: of "mirrored": how many; 0 for all accelerators.

    Raises:
      UserError: there is no such strategy, nothing to share, or nothing that names the processes.
    """
    if name not in STRATEGIES:
        raise UserError(f"--strategy={name}: must be one of {', '.join(STRATEGIES)}")
    if replicas and name != "mirrored":
        raise UserError(f"--replicas={replicas} is for --strategy=mirrored; --strategy={name} has as many as there are processes")
    if name == "none":
        return None
    return tf.distribute.MirroredStrategy(_devices(replicas)) if name == "mirrored" else _multi_worker()


def _devices(replicas: int) -> list[str]:
    accelerators = tf.config.list_physical_devices("GPU")
    if len(accelerators) < replicas and accelerators:
        raise UserError(f"--replicas={replicas}: this machine has {len(accelerators)} accelerators")
    if accelerators:
        return [f"GPU:{number}" for number in range(replicas or len(accelerators))]
    if not replicas:
        raise UserError("--strategy=mirrored: this machine has no accelerator; --replicas=2 lets two replicas share its processor")
    [processor] = tf.config.list_physical_devices("CPU")
    try:
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * replicas)
    except RuntimeError:  # TensorFlow has begun, and may have as many already
        if len(tf.config.list_logical_devices("CPU")) < replicas:
            raise UserError(f"--replicas={replicas}: TensorFlow has begun with fewer; ask before anything else is done with it") from None
    return [f"CPU:{number}" for number in range(replicas)]


def _multi_worker() -> tf.distribute.Strategy:
    if "TF_CONFIG" not in os.environ and "SLURM_PROCID" in os.environ:
        os.environ["TF_CONFIG"] = _of_slurm()
    if "TF_CONFIG" not in os.environ:
        raise UserError(
            "--strategy=multi_worker: nothing names the processes: set TF_CONFIG in each, or start them by Slurm's srun (docs/scale.md)"
        )
    _check_tf_config(os.environ["TF_CONFIG"])
    return tf.distribute.MultiWorkerMirroredStrategy()


def _of_slurm() -> str:
    """TF_CONFIG of the processes of a Slurm step, each of which sees its own accelerators only."""
    counted = "CUDA_VISIBLE_DEVICES" in os.environ or shutil.which("nvidia-smi")
    # TensorFlow's resolver divides accelerators among processes, and wants one for each even where there is none
    none: dict[str, Any] = {"gpus_per_node": 1 << 10, "gpus_per_task": 1, "auto_set_gpu": False}
    try:
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(**({} if counted else none))
        cluster = resolver.cluster_spec().as_dict()
    except (RuntimeError, ValueError) as error:
        raise UserError(f"--strategy=multi_worker: Slurm names no processes: {' '.join(str(error).split())}; start them by srun") from None
    kind, index = resolver.get_task_info()
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


def _check_tf_config(text: str) -> None:
    """Checks what TensorFlow would only say in several lines."""
    advice = 'it must be like {"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
    try:
        values = json.loads(text)
        cluster, task = values["cluster"], values["task"]
        members = cluster[task["type"]]
        there = isinstance(members, list) and all(isinstance(member, str) for member in members)
    except (ValueError, TypeError, KeyError):
        raise UserError(f"TF_CONFIG = {text[:200]!r}: {advice}") from None
    if not there or set(cluster) - {"worker", "chief"}:
        raise UserError(f"TF_CONFIG = {text[:200]!r}: {advice}")
    if type(task.get("index")) is not int or not 0 <= task["index"] < len(members):
        raise UserError(f"TF_CONFIG: task index {task.get('index')!r} is none of the {len(members)} members of {task['type']}")


class Workers:
    """The processes and devices that train one model.

    Attributes:
      chief: whether this process is the one that writes; all do all else alike, so that what they decide is the same.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None) -> None:
        """Takes a strategy; None: this process and its default device alone."""
        self.strategy = strategy
        extended = getattr(strategy, "extended", None)
        self.several = bool(getattr(extended, "_in_multi_worker_mode", lambda: False)())
        resolver = getattr(strategy, "cluster_resolver", None)
        self.chief = not self.several or resolver is None or (resolver.task_type in ("chief", "worker") and _is_first(resolver))

    @property
    def replicas(self) -> int:
        """How many replicas share a batch."""
        return 1 if self.strategy is None else int(self.strategy.num_replicas_in_sync)

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Returns the context that the model and its optimiser are made in."""
        return contextlib.nullcontext() if self.strategy is None else self.strategy.scope()

    def batches(self, make: Callable[[Shares], tf.data.Dataset]) -> Any:
        """Returns this process's part of the batches of a dataset, which is made of `shares` of each."""
        if self.strategy is None:
            return make(WHOLE)

        def own(context: tf.distribute.InputContext) -> tf.data.Dataset:
            here = context.num_replicas_in_sync // context.num_input_pipelines
            return make(Shares(context.num_replicas_in_sync, context.input_pipeline_id * here, here))

        return self.strategy.distribute_datasets_from_function(own)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Says in one line that a process was lost, where others wait for it.

        Raises:
          UserError: one was.
        """
        try:
            yield
        except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError):
            if not self.several:
                raise
            raise UserError("a process of --strategy=multi_worker was lost: start all of them again, with --resume") from None

    @contextlib.contextmanager
    def one_by_one(self, model: keras.Model, make: Callable[[], keras.Model]) -> Iterator[keras.Model]:
        """Gives what trains by itself, outside of steps that are shared, a model of no replicas, and takes its weights over."""
        if self.strategy is None:
            yield model
            return
        own = make()
        own.set_weights(model.get_weights())
        yield own
        model.set_weights(own.get_weights())

    def agree(self, model: keras.Model) -> None:
        """Gives all processes the chief's weights and state of the optimiser."""
        if not self.several:
            return
        assert self.strategy is not None
        for variable in [*model.variables, *model.optimizer.variables]:
            value = tf.convert_to_tensor(variable.numpy())
            whole = tf.cast(value, tf.int64) if not value.dtype.is_floating else value
            total = self.strategy.run(_of_first, args=(whole,))
            variable.assign(tf.cast(self.strategy.experimental_local_results(total)[0], value.dtype))

    def wait(self) -> None:
        """Returns when all processes have come here."""
        if self.several:
            assert self.strategy is not None
            self.strategy.run(_of_first, args=(tf.constant(0.0),))


@tf.function(reduce_retracing=True)
def _of_first(value: tf.Tensor) -> tf.Tensor:
    """The first replica's value, on all."""
    context = tf.distribute.get_replica_context()
    own = tf.where(tf.equal(context.replica_id_in_sync_group, 0), value, tf.zeros_like(value))
    return context.all_reduce(tf.distribute.ReduceOp.SUM, own)


def _is_first(resolver: Any) -> bool:
    """Whether this process is the cluster's chief: the one that is called so, or else the first worker."""
    called = "chief" in resolver.cluster_spec().as_dict()
    return resolver.task_type == "chief" or (not called and resolver.task_id == 0)
