"""The step under MirroredStrategy, with two logical CPU devices, by subprocess.

Logical devices must be set before TensorFlow begins, hence the new process.
"""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
sys.path[:0] = [{tests!r}, {root!r}]
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
import toy

data = tf.data.Dataset.from_tensor_slices(toy.POINTS[: 4 * toy.BATCH]).batch(
    toy.BATCH, drop_remainder=True
)
gates = {{
    "open": lambda logs: logs["d_accuracy"] <= 1.0,
    "closed": lambda logs: logs["d_accuracy"] < 0.0,
    "paper": lambda logs: logs["d_accuracy"] <= 0.8,
}}
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
for name, gate in gates.items():
    with strategy.scope():
        model = toy.build(when=gate, g_every=2)
    before = toy.weights(model)
    model.fit(data, shuffle=False, verbose=0)
    after = toy.weights(model)
    assert int(model.step.numpy()) == 4
    for variable in model.phases[0].network.trainable_variables:
        first, second = strategy.experimental_local_results(variable.value)
        np.testing.assert_array_equal(first, second)
    moved = toy.moved(before["discriminator"], after["discriminator"])
    logs = model.read_logs()
    assert moved == (logs["d_skipped"] < 1.0), (name, moved, logs)
    if name != "paper":
        assert logs["d_skipped"] == {{"open": 0.0, "closed": 1.0}}[name], (name, logs)
    assert toy.moved(before["generator"], after["generator"])
    print(name, "passed")
"""


def test_gate_and_interval_work_with_two_replicas():
    tests = Path(__file__).parent
    program = PROGRAM.format(tests=str(tests), root=str(tests.parent))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == "open passed closed passed paper passed".split()
