"""The search for better options with Hyperopt.

In reading order:

    space: search spaces as plain data
    dimensions: the kinds of dimensions of a space
    optimizer_space: optimizers with their own options
    objective: what a search minimises, measured on validation items
    image_objective: the objective of chapters that make images
    search: which options to try next
    trial: one trial in a process of its own
    trial_callback: scores taken during a trial
    median_rule: which trials are stopped early
    trial_records: the results, one line a trial
    search_folder: the folder of a search
    confirm: the best trial and the preset again with other seeds
    report: what a search prints and writes
    plots: images of a search
    spark: trials at the same time
    spark_session: Spark started quietly
    options: the options of `tune`
    command: the command `tune`
"""
