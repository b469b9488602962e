"""The command line of a chapter, made from dataclasses of options.

In reading order:

    main: find the command, parse its options, run it, report errors
    options: options that all chapters share
    train_options: the options of `train`
"""
