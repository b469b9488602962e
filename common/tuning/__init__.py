"""The search for better options with Hyperopt.

In reading order:

    space: search spaces as plain data
    dimensions: the kinds of dimensions that a space can have
    optimizer_space: optimizers with hyperparameters of their own
    objective: what a search minimises, measured on validation items
    image_objective: the objective of chapters that make images
    search: which options to try next
    trial: one trial in a process of its own
    trial_callback: the scores of a trial while it trains
    median_rule: which trials are stopped early
    trial_records: the results, one line per trial
    search_folder: the folder of a search
    confirm: repeat the best trial and the preset with other seeds
    report: what a search prints and writes
    plots: charts of a search
    spark: several trials at the same time
    spark_session: start Spark without its messages
    options: the options of `tune`
    command: the command `tune`
"""
