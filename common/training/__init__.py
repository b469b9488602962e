"""One run from its beginning to its end.

In reading order:

    fit: train a model and write everything that a run's folder holds
    callbacks: logs, sample images, checkpoints and stops between steps
    checkpoints: the whole state of training, written whole or not at all
    run_dir: the folder of a run
    stages: trainings that build on another, in folders of their own
    network_files: networks as .keras files
    curves: metrics.csv and the curves drawn from it
    stopping: Ctrl-C, SIGTERM and a time limit
    devices: devices, number formats and seeds
    workers: several processes that train together
    local_workers: several workers on one machine
"""
