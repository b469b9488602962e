"""One run, from its first step to its results.

In reading order:

    fit: train a model and write all files of a run's folder
    callbacks: logs, sample images, checkpoints and stops between steps
    checkpoints: save and restore the whole state of training
    run_dir: the folder of a run, with the paths of its files
    folders: create, lock and log into the folder of a run or a search
    environment: the machine and the versions
    stages: trainings that build on another, in folders of their own
    network_files: networks as .keras files
    step_files: sample pictures and checkpoints, named by the number of steps
    curves: metrics.csv and the curves drawn from it
    stopping: stop on Ctrl-C, SIGTERM or a time limit
    devices: devices, number formats and seeds
    workers: several processes that train together
    local_workers: several workers on one machine
"""
