"""The one training step that all chapters share.

A chapter hands over networks, optimizers and loss functions as phases;
`AdversarialModel` makes one compiled step of them and `fit` runs it.

Each phase's gradients are taken for its own network's variables only, so no
`trainable` flag is ever set. Random numbers are a function of (seed, step, phase), so
a resumed run draws the same numbers as an uninterrupted one.
"""

import contextlib
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from common.config import RunConfig
from common.gan import replicas, rng
from common.gan.step import Logs, Phase, Step
from common.gan.weight_averages import MovingAverage

Tensor = tf.Tensor


class AdversarialModel(keras.Model):
    """Networks that are trained against or with one another, phase by phase.

    `model(z)` returns samples of the averaged generator, so `predict` works.

    Args:
        generator: network that makes samples.
        phases: phases of a training step, in the order in which they run.
        forward: forward pass that several phases share; they call `step.shared()`.
        mode: "alternating": each phase makes its own forward pass with its own
            noise, after the updates of the phases before it (Goodfellow et al.
            2014, algorithm 1). "simultaneous": one forward pass for all phases,
            all gradients at the same weights, then all updates; this is less work
            and a different algorithm.
        average: decay of the moving average of the generator's variables, which
            makes all output; 0 turns it off.
        seed: root of all random numbers.
    """

    def __init__(
        self,
        generator: keras.Model,
        phases: list[Phase],
        forward: Callable[[Step], Any],
        mode: str = "alternating",
        average: float = 0.0,
        seed: int = 0,
    ):
        super().__init__(name="adversarial_model")
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                "training needs KERAS_BACKEND=tensorflow, found "
                f"{keras.backend.backend()}: the step uses tf.GradientTape"
            )
        if mode == "simultaneous" and any(phase.every > 1 for phase in phases):
            raise ValueError("mode simultaneous needs phases that run at every step")
        for names in ([p.name for p in phases], [p.network.name for p in phases]):
            if len(set(names)) < len(names):
                raise ValueError(
                    f"phases and networks need names of their own: {names}"
                )
        self.generator = generator
        self.phases = phases
        self.forward = forward
        self.mode = mode
        self.seed = seed
        self.averages = {p.name + "_history": p.history for p in phases if p.history}
        self.average_generator = generator
        if average:
            self.averages["average"] = MovingAverage(generator, average)
            self.average_generator = self.averages["average"].network
        for phase in phases:
            phase.optimizer.build(phase.network.trainable_variables)
        self.step = tf.Variable(
            0,
            dtype=tf.int64,
            trainable=False,
            name="step",
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        self.log_names: dict[str, list[str]] = {}
        self.built = True

    def call(self, latent: Tensor, training: bool = False) -> Tensor:
        """Return samples (B, ...) of the averaged generator for latents (B, d)."""
        return self.average_generator(latent, training=training)

    def build_step(
        self, batch_spec: Any, steps_per_execution: int = 1, jit: bool = False
    ) -> None:
        """Make the step ready for batches of `batch_spec`.

        The losses are traced once to learn the names of their logs.

        Args:
            batch_spec: element_spec of the data set.
            steps_per_execution: steps between two returns to Python.
            jit: compile with XLA. On a CPU this makes 3-D convolutions about a
                hundred times slower.
        """

        def logs_of(batch):
            step = self._make_step(batch, stream=0)
            return {p.name: self._evaluate(p, step)[2] for p in self.phases}

        traced = tf.function(logs_of).get_concrete_function(batch_spec)
        self.log_names = {
            phase: list(logs) for phase, logs in traced.structured_outputs.items()
        }
        # Row 0: sums of each log since the last reading. Row 1: their counts.
        self.log_sums = tf.Variable(
            tf.zeros((2, len(self._all_logs()))),
            trainable=False,
            name="log_sums",
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
        )
        self.compile(
            optimizer=None, steps_per_execution=steps_per_execution, jit_compile=jit
        )

    def state(self) -> dict[str, list]:
        """Return all variables that training changes, by owner."""
        state = {phase.network.name: phase.network.variables for phase in self.phases}
        state |= {f"{p.name}_optimizer": p.optimizer.variables for p in self.phases}
        state |= {name: average.variables for name, average in self.averages.items()}
        state["progress"] = [self.step, self.log_sums]
        return state

    def read_logs(self) -> dict[str, float]:
        """Return the mean of each log since the last call, and reset the sums."""
        sums, counts = tf.convert_to_tensor(self.log_sums).numpy()
        self.log_sums.assign(tf.zeros(self.log_sums.shape))
        return {
            name: float(total / count)
            for name, total, count in zip(self._all_logs(), sums, counts, strict=True)
            if count
        }

    def train_step(self, batch: Any) -> Logs:
        """Run every phase once on `batch` and count the step."""
        # If the data set runs out inside a multi-step execution, do not advance the
        # step counter for a batch that never came.
        with tf.control_dependencies(tf.nest.flatten(batch)):
            return self._run_phases(batch)

    def _run_phases(self, batch: Any) -> Logs:
        # 1. Update the networks: D and G in turn, or both from one forward pass.
        if self.mode == "simultaneous":
            values = self._train_simultaneously(batch)
        else:
            values = {}
            for stream, phase in enumerate(self.phases):
                # Each phase has its own stream of random numbers, so its own latents.
                step = self._make_step(batch, stream)
                values |= self._train_phase(phase, step)
        # 2. Bring what each device has seen of BatchNorm's statistics together.
        replicas.average_statistics(phase.network for phase in self.phases)
        # 3. Update the averages of weights, which follow the networks.
        for average in self.averages.values():
            average.update(self.step)
        self.step.assign_add(1)
        # 4. Add the logs to their sums; a phase that did not run has weight 0.
        pairs = [values[name] for name in self._all_logs()]
        self.log_sums.assign_add(
            tf.stack([[v * w for v, w in pairs], [w for _, w in pairs]])
        )
        losses = {name: values[name][0] for name in self._loss_names()}
        return replicas.for_progress_bar(losses, self.distribute_strategy)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None) -> None:
        """Do nothing.

        All networks are built, and Keras's own version (3.15) fails on batches that
        are pairs when there are several workers.
        """

    def _loss_names(self) -> list[str]:
        return [f"{phase.name}_loss" for phase in self.phases]

    def _all_logs(self) -> list[str]:
        return [name for names in self.log_names.values() for name in names]

    def _make_step(self, batch: Any, stream: int) -> Step:
        key = rng.step_key(self.seed, self.step, stream)
        return Step(batch, tf.identity(self.step), key, self.forward)

    def _evaluate(self, phase: Phase, step: Step) -> tuple[Tensor, Tensor | None, Logs]:
        """Return the loss to differentiate, whether to keep the update, and logs."""
        # The phase's own loss, in float32 whatever the networks compute in.
        loss, logs = phase.loss(step)
        loss = tf.cast(loss, tf.float32)
        logs = {f"{phase.name}_loss": loss, **logs}
        # The pull towards the mean of past weights, which is not part of the game.
        if phase.history:
            logs[f"{phase.name}_history_penalty"] = phase.history.penalty()
            loss += logs[f"{phase.name}_history_penalty"]
        logs = {name: tf.cast(value, tf.float32) for name, value in logs.items()}
        # The gate: 3D-GAN's D, for example, learns only while it is not too good.
        keep = None
        if phase.when is not None:
            keep = phase.when(replicas.mean(logs))
            logs[f"{phase.name}_skipped"] = 1.0 - tf.cast(keep, tf.float32)
        # Optimizers sum the gradients of all replicas, so each takes its share.
        count = self.distribute_strategy.num_replicas_in_sync
        return phase.optimizer.scale_loss(loss / count), keep, logs

    def _train_phase(self, phase: Phase, step: Step) -> dict[str, tuple]:
        """Run one phase; return (value, weight) of each of its logs.

        A phase that runs every n-th step has weight 0 in the other steps.
        """

        def run(due: Tensor | None = None) -> Logs:
            with tf.GradientTape() as tape:
                loss, keep, logs = self._evaluate(phase, step)
            # The other networks take part in the loss, but get no gradient.
            gradients = tape.gradient(loss, phase.network.trainable_variables)
            if due is not None:
                keep = due if keep is None else keep & due
            _apply(phase, gradients, keep)
            return logs

        if phase.every == 1:
            return {name: (value, 1.0) for name, value in run().items()}
        due = step.index % phase.every == 0
        names = self.log_names[phase.name]
        if self.distribute_strategy.num_replicas_in_sync > 1:
            # TensorFlow cannot exchange gradients between replicas inside tf.cond: run
            # the phase and discard its update.
            logs = run(due)
        else:
            logs = tf.cond(due, run, lambda: dict.fromkeys(names, 0.0))
        return {name: (v, tf.cast(due, tf.float32)) for name, v in logs.items()}

    def _train_simultaneously(self, batch: Any) -> dict[str, tuple]:
        """Run all phases on one forward pass; return (value, weight) of each log."""
        step = self._make_step(batch, stream=0)
        tapes = [tf.GradientTape() for _ in self.phases]
        results = []
        # All tapes record the shared pass, each phase's loss only its own tape.
        with contextlib.ExitStack() as recording:
            for tape in tapes:
                recording.enter_context(tape)
            step.shared()
            for phase, own in zip(self.phases, tapes, strict=True):
                # In TensorFlow 2.21 a tf.cond that two tapes record, such as a lazy
                # penalty, has no gradient.
                with contextlib.ExitStack() as paused:
                    for tape in tapes:
                        if tape is not own:
                            paused.enter_context(tape.stop_recording())
                    results.append(self._evaluate(phase, step))
        # All gradients are taken before any update: all see the same weights.
        gradients = [
            tape.gradient(result[0], phase.network.trainable_variables)
            for tape, phase, result in zip(tapes, self.phases, results, strict=True)
        ]
        values = {}
        for phase, gradient, result in zip(
            self.phases, gradients, results, strict=True
        ):
            _apply(phase, gradient, result[1])
            values |= {name: (value, 1.0) for name, value in result[2].items()}
        return values


def _apply(phase: Phase, gradients: list[Tensor], keep: Tensor | None) -> None:
    """Update the phase's network, and undo the update if `keep` is false.

    The update is undone rather than skipped, because tf.cond cannot hold the exchange
    of gradients between replicas. Zero gradients would not do: with its momentum Adam
    would still move the weights.
    """
    variables = phase.network.trainable_variables
    touched = []
    if keep is not None:
        touched = [v.value for v in [*variables, *phase.optimizer.variables]]
    before = [tf.identity(variable) for variable in touched]
    phase.optimizer.apply_gradients(zip(gradients, variables, strict=True))
    for variable, old in zip(touched, before, strict=True):
        variable.assign(tf.where(keep, variable, old))


def build_adversarial_model(
    config: RunConfig,
    generator: keras.Model,
    phases: list[Phase],
    forward: Callable[[Step], Any],
) -> AdversarialModel:
    """Return the model of a game with the options of a configuration.

    Args:
        config: uses update_mode, average and seed.
        generator: generator of the game.
        phases: phases of a training step.
        forward: forward pass that the phases share.
    """
    return AdversarialModel(
        generator,
        phases,
        forward,
        mode=config.update_mode,
        average=config.average,
        seed=config.seed,
    )
